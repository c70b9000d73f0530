#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/health/health.h"
#include "common/object/value.h"

namespace leidang::agent {

// HealthSource: where the reconciler learns the health of live objects. Some of it takes time (a
// check that somebody has written runs in another process), so a pass first prepares what it has
// read, and then asks.
//
// Loop-bound.
class HealthSource {
 public:
  using Objects = std::vector<std::shared_ptr<const object::Value>>;

  virtual ~HealthSource() = default;

  // Calls `done` once the health of each of these objects is known, or known to be unknown; at once
  // where nothing has to be waited for, which is always so for kinds without a check that somebody
  // has configured. Null objects are left out. Dropped if the source is destroyed first.
  virtual void Prepare(Objects objects, std::function<void()> done) = 0;

  // As AssessHealth. Unknown, with a message, for an object that was to be prepared and was not.
  virtual std::optional<Health> Of(const object::Value& object) const = 0;
};

// AssessHealth alone.
class BuiltInHealth final : public HealthSource {
 public:
  void Prepare(Objects, std::function<void()> done) override { done(); }
  std::optional<Health> Of(const object::Value& object) const override {
    return AssessHealth(object);
  }
};

}  // namespace leidang::agent
