#pragma once

#include <chrono>
#include <future>

#include "absl/status/status.h"

#include "agent/link/content_fetcher.h"
#include "agent/link/grpc/grpc_transport.h"
#include "common/time/event_loop.h"

namespace leidang::tests {

// What becomes of one attempt to connect: OK once the hub has let the agent in.
class Attempt final : public agent::StreamObserver, public agent::FetchObserver {
 public:
  void OnOpen() override { End(absl::OkStatus()); }
  void OnMessage(v1::HubMessage) override {}
  void OnWritten() override {}
  void OnClosed(absl::Status status) override { End(status); }
  void OnChunk(std::string, uint64_t) override {}
  void OnFetched(absl::Status status) override { End(status); }

  // An end that never comes would be a failure of its own.
  absl::Status Wait() {
    std::future<absl::Status> done = done_.get_future();
    if (done.wait_for(std::chrono::seconds(5)) == std::future_status::ready) return done.get();
    return absl::DeadlineExceededError("not let in");
  }

 private:
  void End(const absl::Status& status) {
    if (ended_) return;
    ended_ = true;
    done_.set_value(status);
  }

  bool ended_ = false;
  std::promise<absl::Status> done_;
};

// One attempt with that identity, and its end.
inline absl::Status ConnectOnce(EventLoop& loop, const agent::IdentityFiles& files,
                                const agent::HubAddress& hub) {
  Attempt attempt;
  agent::GrpcTransport transport(loop, files);
  std::unique_ptr<agent::Stream> stream;
  loop.Post([&] { stream = transport.Open(hub, &attempt); });
  const absl::Status status = attempt.Wait();
  std::promise<void> gone;
  loop.Post([&] {
    stream.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  return status;
}

}  // namespace leidang::tests
