#pragma once

// MemoryCluster: a cluster in memory, for simulation and unit tests, and MemoryClient, one agent's
// connection to it. The cluster outlives its clients, as a real one outlives an agent.
//
// It does not imitate: schemas, defaulting and admission; owner references and garbage collection;
// who works off finalisers (Delete only marks what has some, RemoveOutside ends it); subresources;
// field managers beyond ours and "the others"; controllers (SetStatus stands in for them); a watch
// that lags behind reads.
//
// Loop-bound.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "agent/cluster/cluster_client.h"
#include "common/object/key.h"
#include "common/object/value.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

class MemoryClient;

class MemoryCluster {
 public:
  enum class Operation { kRead, kApply, kDelete };
  // Asked before each operation of a client (with an empty key for reads); an error is its answer.
  using Fault = std::function<absl::Status(Operation, const object::ObjectKey&)>;

  struct Stored {
    object::Value manifest;
    object::Value applied;  // What a client applied last; null if none did.
    uint64_t uid = 0;
    uint64_t version = 0;
  };

  // What people and other tools do to the cluster.
  void PutOutside(const object::Value& manifest);  // REQUIRES: the manifest has a key.
  void RemoveOutside(const object::ObjectKey& key);
  // Sets `status` without touching anything that is applied.
  void SetStatus(const object::ObjectKey& key, object::Value status);

  void SetFault(Fault fault) { fault_ = std::move(fault); }
  // Objects of this kind are known from now on; built-in kinds always are.
  void DefineKind(std::string group, std::string kind, manifest::Scope scope);

  const std::map<object::ObjectKey, Stored>& objects() const { return objects_; }
  // Writes of clients that changed something, since the beginning.
  uint64_t writes() const { return writes_; }
  uint64_t deletions() const { return deletions_; }
  // Events as they were recorded, one after the other.
  const std::vector<object::Value>& events() const { return events_; }

 private:
  friend class MemoryClient;

  absl::Status Ask(Operation operation, const object::ObjectKey& key) const;
  absl::StatusOr<std::vector<LiveObject>> Read(const Selection& selection) const;
  absl::StatusOr<Applied> Apply(const ApplyRequest& request);
  absl::StatusOr<Deleted> Delete(const DeleteRequest& request);
  void Tell(const object::ObjectKey& key, const std::string& label);

  std::map<object::ObjectKey, Stored> objects_;
  std::map<std::pair<std::string, std::string>, manifest::Scope> kinds_;
  std::set<MemoryClient*> clients_;
  std::vector<object::Value> events_;
  Fault fault_;
  uint64_t last_version_ = 0;
  uint64_t last_uid_ = 0;
  uint64_t writes_ = 0;
  uint64_t deletions_ = 0;
};

struct MemoryClientOptions {
  absl::Duration latency = absl::ZeroDuration();  // Until an operation takes effect and completes.
  enum class Status { kKept, kNone } status = Status::kNone;  // kNone: as a directory.
};

// `cluster` must outlive the client.
class MemoryClient final : public ClusterClient {
 public:
  MemoryClient(MemoryCluster& cluster, EventLoop& loop, MemoryClientOptions options = {});
  ~MemoryClient() override;

  void Watch(Watcher watcher) override;
  void Read(Selection selection, ReadDone done) override;
  void Apply(ApplyRequest request, ApplyDone done) override;
  void ReadWhole(const object::ObjectKey& key, const WholeDone& done) override;
  void Preview(const ApplyRequest& request, const WholeDone& done) override;
  void Delete(DeleteRequest request, DeleteDone done) override;
  void Record(const object::ObjectKey& key, const object::Value& event) override;
  std::optional<manifest::Scope> ScopeOf(absl::string_view group,
                                         absl::string_view kind) const override;
  absl::Status CheckKeys(const std::vector<object::ObjectKey>& keys) const override;

 private:
  friend class MemoryCluster;

  void Later(std::function<void()> work);

  MemoryCluster& cluster_;
  EventLoop& loop_;
  const MemoryClientOptions options_;
  Watcher watcher_;
  std::shared_ptr<bool> alive_;  // Joint with callbacks on the loop.
};

}  // namespace leidang::agent
