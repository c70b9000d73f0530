#include <string>

#include "absl/strings/str_cat.h"

#include "cli/commands.h"
#include "cli/table.h"
#include "common/base/status_macros.h"

namespace leidang::cli {
namespace {

std::string StateOf(const v1::RecoveringCluster& cluster) {
  if (!cluster.compared()) return "Waiting";
  return cluster.unknown() ? "Unknown" : "Differs";
}

void Print(const v1::ListRecoveryResponse& list, absl::Time now, Streams streams) {
  Table table(
      {"CLUSTER", "STATE", "EQUAL", "ADD", "CHANGE", "REMOVE", "KEEP", "ADOPT", "COMPARED"});
  for (const v1::RecoveringCluster& c : list.clusters()) {
    const auto count = [&c](uint64_t n) {
      return c.compared() ? absl::StrCat(n) : std::string("-");
    };
    table.Add(
        {c.cluster(), StateOf(c), count(c.equal()), count(c.add()), count(c.change()),
         count(c.remove()), count(c.keep()), count(c.adopt()),
         c.compared() ? Age(absl::FromUnixSeconds(c.compared_at().seconds()), now) : "never"});
  }
  streams.out << table.ToString();
  for (const v1::RecoveringCluster& c : list.clusters()) {
    for (const std::string& line : c.lines()) streams.out << c.cluster() << ": " << line << "\n";
    const uint64_t all = c.add() + c.change() + c.remove() + c.keep() + c.adopt();
    const auto shown = static_cast<uint64_t>(c.lines_size());
    if (all > shown) streams.out << c.cluster() << ": and " << all - shown << " more\n";
  }
}

}  // namespace

absl::Status Recover(Connection& connection, const RecoverOptions& options, const Clock& clock,
                     Streams streams) {
  v1::ListRecoveryResponse list;
  {
    grpc::ClientContext context;
    connection.Prepare(&context);
    RETURN_IF_ERROR(connection.Explain(
        connection.fleet().ListRecovery(&context, v1::ListRecoveryRequest(), &list), "recover"));
  }
  if (list.clusters().empty()) {
    streams.err << "no cluster is recovering\n";
    return absl::OkStatus();
  }
  Print(list, clock.Now(), streams);
  if (!list.settled()) {
    streams.err << "sets are still being expanded from Git; agents are asked after that\n";
  }
  if (!options.accept) return absl::OkStatus();
  v1::AcceptRecoveryRequest request;
  request.set_although_unsettled(options.although_unsettled);
  for (const v1::RecoveringCluster& cluster : list.clusters()) {
    if (!cluster.compared()) continue;
    if (!options.cluster.empty() && cluster.cluster() != options.cluster) continue;
    v1::AcceptRecoveryRequest::Accepted* accepted = request.add_accepted();
    accepted->set_cluster(cluster.cluster());
    accepted->set_difference(cluster.difference());
  }
  if (request.accepted().empty()) {
    return absl::FailedPreconditionError(
        "there is nothing to accept: no such cluster is recovering and has been compared");
  }
  grpc::ClientContext context;
  connection.Prepare(&context);
  v1::AcceptRecoveryResponse response;
  RETURN_IF_ERROR(connection.Explain(
      connection.fleet().AcceptRecovery(&context, request, &response), "recover --accept"));
  streams.out << response.clusters() << " clusters go on\n";
  return absl::OkStatus();
}

}  // namespace leidang::cli
