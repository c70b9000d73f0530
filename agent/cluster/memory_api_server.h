#pragma once

// MemoryApiServer: a Kubernetes API server in memory, for unit tests and simulation, as the bytes
// that a client sends and receives. It outlives its connections (MemoryApiConnection), as a real
// one outlives an agent.
//
// It does not imitate: schemas, defaulting, admission, authorisation, conversion between versions;
// lists that are merged by keys (all lists are taken whole); namespaces that must exist;
// finalisers, owner references and garbage collection (a deletion is immediate); subresources;
// controllers.
//
// Loop-bound.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "agent/cluster/api_resources.h"
#include "agent/cluster/api_transport.h"
#include "common/object/key.h"
#include "common/object/value.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

class MemoryApiConnection;

class MemoryApiServer {
 public:
  // Asked before each request, streams included; an answer takes the place of the server's.
  using Fault = std::function<std::optional<ApiResponse>(const ApiRequest&)>;

  explicit MemoryApiServer(EventLoop& loop);

  // What people and other tools do to the cluster. REQUIRES: the manifest has a key, of a kind that
  // is served.
  void PutOutside(const object::Value& manifest);
  void RemoveOutside(const object::ObjectKey& key);
  // The same as the update of a manager who then owns what it changed.
  void UpdateOutside(const object::Value& manifest, const std::string& manager);

  void SetFault(Fault fault) { fault_ = std::move(fault); }
  // As a server whose storage cannot begin a watch with a list.
  void RefuseWatchLists() { watch_lists_ = false; }
  // Ends all watches: as a server does whose time is up, or as a connection that breaks. With
  // kForgotten none can go on where it was.
  enum class History : uint8_t { kKept, kForgotten };
  void EndWatches(History history);
  void BreakWatches(History history = History::kKept);

  const object::Value* Find(const object::ObjectKey& key) const;
  // "PATCH /api/v1/…", all that were answered.
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  friend class MemoryApiConnection;

  struct Watching {
    MemoryApiConnection* connection = nullptr;
    ApiResource resource;
    ApiTransport::StreamCalls calls;
  };
  // What watches were told, or would have been.
  struct Event {
    uint64_t version = 0;
    object::ObjectKey key;
    std::string type;
    object::Value object;
  };
  struct Target;

  std::optional<Target> ParsePath(absl::string_view path) const;
  ApiResponse Answer(const ApiRequest& request);
  ApiResponse Discovery(absl::string_view path) const;
  ApiResponse List(const Target& target) const;
  ApiResponse Apply(const Target& target, const ApiRequest& request);
  ApiResponse Replace(const Target& target, const ApiRequest& request);
  ApiResponse SetManagers(const Target& target, const ApiRequest& request);
  ApiResponse Delete(const Target& target, const ApiRequest& request);
  void Store(const object::ObjectKey& key, object::Value object);
  void Tell(const object::ObjectKey& key, const object::Value* before, const object::Value* after);
  void EndWatchesWith(History history, const absl::StatusOr<ApiResponse>& answer);
  void Define(const object::Value& definition);
  void BeginWatch(uint64_t id, Watching watching, const Target& target);
  void Send(uint64_t id, const std::string& type, const object::Value& object);
  void End(uint64_t id, absl::StatusOr<ApiResponse> answer);

  EventLoop& loop_;
  std::vector<ApiResource> resources_;
  std::map<object::ObjectKey, object::Value> objects_;
  std::map<uint64_t, Watching> watches_;
  std::deque<Event> history_;  // The newest last.
  std::vector<std::string> requests_;
  Fault fault_;
  bool watch_lists_ = true;
  uint64_t version_ = 1;
  uint64_t forgotten_ = 0;  // Watches cannot begin at versions up to this.
  uint64_t last_uid_ = 0;
  uint64_t last_stream_ = 0;
};

// One client's connection. The server must outlive it.
class MemoryApiConnection final : public ApiTransport {
 public:
  explicit MemoryApiConnection(MemoryApiServer& server) : server_(server) {}
  ~MemoryApiConnection() override;

  void Send(ApiRequest request, Done done) override;
  StreamId Stream(ApiRequest request, StreamCalls calls) override;
  void Cancel(StreamId stream) override;

 private:
  MemoryApiServer& server_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with callbacks.
};

}  // namespace leidang::agent
