#include "hub/rpc/admin_service.h"

#include <unistd.h>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include <sys/stat.h>
#include <sys/un.h>

#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

// Half an hour: a scrub of a large store on a slow disk.
constexpr int kCallSeconds = 1800;
constexpr int kConnectSeconds = 5;

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

gpr_timespec In(int seconds) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(seconds, GPR_TIMESPAN));
}

}  // namespace

template <typename Request, typename Response>
grpc::ServerUnaryReactor* AdminService::Serve(
    grpc::CallbackServerContext* context, const Request* request, Response* response,
    const std::function<absl::StatusOr<Response>(const Request&)>& serve) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  parts_.workers.Run([request, response, reactor, &serve] {
    const absl::StatusOr<Response> answer = serve(*request);
    if (answer.ok()) *response = *answer;
    reactor->Finish(ToGrpc(answer.status()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Backup(grpc::CallbackServerContext* context,
                                               const v1::BackupRequest* request,
                                               v1::BackupResponse* response) {
  return Serve(context, request, response, parts_.backup);
}

grpc::ServerUnaryReactor* AdminService::Check(grpc::CallbackServerContext* context,
                                              const v1::CheckRequest* request,
                                              v1::CheckResponse* response) {
  return Serve(context, request, response, parts_.check);
}

grpc::ServerUnaryReactor* AdminService::ExportIdentity(grpc::CallbackServerContext* context,
                                                       const v1::ExportIdentityRequest* request,
                                                       v1::ExportIdentityResponse* response) {
  return Serve(context, request, response, parts_.export_identity);
}

std::string AdminSocket(const std::string& data_dir) { return data_dir + "/admin.sock"; }

absl::StatusOr<std::unique_ptr<grpc::Server>> ListenAdmin(const std::string& data_dir,
                                                          AdminService* service) {
  const std::string path = AdminSocket(data_dir);
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the path ", path,
                     " is too long for a socket: commands such as `leidang-hub "
                     "backup` need the hub to be stopped"));
  }
  ::unlink(path.c_str());  // Of a hub that was killed; the lock is ours.
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("unix:", path),
                           grpc::experimental::LocalServerCredentials(UDS));
  builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || ::chmod(path.c_str(), 0600) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", path));
  }
  return server;
}

absl::StatusOr<std::unique_ptr<AdminClient>> AdminClient::Connect(const std::string& data_dir) {
  const std::string path = AdminSocket(data_dir);
  const absl::Status nobody = absl::UnavailableError(absl::StrCat("no hub answers on ", path));
  if (::access(path.c_str(), F_OK) != 0) return nobody;
  const std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel(absl::StrCat("unix:", path), grpc::experimental::LocalCredentials(UDS));
  if (!channel->WaitForConnected(In(kConnectSeconds))) return nobody;
  return std::unique_ptr<AdminClient>(new AdminClient(channel));
}

absl::StatusOr<v1::BackupResponse> AdminClient::Backup(const v1::BackupRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(In(kCallSeconds));
  v1::BackupResponse response;
  const grpc::Status status = stub_->Backup(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

absl::StatusOr<v1::CheckResponse> AdminClient::Check(const v1::CheckRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(In(kCallSeconds));
  v1::CheckResponse response;
  const grpc::Status status = stub_->Check(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

absl::StatusOr<v1::ExportIdentityResponse> AdminClient::ExportIdentity(
    const v1::ExportIdentityRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(In(kCallSeconds));
  v1::ExportIdentityResponse response;
  const grpc::Status status = stub_->ExportIdentity(&context, request, &response);
  if (!status.ok()) return FromGrpc(status);
  return response;
}

}  // namespace leidang::hub
