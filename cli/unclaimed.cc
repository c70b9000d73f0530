#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "cli/commands.h"
#include "cli/table.h"
#include "common/base/status_macros.h"

namespace leidang::cli {
namespace {

std::string StateName(const v1::UnclaimedApplication& item) {
  switch (item.state()) {
    case v1::UnclaimedApplication::ENDING:
      return "Ending";
    case v1::UnclaimedApplication::ADOPTED:
      return "Adopted";
    default:
      return "Kept";
  }
}

std::string Shown(const std::string& text) { return text.empty() ? "-" : text; }

template <typename Request>
void Name(const UnclaimedOptions& options, Request* request) {
  const size_t slash = options.name.find('/');
  if (slash != std::string::npos) request->set_namespace_(options.name.substr(0, slash));
  request->set_name(slash == std::string::npos ? options.name : options.name.substr(slash + 1));
  request->set_cluster(options.cluster);
}

std::string NameOf(const v1::DecidedUnclaimed& decided, const UnclaimedOptions& options) {
  return absl::StrCat(decided.namespace_(), "/", decided.name(), " on cluster ", options.cluster);
}

// What the person should know besides.
void SayWhen(const v1::DecidedUnclaimed& decided, const UnclaimedOptions& options,
             Streams streams) {
  if (decided.connected()) return;
  streams.err << "cluster " << options.cluster
              << " is offline: it follows when its agent is connected\n";
}

}  // namespace

absl::Status ListUnclaimed(Connection& connection, const std::string& cluster, const Clock& clock,
                           Streams streams) {
  v1::ListUnclaimedRequest request;
  request.set_cluster(cluster);
  std::vector<v1::UnclaimedApplication> items;
  do {
    grpc::ClientContext context;
    connection.Prepare(&context);
    v1::ListUnclaimedResponse page;
    RETURN_IF_ERROR(connection.Explain(connection.fleet().ListUnclaimed(&context, request, &page),
                                       "unclaimed list"));
    items.insert(items.end(), page.items().begin(), page.items().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (items.empty()) {
    streams.err << "nothing is unclaimed\n";
    return absl::OkStatus();
  }
  std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    return std::tie(a.cluster(), a.namespace_(), a.name()) <
           std::tie(b.cluster(), b.namespace_(), b.name());
  });
  Table table({"CLUSTER", "NAME", "STATE", "SINCE", "OBJECTS", "SOURCE", "WHY"});
  for (const v1::UnclaimedApplication& item : items) {
    table.Add({absl::StrCat(item.cluster(), item.connected() ? "" : " (offline)"),
               absl::StrCat(item.namespace_(), "/", item.name()), StateName(item),
               Age(absl::FromUnixSeconds(item.since().seconds()), clock.Now()),
               absl::StrCat(item.objects()), Shown(item.source()), Shown(item.why())});
  }
  streams.out << table.ToString();
  return absl::OkStatus();
}

absl::Status ReleaseUnclaimed(Connection& connection, const UnclaimedOptions& options,
                              Streams streams) {
  v1::ReleaseUnclaimedRequest request;
  Name(options, &request);
  ASSIGN_OR_RETURN(const v1::DeleteRequest::Cascade cascade, ParseCascade(options.cascade));
  request.set_cascade(cascade);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::DecidedUnclaimed decided;
  RETURN_IF_ERROR(
      connection.Explain(connection.fleet().ReleaseUnclaimed(&context, request, &decided),
                         absl::StrCat("unclaimed release ", options.name)));
  streams.out << NameOf(decided, options)
              << (decided.ending() > 0 ? " is released\n" : " was released before\n");
  SayWhen(decided, options, streams);
  return absl::OkStatus();
}

absl::Status AdoptUnclaimed(Connection& connection, const UnclaimedOptions& options,
                            Streams streams) {
  v1::AdoptUnclaimedRequest request;
  Name(options, &request);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::DecidedUnclaimed decided;
  RETURN_IF_ERROR(connection.Explain(connection.fleet().AdoptUnclaimed(&context, request, &decided),
                                     absl::StrCat("unclaimed adopt ", options.name)));
  streams.out << NameOf(decided, options);
  switch (decided.written()) {
    case v1::DecidedUnclaimed::AS_HELD:
      streams.out << " is an Application of the API now\n";
      break;
    case v1::DecidedUnclaimed::ANEW:
      streams.out << " is written as an Application of the API under another uid: adopt it once "
                     "more when that one is assigned\n";
      break;
    default:
      streams.out << (decided.ending() > 0 ? " goes over to the hub's Application\n"
                                           : " was adopted before\n");
  }
  SayWhen(decided, options, streams);
  return absl::OkStatus();
}

}  // namespace leidang::cli
