#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"

#include "common/time/workers.h"
#include "leidang/v1/admin.grpc.pb.h"

namespace leidang::hub {

// The HubAdmin service, on a socket in the data directory. Each call runs on a worker, since it
// reads or writes much; it never touches a loop's state. Thread-safe, as gRPC calls it.
class AdminService final : public v1::HubAdmin::CallbackService {
 public:
  struct Parts {
    Workers& workers;  // Must run until the server has shut down.
    std::function<absl::StatusOr<v1::BackupResponse>(const v1::BackupRequest&)> backup;
    std::function<absl::StatusOr<v1::CheckResponse>(const v1::CheckRequest&)> check;
    std::function<absl::StatusOr<v1::ExportIdentityResponse>(const v1::ExportIdentityRequest&)>
        export_identity;
  };
  explicit AdminService(Parts parts) : parts_(std::move(parts)) {}

  grpc::ServerUnaryReactor* Backup(grpc::CallbackServerContext* context,
                                   const v1::BackupRequest* request,
                                   v1::BackupResponse* response) override;
  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const v1::CheckRequest* request,
                                  v1::CheckResponse* response) override;
  grpc::ServerUnaryReactor* ExportIdentity(grpc::CallbackServerContext* context,
                                           const v1::ExportIdentityRequest* request,
                                           v1::ExportIdentityResponse* response) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Serve(
      grpc::CallbackServerContext* context, const Request* request, Response* response,
      const std::function<absl::StatusOr<Response>(const Request&)>& serve);

  const Parts parts_;
};

// "<data_dir>/admin.sock".
std::string AdminSocket(const std::string& data_dir);

// Serves on the socket, which it replaces. kInvalidArgument where its path is longer than sockets
// may have.
absl::StatusOr<std::unique_ptr<grpc::Server>> ListenAdmin(const std::string& data_dir,
                                                          AdminService* service);

// The other end. Blocks; thread-safe.
class AdminClient {
 public:
  // kUnavailable when no hub answers on the socket.
  static absl::StatusOr<std::unique_ptr<AdminClient>> Connect(const std::string& data_dir);

  absl::StatusOr<v1::BackupResponse> Backup(const v1::BackupRequest& request);
  absl::StatusOr<v1::CheckResponse> Check(const v1::CheckRequest& request);
  absl::StatusOr<v1::ExportIdentityResponse> ExportIdentity(
      const v1::ExportIdentityRequest& request);

 private:
  explicit AdminClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::HubAdmin::NewStub(channel)) {}

  const std::unique_ptr<v1::HubAdmin::Stub> stub_;
};

}  // namespace leidang::hub
