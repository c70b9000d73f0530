#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/grpcpp.h"

#include "common/time/event_loop.h"
#include "hub/control/application_brakes.h"
#include "hub/control/brake_desk.h"
#include "hub/control/config_repository.h"
#include "hub/control/desk.h"
#include "hub/control/operations.h"
#include "hub/control/recovery.h"
#include "hub/control/repositories.h"
#include "hub/control/unclaimed_desk.h"
#include "hub/rpc/resource_view.h"
#include "leidang/v1/fleet.grpc.pb.h"

namespace leidang::hub {

class WatchCall;

// None for what is unspecified.
std::optional<intent::DeletionPolicy> PolicyOf(v1::DeleteRequest::Cascade cascade);

// The Fleet service on the user port. Translates and posts to the control loop; decides nothing.
//
// Every call needs a token that the records know. Thread-safe, as gRPC calls it; what it was given
// is used on `loop` only, must outlive it, and the loop must run until the server has shut down.
class FleetService final : public v1::Fleet::CallbackService {
 public:
  struct Parts {
    EventLoop& loop;
    Desk& desk;
    const ResourceView& view;
    Repositories& repositories;
    const OwnerReconciler& owners;
    Operations& operations;
    Recovery& recovery;
    BrakeDesk& brakes;
    ApplicationBrakes& application_brakes;
    UnclaimedDesk& unclaimed;
    const ConfigRepository* config = nullptr;  // nullptr: none is followed.
    // Who a token belongs to: kUnauthenticated if to nobody.
    std::function<absl::StatusOr<std::string>(const std::string& token)> authenticate;
    std::string ca_pin;
    std::string user_address;  // "host:port" that the join command names.
  };
  explicit FleetService(Parts parts);
  ~FleetService() override;

  // On the loop, before the server shuts down: ends every watch.
  void EndWatches();

  grpc::ServerUnaryReactor* GetVersion(grpc::CallbackServerContext* context,
                                       const v1::VersionRequest* request,
                                       v1::VersionResponse* response) override;
  grpc::ServerUnaryReactor* Apply(grpc::CallbackServerContext* context,
                                  const v1::ApplyRequest* request,
                                  v1::ApplyResponse* response) override;
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::GetRequest* request,
                                v1::Resource* response) override;
  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* context,
                                 const v1::ListRequest* request,
                                 v1::ListResponse* response) override;
  grpc::ServerUnaryReactor* Delete(grpc::CallbackServerContext* context,
                                   const v1::DeleteRequest* request,
                                   v1::DeleteResponse* response) override;
  grpc::ServerUnaryReactor* RegisterCluster(grpc::CallbackServerContext* context,
                                            const v1::RegisterClusterRequest* request,
                                            v1::RegisterClusterResponse* response) override;
  grpc::ServerUnaryReactor* Refresh(grpc::CallbackServerContext* context,
                                    const v1::RefreshRequest* request,
                                    v1::RefreshResponse* response) override;
  grpc::ServerUnaryReactor* ListSources(grpc::CallbackServerContext* context,
                                        const v1::ListSourcesRequest* request,
                                        v1::ListSourcesResponse* response) override;
  grpc::ServerUnaryReactor* Operate(grpc::CallbackServerContext* context,
                                    const v1::OperateRequest* request,
                                    v1::OperationView* response) override;
  grpc::ServerUnaryReactor* GetOperation(grpc::CallbackServerContext* context,
                                         const v1::GetOperationRequest* request,
                                         v1::OperationView* response) override;
  grpc::ServerUnaryReactor* ListOperations(grpc::CallbackServerContext* context,
                                           const v1::ListOperationsRequest* request,
                                           v1::ListOperationsResponse* response) override;
  grpc::ServerUnaryReactor* ListRecovery(grpc::CallbackServerContext* context,
                                         const v1::ListRecoveryRequest* request,
                                         v1::ListRecoveryResponse* response) override;
  grpc::ServerUnaryReactor* AcceptRecovery(grpc::CallbackServerContext* context,
                                           const v1::AcceptRecoveryRequest* request,
                                           v1::AcceptRecoveryResponse* response) override;
  grpc::ServerUnaryReactor* ListBrakes(grpc::CallbackServerContext* context,
                                       const v1::ListBrakesRequest* request,
                                       v1::ListBrakesResponse* response) override;
  grpc::ServerUnaryReactor* DecideBrake(grpc::CallbackServerContext* context,
                                        const v1::DecideBrakeRequest* request,
                                        v1::HeldDeletions* response) override;
  grpc::ServerUnaryReactor* ListUnclaimed(grpc::CallbackServerContext* context,
                                          const v1::ListUnclaimedRequest* request,
                                          v1::ListUnclaimedResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseUnclaimed(grpc::CallbackServerContext* context,
                                             const v1::ReleaseUnclaimedRequest* request,
                                             v1::DecidedUnclaimed* response) override;
  grpc::ServerUnaryReactor* AdoptUnclaimed(grpc::CallbackServerContext* context,
                                           const v1::AdoptUnclaimedRequest* request,
                                           v1::DecidedUnclaimed* response) override;
  grpc::ServerWriteReactor<v1::WatchEvent>* Watch(grpc::CallbackServerContext* context,
                                                  const v1::WatchRequest* request) override;

 private:
  // Authenticates, then runs `serve` on the loop with who asks.
  grpc::ServerUnaryReactor* Serve(
      grpc::CallbackServerContext* context,
      std::function<void(const Author&, grpc::ServerUnaryReactor*)> serve);
  UnclaimedDesk::Done AnswerUnclaimed(v1::DecidedUnclaimed* response,
                                      grpc::ServerUnaryReactor* reactor);
  void AddWatch(WatchCall* call, const std::string& token);
  void TickWatches();

  const Parts parts_;
  std::set<WatchCall*> watches_;  // Loop only; each removes itself when it is done.
  EventLoop::TimerId tick_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::hub
