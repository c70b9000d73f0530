#pragma once

// LiveDiff: what an Application wants against what its cluster has, for people: each object as it
// is and as an apply would make it.
//
// Loop-bound.

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/apply/ignore_rules.h"
#include "agent/cluster/cluster_client.h"
#include "agent/reconcile/ignored_differences.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

class LiveDiff {
 public:
  struct Item {
    object::ObjectKey key;
    std::optional<object::Value> desired;  // Absent: it would be pruned.
    enum class Live : uint8_t { kThere, kMissing } live = Live::kThere;
  };
  using Done = std::function<void(object::Value)>;

  static constexpr size_t kBytesMax = 256u << 10;

  // Only items that may differ need be given. `rules` may be null. References must outlive it.
  LiveDiff(ClusterClient& cluster, IgnoredDifferences& ignored,
           std::shared_ptr<const IgnoreRules> rules, std::vector<Item> items, Done done);
  ~LiveDiff() { *alive_ = false; }

  // `done` runs once, perhaps inside the call, with {"objects":[…]}: of each object that differs
  // group, kind, namespace and name, "live" and "desired" (null: not there), or "error" if that
  // cannot be told. What the server keeps for itself and what is ignored is left out, values of
  // Secrets are masked. At most kBytesMax: what does not fit has "omitted": true instead of its
  // content, or is counted in "more".
  void Start();

 private:
  struct Found {
    std::optional<object::Value> live;
    std::optional<object::Value> desired;
    std::string error;
  };

  void Next();
  void Look(size_t index);
  void Expect(size_t index);
  void Strip(size_t index);
  void OneDone();
  object::Value Document();

  ClusterClient& cluster_;
  IgnoredDifferences& ignored_;
  const std::shared_ptr<const IgnoreRules> rules_;
  const std::vector<Item> items_;
  const Done done_;
  std::vector<Found> found_;  // As items_.
  size_t next_ = 0;
  size_t in_flight_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with completions.
};

// Replaces the values of two states of a Secret (either may be null) by masks: equal ones by the
// same mask, others by others. Leaves other objects as they are. Pure.
void MaskSecret(object::Value* live, object::Value* desired);

}  // namespace leidang::agent
