#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

#include "cli/commands.h"
#include "cli/table.h"
#include "common/base/status_macros.h"

namespace leidang::cli {
namespace {

constexpr int kNamesShown = 20;
constexpr size_t kDigits = 16;

void PrintNames(const v1::HeldDeletions& held, Streams streams) {
  for (int i = 0; i < held.names_size() && i < kNamesShown; ++i)
    streams.out << "  " << held.names(i) << "\n";
  const auto shown = static_cast<uint64_t>(std::min(held.names_size(), kNamesShown));
  if (held.deletions() > shown) streams.out << "  and " << held.deletions() - shown << " more\n";
}

}  // namespace

absl::Status ListBrakes(Connection& connection, const Clock& clock, Streams streams) {
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::ListBrakesResponse list;
  RETURN_IF_ERROR(connection.Explain(
      connection.fleet().ListBrakes(&context, v1::ListBrakesRequest(), &list), "brake list"));
  if (list.held().empty()) {
    streams.err << "no brake holds anything\n";
    return absl::OkStatus();
  }
  Table table({"BRAKE", "DELETIONS", "DIGEST", "SINCE", "REJECTED BY", "WHY"});
  for (const v1::HeldDeletions& held : list.held()) {
    table.Add({held.scope(), absl::StrCat(held.deletions()), held.digest().substr(0, kDigits),
               Age(absl::FromUnixSeconds(held.since().seconds()), clock.Now()),
               held.rejected_by().empty() ? "-" : held.rejected_by(), held.why()});
  }
  streams.out << table.ToString();
  for (const v1::HeldDeletions& held : list.held()) {
    streams.out << held.scope() << ":\n";
    PrintNames(held, streams);
  }
  if (list.more()) streams.err << "and more Applications: decide about these first\n";
  return absl::OkStatus();
}

absl::Status DecideBrake(Connection& connection, const std::string& digest,
                         v1::DecideBrakeRequest::Verdict verdict, Streams streams) {
  v1::DecideBrakeRequest request;
  request.set_digest(digest);
  request.set_verdict(verdict);
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::HeldDeletions held;
  const bool approved = verdict == v1::DecideBrakeRequest::APPROVE;
  RETURN_IF_ERROR(
      connection.Explain(connection.fleet().DecideBrake(&context, request, &held),
                         absl::StrCat(approved ? "brake approve " : "brake reject ", digest)));
  streams.out << held.scope() << ": " << held.deletions()
              << (approved ? " deletions approved\n" : " deletions rejected, and kept\n");
  PrintNames(held, streams);
  return absl::OkStatus();
}

}  // namespace leidang::cli
