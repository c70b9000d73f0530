#pragma once

// ContentFetcher: brings content by SHA-256 from the hub into State, once for each digest however
// many want it.
//
// A fetch that breaks is resumed at the byte where it broke, with backoff, for ever, until the hub
// says that it will not serve it or nobody wants it any more. What arrives is verified before State
// sees it; a wrong digest begins anew. BoundedEverything: `concurrent_max` fetches at a time, each
// of State::kContentBytesMax at most, `waiting_max` wanted.
//
// Loop-bound.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "agent/link/backoff.h"
#include "agent/state/state.h"
#include "common/object/sha256.h"
#include "common/random/random.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

class FetchObserver {
 public:
  virtual ~FetchObserver() = default;
  // `total`: size of the whole content, in the first chunk; 0 in the others.
  virtual void OnChunk(std::string data, uint64_t total) = 0;
  // The end; nothing follows.
  virtual void OnFetched(absl::Status status) = 0;
};

// A fetch in progress. Destroying it, also from within its own callbacks, aborts it.
class Fetch {
 public:
  virtual ~Fetch() = default;
};

// Where content comes from: the gRPC call AgentLink.Fetch in programs. Callbacks run on the loop,
// never inside the call. The source reads the next chunk when OnChunk has returned.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  virtual std::unique_ptr<Fetch> Start(const object::Sha256& digest, uint64_t offset,
                                       FetchObserver* observer) = 0;
};

struct ContentFetcherOptions {
  size_t concurrent_max = 4;
  size_t waiting_max = 100'000;
  BackoffOptions backoff;
};

class ContentFetcher {
 public:
  using Options = ContentFetcherOptions;
  using Done = std::function<void(absl::Status)>;
  using WantId = uint64_t;  // Never 0.

  // All references must outlive it. Destroying it drops what is wanted; completions do not run.
  ContentFetcher(EventLoop& loop, Random& random, State& state, ContentSource& source,
                 Options options);
  ~ContentFetcher();

  // Calls `done` once State has the content durably (at once, posted, if it has it already), or
  // with the error why it never will: kNotFound, kPermissionDenied, kInvalidArgument of the hub,
  // kResourceExhausted if too much is wanted.
  WantId Want(const object::Sha256& digest, Done done);
  // Its `done` will not run. A fetch that nobody wants is aborted. Unknown ids are ignored.
  void Forget(WantId id);

  size_t wanted() const { return wants_.size(); }
  size_t running() const { return running_; }

 private:
  class Item;

  void StartSome();
  void Finished(const object::Sha256& digest, const absl::Status& status);

  EventLoop& loop_;
  Random& random_;
  State& state_;
  ContentSource& source_;
  const Options options_;
  WantId next_id_ = 1;
  size_t running_ = 0;
  std::map<object::Sha256, std::unique_ptr<Item>> items_;
  std::map<WantId, object::Sha256> wants_;
  std::deque<object::Sha256> queue_;  // May name items that are gone or running.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::agent
