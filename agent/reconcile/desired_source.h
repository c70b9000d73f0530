#pragma once

// DesiredSource: an Application's objects, from content in State through a render on a worker, with
// the results kept for as long as they are the current ones.
//
// Loop-bound.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/apply/desired.h"
#include "agent/cluster/cluster_client.h"
#include "agent/reconcile/application.h"
#include "agent/reconcile/content_port.h"
#include "agent/render/renderer.h"
#include "agent/state/state.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"
#include "common/tree/tree_manifest.h"

namespace leidang::agent {

struct DesiredSourceOptions {
  // Manifests that are kept; beyond it those of entries asked for longest ago are dropped and
  // rendered again when they are needed.
  size_t kept_bytes_max = 64u << 20;
};

class DesiredSource {
 public:
  using Set = std::shared_ptr<const DesiredSet>;  // Joint with the sync that carries it out.
  using Done = std::function<void(absl::StatusOr<Set>)>;
  using Ready = std::function<void(const EntryRef&)>;

  // All references must outlive it. `ready` is told that an entry whose content was on its way can
  // be asked for again.
  DesiredSource(EventLoop& loop, State& state, ContentPort& content, Workers& workers,
                const Renderer& renderer, const ClusterClient& cluster, Ready ready,
                DesiredSourceOptions options);
  ~DesiredSource();

  // Calls `done` soon, never inside the call. Errors: RenderErrors, with the reason kContentMissing
  // while content is on its way or if the hub does not give it; kInternal or kDataLoss of State.
  // One call at a time for an entry.
  void Get(const EntryRef& entry, const Application& application, Done done);

  // What was rendered last for the entry, whatever it was asked for; nullptr if that is not kept.
  Set LastGood(const EntryRef& entry) const;

  // Content is on its way: `ready` will be told.
  bool OnItsWay(const EntryRef& entry) const;

  // Renders anew at the next Get.
  void Refresh(const EntryRef& entry);
  // The entry ended: forgets all about it, wants of content too.
  void Forget(const EntryRef& entry);

 private:
  struct Kept {
    object::Sha256 key;  // Of the render.
    Set set;
    size_t bytes = 0;
    uint64_t used = 0;
  };
  struct Wants {
    std::map<object::Sha256, uint64_t> running;
    absl::Status failed;  // The first error.
    object::Sha256 of;    // The tree that all this is for.
  };

  absl::StatusOr<std::shared_ptr<const SourceTree>> Load(const EntryRef& entry,
                                                         const object::Sha256& tree);
  absl::StatusOr<tree::TreeManifest> LoadManifest(const EntryRef& entry,
                                                  const object::Sha256& tree);
  // kUnavailable unless State has all of `digests`; wants what is missing.
  absl::Status Require(const EntryRef& entry, const std::set<object::Sha256>& digests);
  void Arrived(const EntryRef& entry, const object::Sha256& digest, const absl::Status& status);
  void ForgetWants(const EntryRef& entry);
  void Rendered(const EntryRef& entry, const Application& application, const object::Sha256& key,
                absl::StatusOr<std::vector<object::Value>> objects, const Done& done);
  void Keep(const EntryRef& entry, const object::Sha256& key, Set set);

  EventLoop& loop_;
  State& state_;
  ContentPort& content_;
  Workers& workers_;
  const Renderer& renderer_;
  const ClusterClient& cluster_;
  const Ready ready_;
  const DesiredSourceOptions options_;

  std::map<EntryRef, Kept> kept_;
  std::map<EntryRef, Wants> wants_;
  size_t kept_bytes_ = 0;
  uint64_t uses_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with posted callbacks.
};

}  // namespace leidang::agent
