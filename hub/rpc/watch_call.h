#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "grpcpp/grpcpp.h"

#include "common/object/sha256.h"
#include "common/time/event_loop.h"
#include "hub/rpc/resource_view.h"
#include "leidang/v1/fleet.pb.h"

namespace leidang::hub {

// One watcher. Level-triggered: each tick compares the present list with what was sent, so a slow
// reader sees fewer, newer events and nothing grows with what happens. Lives until gRPC is done
// with it; everything but the reactions runs on the loop.
class WatchCall final : public grpc::ServerWriteReactor<v1::WatchEvent> {
 public:
  // `on_done` runs on the loop, last.
  WatchCall(EventLoop& loop, v1::WatchRequest request, std::function<void(WatchCall*)> on_done)
      : loop_(loop), request_(std::move(request)), on_done_(std::move(on_done)) {}

  // Sends what differs from what was sent. Nothing while the last difference is still being
  // written.
  void Tick(const ResourceView& view);
  void End(const grpc::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void Compare(const ResourceView& view);
  void WriteNext();

  EventLoop& loop_;
  const v1::WatchRequest request_;
  const std::function<void(WatchCall*)> on_done_;

  std::map<std::string, std::pair<object::Sha256, v1::Resource>>
      sent_;  // Manifests dropped: identity only.
  std::deque<v1::WatchEvent> outgoing_;
  bool writing_ = false;
  bool bookmarked_ = false;
  bool ended_ = false;
};

}  // namespace leidang::hub
