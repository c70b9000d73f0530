#include "agent/scripts/custom_health.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/manifest/manifest.h"
#include "common/object/sha256.h"

namespace leidang::agent {
namespace {

using intent::HealthState;
using object::Value;

std::string NameOf(const Value& object) {
  const std::string ns(object::FindString(object, {"metadata", "namespace"}));
  return absl::StrCat(object::FindString(object, {"kind"}), " ", ns, ns.empty() ? "" : "/",
                      object::FindString(object, {"metadata", "name"}));
}

std::string KeyOf(const Value& object) {
  const absl::string_view uid = object::FindString(object, {"metadata", "uid"});
  if (!uid.empty()) return std::string(uid);
  return absl::StrCat(object::FindString(object, {"apiVersion"}), " ", NameOf(object));
}

std::string VersionOf(const Value& object) {
  const absl::string_view version = object::FindString(object, {"metadata", "resourceVersion"});
  if (!version.empty()) return std::string(version);
  return object::Sha256::Of(object::CanonicalJson(object)).Raw();
}

HealthState StateNamed(absl::string_view name) {
  for (const auto& [text, state] : {std::pair{"Healthy", HealthState::kHealthy},
                                    std::pair{"Progressing", HealthState::kProgressing},
                                    std::pair{"Degraded", HealthState::kDegraded},
                                    std::pair{"Suspended", HealthState::kSuspended},
                                    std::pair{"Missing", HealthState::kMissing}}) {
    if (name == text) return state;
  }
  return HealthState::kUnknown;
}

std::string CheckName(const HealthScript& check) {
  return absl::StrCat("the health check of ", check.kind);
}

// Whether the same call may end otherwise at another time.
bool IsPassing(const absl::Status& error) {
  return absl::IsUnavailable(error) || absl::IsResourceExhausted(error) ||
         absl::IsDeadlineExceeded(error) || absl::IsInternal(error);
}

}  // namespace

// What one Prepare has still to ask, last first.
struct CustomHealth::Batch {
  Objects objects;
  std::function<void()> done;
};

CustomHealth::CustomHealth(EventLoop& loop, ScriptRunner& scripts, HealthScripts checks,
                           Options options)
    : loop_(loop), scripts_(scripts), checks_(std::move(checks)), options_(options) {}

CustomHealth::~CustomHealth() { *alive_ = false; }

const HealthScript* CustomHealth::CheckFor(const Value& object) const {
  if ((checks_.empty() && fleet_checks_.empty()) || HealthOfDeletion(object).has_value())
    return nullptr;
  const absl::string_view group = manifest::GroupOf(object::FindString(object, {"apiVersion"}));
  const absl::string_view kind = object::FindString(object, {"kind"});
  const HealthScript* own = checks_.Find(group, kind);
  return own != nullptr ? own : fleet_checks_.Find(group, kind);
}

bool CustomHealth::IsKnown(const Value& object) const {
  const auto known = known_.find(KeyOf(object));
  return known != known_.end() && known->second.version == VersionOf(object) &&
         loop_.clock().Monotonic() < known->second.until;
}

void CustomHealth::Prepare(Objects objects, std::function<void()> done) {
  if (known_.size() > options_.known_max) known_.clear();
  std::erase_if(objects, [this](const std::shared_ptr<const Value>& object) {
    return object == nullptr || CheckFor(*object) == nullptr || IsKnown(*object);
  });
  Next(std::make_shared<Batch>(Batch{std::move(objects), std::move(done)}));
}

// One after the other: what runs them does so, too, and its queue is bounded.
void CustomHealth::Next(const std::shared_ptr<Batch>& batch) {
  while (!batch->objects.empty()) {
    const std::shared_ptr<const Value> object = std::move(batch->objects.back());
    batch->objects.pop_back();
    // The fleet's may have changed since.
    if (const HealthScript* check = CheckFor(*object)) return Ask(batch, object, *check);
  }
  batch->done();
}

void CustomHealth::Ask(const std::shared_ptr<Batch>& batch,
                       const std::shared_ptr<const Value>& object, const HealthScript& check) {
  ScriptCall call{.language = ScriptCall::Language::kLuaHealth,
                  .name = CheckName(check),
                  .subject = NameOf(*object),
                  .script = check.script,
                  .input = object};
  scripts_.Run(std::move(call), [this, alive = alive_, batch, object,
                                 generation = generation_](absl::StatusOr<Value> answer) {
    if (!*alive) return;
    if (generation == generation_) Keep(*object, std::move(answer));
    Next(batch);
  });
}

void CustomHealth::SetFleetChecks(HealthScripts checks) {
  fleet_checks_ = std::move(checks);
  known_.clear();
  ++generation_;
}

void CustomHealth::Keep(const Value& object, absl::StatusOr<Value> answer) {
  Known known{.version = VersionOf(object)};
  if (!answer.ok()) {
    known.health = Health{HealthState::kUnknown, std::string(answer.status().message())};
    if (IsPassing(answer.status())) known.until = loop_.clock().Monotonic() + options_.retry;
  } else if (answer->is_object()) {
    known.health = Health{StateNamed(object::FindString(*answer, {"status"})),
                          std::string(object::FindString(*answer, {"message"}))};
  }
  known_[KeyOf(object)] = std::move(known);
}

std::optional<Health> CustomHealth::Of(const Value& object) const {
  const HealthScript* check = CheckFor(object);
  if (check == nullptr) return AssessHealth(object);
  const auto known = known_.find(KeyOf(object));
  if (known != known_.end() && known->second.version == VersionOf(object)) {
    return known->second.health;
  }
  return Health{HealthState::kUnknown,
                absl::StrCat(CheckName(*check), " has not run on ", NameOf(object), " yet")};
}

void CustomHealth::CheckAll(const std::function<void(const absl::Status&)>& report) {
  std::vector<HealthScript> all = checks_.All();
  for (HealthScript& check : fleet_checks_.All()) all.push_back(std::move(check));
  for (const HealthScript& check : all) {
    scripts_.Run({.language = ScriptCall::Language::kLuaSyntax,
                  .name = CheckName(check),
                  .subject = "",
                  .script = check.script,
                  .input = nullptr},
                 [alive = alive_, report](const absl::StatusOr<Value>& answer) {
                   if (*alive && !answer.ok()) report(answer.status());
                 });
  }
}

}  // namespace leidang::agent
