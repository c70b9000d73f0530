#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/link/content_fetcher.h"
#include "agent/link/grpc/channel.h"
#include "agent/link/grpc/loop_gate.h"
#include "agent/link/transport.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// The hub over gRPC with mutual TLS: Transport for the stream, ContentSource for content, over the
// channel of the newest stream. The identity is read for each attempt, so a renewed certificate is
// used without a restart.
//
// gRPC's threads only move messages; every callback runs on the loop, none after the transport has
// gone; the destructor waits for gRPC to end them. Loop-bound; `loop` must outlive it, and it every
// stream and fetch.
class GrpcTransport final : public Transport, public ContentSource {
 public:
  // Asked on the loop for each attempt.
  using IdentityReader = std::function<absl::StatusOr<Identity>()>;

  GrpcTransport(EventLoop& loop, IdentityFiles files);
  GrpcTransport(EventLoop& loop, IdentityReader identity);
  ~GrpcTransport() override;

  std::unique_ptr<Stream> Open(const HubAddress& hub, StreamObserver* observer) override;
  std::unique_ptr<Fetch> Start(const object::Sha256& digest, uint64_t offset,
                               FetchObserver* observer) override;

 private:
  class StreamCall;
  class GrpcStream;
  class FetchCall;
  class GrpcFetch;

  EventLoop& loop_;
  const std::shared_ptr<LoopGate> gate_;
  const IdentityReader identity_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace leidang::agent
