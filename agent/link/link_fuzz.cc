// What a hub may send, in any order: the link must take it in, ignore it or leave, and go on.
//
// Input: messages, each a length of two bytes and that many bytes of a HubMessage.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

#include "agent/link/link.h"
#include "agent/state/memory_state.h"
#include "common/base/check.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"

namespace leidang::agent {
namespace {

class FuzzedHub final : public Transport {
 public:
  std::unique_ptr<Stream> Open(const HubAddress&, StreamObserver* opened) override {
    observer = opened;
    reading = writing = false;
    is_open = false;
    return std::make_unique<End>(*this);
  }

  StreamObserver* observer = nullptr;
  bool is_open = false;
  bool reading = false;
  bool writing = false;

 private:
  class End final : public Stream {
   public:
    explicit End(FuzzedHub& hub) : hub_(hub) {}
    ~End() override { hub_.observer = nullptr; }
    void Write(v1::AgentMessage) override {
      CHECK(!hub_.writing && hub_.is_open);
      hub_.writing = true;
    }
    void Read() override {
      CHECK(!hub_.reading && hub_.is_open);
      hub_.reading = true;
    }
    void Finish() override {}

   private:
    FuzzedHub& hub_;
  };
};

void Run(absl::string_view input) {
  SimLoop loop;
  SeededRandom random(1);
  MemoryDisk disk;
  MemoryState state(loop, disk);
  FuzzedHub hub;
  LinkOptions options;
  options.hubs = {{"hub:7443", ""}};
  Link link(loop, random, state, hub, std::move(options));
  link.Start();
  while (input.size() >= 2) {
    const size_t size = static_cast<uint8_t>(input[0]) << 8 | static_cast<uint8_t>(input[1]);
    input.remove_prefix(2);
    v1::HubMessage message;
    const size_t taken = std::min(size, input.size());
    const bool parsed = message.ParseFromArray(input.data(), static_cast<int>(taken));
    input.remove_prefix(taken);
    loop.RunFor(absl::Milliseconds(20));
    if (hub.observer != nullptr && !hub.is_open) {
      hub.is_open = true;
      hub.observer->OnOpen();
    }
    loop.RunFor(absl::Milliseconds(20));
    while (hub.observer != nullptr && hub.writing) {
      hub.writing = false;
      hub.observer->OnWritten();
    }
    if (parsed && hub.observer != nullptr && hub.reading) {
      hub.reading = false;
      const Allegiance before = state.allegiance();
      hub.observer->OnMessage(std::move(message));
      loop.RunFor(absl::Milliseconds(1));
      const Allegiance after = state.allegiance();
      CHECK(intent::MayObey(intent::Compare(before.authority, after.authority)));
      CHECK(before.authority != after.authority || before.revision <= after.revision);
    }
    if (link.Snapshot().phase == LinkPhase::kWaiting) loop.RunFor(absl::Minutes(12));
  }
}

}  // namespace
}  // namespace leidang::agent

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leidang::agent::Run(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
