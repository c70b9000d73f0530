#pragma once

// TestAgent: a reconciler with an in-memory state, cluster and hub, in virtual time. For tests of
// this room.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "agent/cluster/api_transport.h"
#include "agent/cluster/memory_api_server.h"
#include "agent/cluster/memory_cluster.h"
#include "agent/reconcile/content_port.h"
#include "agent/reconcile/reconciler.h"
#include "agent/scripts/inline_scripts.h"
#include "agent/state/memory_state.h"
#include "common/log/memory_log.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "common/time/workers.h"

namespace leidang::agent {

// A hub's content, given with a delay.
class TestContent final : public ContentPort {
 public:
  TestContent(EventLoop& loop) : loop_(loop) {}

  uint64_t Want(const object::Sha256& digest, Done done) override;
  void Forget(uint64_t want) override { wants_.erase(want); }

  void Add(std::string bytes) { blobs_[object::Sha256::Of(bytes)] = std::move(bytes); }
  void SetState(State* state) { state_ = state; }

  bool reachable = true;   // While false nothing comes.
  bool forgetful = false;  // While true the hub says that it has nothing.
  void Serve();            // What waits, once reachable again.

 private:
  EventLoop& loop_;
  State* state_ = nullptr;
  uint64_t next_ = 1;
  std::map<uint64_t, std::pair<object::Sha256, Done>> wants_;
  std::map<object::Sha256, std::string> blobs_;
};

struct TestApp {
  std::string name;  // "leidang/cart"
  std::map<std::string, std::string> files;
  std::string sync_policy = R"({"automated":{"prune":true,"selfHeal":true}})";
  std::string annotations = "{}";
  std::string directory = "{}";
  uint8_t uid = 1;
  std::string ns = "shop";
  std::string ignored = "[]";  // spec.ignoreDifferences
};

class TestAgent {
 public:
  TestAgent();
  ~TestAgent();

  // Changes of the hub, as one batch.
  void Put(const std::vector<TestApp>& apps);
  void Put(const TestApp& app) { Put(std::vector<TestApp>{app}); }
  void Delete(const std::string& name, uint8_t uid = 1,
              intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground);
  // One batch with all of them.
  void Receive(std::vector<intent::Change> changes, std::vector<EntryRef> unclaimed = {});
  intent::Change PutChange(const TestApp& app);
  intent::Change DeleteChange(const std::string& name, uint8_t uid = 1,
                              intent::DeletionPolicy policy = intent::DeletionPolicy::kForeground);
  void Ask(const std::string& name, OperationKind kind, std::string parameters, uint8_t id = 1,
           absl::Time expires = absl::InfiniteFuture());

  // What the owner of the cluster allows from now on.
  void SetPolicy(ClusterPolicy policy);

  // Ends the process and starts another one on the same disk and cluster.
  void Restart();
  void Stop();
  void Start();
  void Settle(absl::Duration time = absl::Seconds(20)) { loop.RunFor(time); }

  static EntryRef Ref(const std::string& name, uint8_t uid = 1);
  intent::EntryStatus Status(const std::string& name, uint8_t uid = 1);
  // "" if there is no such condition, else "Reason: message".
  std::string Condition(const std::string& name, const std::string& type, uint8_t uid = 1);
  OperationRecord Operation(uint8_t id = 1);
  std::set<std::string> Inventory(const std::string& name, uint8_t uid = 1);
  // "Kind/name" of what the cluster has.
  std::set<std::string> Objects() const;
  // A field of `data` of a ConfigMap in the namespace shop; "" if it is not there.
  std::string Data(const std::string& name, const std::string& field) const;
  // Sets it by hand.
  void Edit(const std::string& name, const std::string& field, const std::string& value);
  bool Applied(const std::string& name, uint8_t uid = 1);

  State& state() { return *state_; }

  SimLoop loop;
  MemoryDisk disk;
  MemoryCluster cluster;
  // kApiServer: the agent's cluster is `api` instead, spoken to as a Kubernetes API server is; from
  // the next start on.
  enum class Target : uint8_t { kCluster, kApiServer } target = Target::kCluster;
  MemoryApiServer api{loop};
  TestContent content{loop};
  MemoryLog log;
  ReconcileOptions options;
  HealthSource* health = nullptr;  // From the next start on.
  MemoryClientOptions client_options{.latency = absl::Milliseconds(3)};
  // Puts something between the reconciler and the cluster, from the next start on.
  std::function<std::unique_ptr<ClusterClient>(std::unique_ptr<ClusterClient>)> wrap;

 private:
  SeededRandom random_{1};
  LoopWorkers workers_{loop};
  Kustomize no_kustomize_{{"/nonexistent/kustomize", "/nonexistent", {}}, loop.clock(), nullptr};
  Renderer renderer_{no_kustomize_};
  std::unique_ptr<MemoryState> state_;
  InlineScripts scripts_{loop};
  std::unique_ptr<ApiTransport> connection_;
  std::unique_ptr<ClusterClient> client_;
  std::unique_ptr<Reconciler> reconciler_;
  ClusterPolicy policy_;
  intent::Revision revision_ = 0;
};

// A ConfigMap of the namespace shop with `data.colour`.
std::string ConfigMapText(absl::string_view name, absl::string_view colour,
                          absl::string_view annotations = "");

}  // namespace leidang::agent
