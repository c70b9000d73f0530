#include <string>

#include "absl/strings/str_cat.h"

#include "cli/commands.h"
#include "cli/table.h"
#include "common/base/status_macros.h"

namespace leidang::cli {
namespace {

std::string Shown(const std::string& text) { return text.empty() ? "-" : text; }

void PrintConfiguration(const v1::Configuration& config, Streams streams) {
  streams.out << "configuration: " << config.url() << " " << config.revision() << " "
              << (config.path().empty() ? "." : config.path()) << "\n  "
              << (config.commit().empty() ? "no commit was taken yet"
                                          : absl::StrCat("commit ", config.commit(), " is taken"))
              << "\n";
  if (!config.error().empty()) {
    streams.out << "  the present one cannot be taken, and the last good state stays: "
                << config.error() << "\n";
  }
}

}  // namespace

absl::Status ListSources(Connection& connection, const Clock& clock, Streams streams) {
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::ListSourcesResponse list;
  RETURN_IF_ERROR(connection.Explain(
      connection.fleet().ListSources(&context, v1::ListSourcesRequest(), &list), "repo list"));
  if (list.repositories().empty()) {
    streams.err << "the hub reads no repository\n";
  } else {
    const absl::Time now = clock.Now();
    Table table({"REPOSITORY", "REVISIONS", "FETCHED", "FAILING", "ERROR"});
    for (const v1::SourceRepository& repo : list.repositories()) {
      table.Add({repo.url(), absl::StrCat(repo.revisions()),
                 repo.has_fetched_at()
                     ? Age(absl::FromUnixSeconds(repo.fetched_at().seconds()), now)
                     : "never",
                 repo.has_failing_since()
                     ? Age(absl::FromUnixSeconds(repo.failing_since().seconds()), now)
                     : "-",
                 Shown(repo.error())});
    }
    streams.out << table.ToString();
  }
  if (list.has_configuration()) PrintConfiguration(list.configuration(), streams);
  return absl::OkStatus();
}

}  // namespace leidang::cli
