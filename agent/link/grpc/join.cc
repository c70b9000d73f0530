#include "agent/link/grpc/join.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <sys/stat.h>

#include "agent/link/grpc/tls_probe.h"
#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "leidang/v1/enrolment.grpc.pb.h"

namespace leidang::agent {
namespace {

std::string MembershipPath(const std::string& directory) {
  return absl::StrCat(directory, "/membership.json");
}

absl::StatusOr<v1::JoinResponse> AskToJoin(const JoinOptions& options, const std::string& authority,
                                           const std::string& csr) {
  auto stub = v1::Enrolment::NewStub(OpenEnrolmentChannel(options.hub, authority));
  grpc::ClientContext context;
  context.set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(options.timeout), GPR_TIMESPAN)));
  v1::JoinRequest request;
  request.set_token(options.token);
  request.set_csr(csr);
  v1::JoinResponse response;
  if (const grpc::Status status = stub->Join(&context, request, &response); !status.ok()) {
    return absl::Status(
        static_cast<absl::StatusCode>(status.error_code()),
        absl::StrCat("joining through ", options.hub, ": ", status.error_message()));
  }
  return response;
}

absl::StatusOr<Membership> MembershipOf(const v1::JoinResponse& response,
                                        const std::string& hub_address) {
  Membership membership;
  const auto hub = intent::HubId::FromRaw(response.hub_id());
  const auto cluster = intent::ClusterId::FromRaw(response.cluster_id());
  if (!hub || !cluster || response.certificate_pem().empty()) {
    return absl::InternalError(
        "the hub's answer to the join is incomplete: do hub and agent have the same version?");
  }
  membership.hub = *hub;
  membership.cluster = *cluster;
  membership.cluster_name = response.cluster_name();
  membership.agent_address = response.agent_address();
  membership.enrolment_address = hub_address;
  if (absl::StartsWith(membership.agent_address, ":")) {
    membership.agent_address =
        absl::StrCat(hub_address.substr(0, hub_address.rfind(':')), membership.agent_address);
  }
  return membership;
}

}  // namespace

absl::StatusOr<Membership> Join(const JoinOptions& options, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::string authority,
                   FetchPinnedAuthority(options.hub, options.ca_pin, options.timeout));
  ASSIGN_OR_RETURN(const KeyAndRequest made, MakeKeyAndRequest());
  ASSIGN_OR_RETURN(const v1::JoinResponse response, AskToJoin(options, authority, made.csr_der));
  ASSIGN_OR_RETURN(const Membership membership, MembershipOf(response, options.hub));
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(directory).parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::InternalError(
        absl::StrCat("cannot create ", directory, ": ", std::strerror(errno)));
  }
  const IdentityFiles files = IdentityFiles::In(directory);
  RETURN_IF_ERROR(WriteIdentityFile(files.key, made.key_pem, 0600));
  RETURN_IF_ERROR(WriteIdentityFile(files.authority, authority, 0644));
  RETURN_IF_ERROR(WriteIdentityFile(files.certificate, response.certificate_pem(), 0644));
  object::Object text;
  text["hub"] = membership.hub.Hex();
  text["cluster"] = membership.cluster.Hex();
  text["clusterName"] = membership.cluster_name;
  text["agentAddress"] = membership.agent_address;
  text["enrolmentAddress"] = membership.enrolment_address;
  // Last: with it the agent has joined.
  RETURN_IF_ERROR(WriteIdentityFile(MembershipPath(directory),
                                    absl::StrCat(object::PrettyJson(text), "\n"), 0644));
  return membership;
}

absl::StatusOr<Membership> ReadMembership(const std::string& directory) {
  const std::string path = MembershipPath(directory);
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return absl::NotFoundError(
        absl::StrCat("this agent has not joined a fleet: ", path, " is not there"));
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const absl::StatusOr<object::Value> value = object::ParseJson(text);
  if (!value.ok()) return absl::DataLossError(absl::StrCat(path, ": ", value.status().message()));
  const auto hub = intent::HubId::FromHex(object::FindString(*value, {"hub"}));
  const auto cluster = intent::ClusterId::FromHex(object::FindString(*value, {"cluster"}));
  if (!hub || !cluster)
    return absl::DataLossError(absl::StrCat(path, " names no hub or cluster: join again"));
  return Membership{*hub, *cluster, std::string(object::FindString(*value, {"clusterName"})),
                    std::string(object::FindString(*value, {"agentAddress"})),
                    std::string(object::FindString(*value, {"enrolmentAddress"}))};
}

}  // namespace leidang::agent
