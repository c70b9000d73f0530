// What a pass asks about fields that an Application lets be ignored.

#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/reconcile/entry_pass.h"
#include "agent/reconcile/find_by_key.h"
#include "common/base/check.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

constexpr size_t kInFlightMax = 8;

Value Parsed(const std::string& manifest) {
  absl::StatusOr<Value> value = object::ParseJson(manifest);
  CHECK(value.ok());  // We printed it ourselves.
  return *std::move(value);
}

}  // namespace

object::Sha256 EntryPass::VerdictDigest(const DesiredObject& desired) const {
  return object::Sha256::Of(
      absl::StrCat(desired.digest.Raw(), application_.policy.ignored_digest.Raw()));
}

void EntryPass::AddVerdicts(PlanInput& input) const {
  for (const auto& [key, why] : unsure_) input.left.insert(key);
  const auto judged = context_.judged.find(ref_);
  if (judged == context_.judged.end() || application_.policy.ignored == nullptr) return;
  for (const auto& [key, verdict] : judged->second) {
    const SeenObject* seen = FindByKey(input.live, key);
    const DesiredObject* desired = FindByKey(input.desired, key);
    if (verdict.found == DriftVerdict::Found::kOnlyIgnored && seen != nullptr &&
        desired != nullptr && verdict.hash == seen->hash && verdict.of == VerdictDigest(*desired)) {
      input.excused.insert(key);
    }
  }
}

std::vector<EntryPass::IgnoredQuestion> EntryPass::IgnoredQuestions() const {
  std::vector<IgnoredQuestion> questions;
  const SyncPolicy& policy = application_.policy;
  if (policy.ignored == nullptr || desired_ == nullptr) return questions;
  const std::vector<DesiredObject>& objects = desired_->objects;
  const auto judged = context_.judged.find(ref_);
  for (const ObjectKey& key : plan_.drifted) {
    const DesiredObject* desired = FindByKey(objects, key);
    const SeenObject* seen = FindByKey(findings_.live, key);
    const OwnedObject* owned = FindByKey(inventory_, key);
    if (seen == nullptr || owned == nullptr || seen->uid != owned->uid ||
        seen->owner != application_.app || unsure_.contains(key) || !policy.ignored->Concern(key)) {
      continue;
    }
    if (judged != context_.judged.end()) {
      const auto known = judged->second.find(key);
      if (known != judged->second.end() && known->second.hash == seen->hash &&
          known->second.of == VerdictDigest(*desired)) {
        continue;
      }
    }
    questions.push_back(
        {static_cast<size_t>(desired - objects.data()), IgnoredQuestion::What::kIsDrift});
  }
  // What to apply depends on what drifts.
  if (!questions.empty() || policy.ignored_at_sync == SyncPolicy::IgnoredAtSync::kSetOurs) {
    return questions;
  }
  for (const PlanStep& step : plan_.steps) {
    for (const ApplyTask& task : step.applies) {
      if (adjusted_.contains(task.key) || FindByKey(findings_.live, task.key) == nullptr ||
          !policy.ignored->Concern(task.key)) {
        continue;
      }
      questions.push_back({task.desired, IgnoredQuestion::What::kWhatToApply});
    }
  }
  return questions;
}

bool EntryPass::AskWhatIsIgnored() {
  findings_.unsure.clear();
  for (const auto& [key, why] : unsure_) {
    findings_.unsure.push_back(absl::StrCat(key.ToString(), ": ", why.message()));
  }
  questions_ = IgnoredQuestions();
  if (questions_.empty()) return false;
  next_question_ = 0;
  questions_in_flight_ = 1;
  AskNextIgnored();
  AnsweredIgnored();
  return true;
}

void EntryPass::AskNextIgnored() {
  while (next_question_ < questions_.size() && questions_in_flight_ <= kInFlightMax) {
    ++questions_in_flight_;
    AskIgnored(questions_[next_question_++]);
  }
}

void EntryPass::AskIgnored(const IgnoredQuestion& question) {
  const DesiredObject& desired = desired_->objects[question.desired];
  const IgnoreRules& rules = *application_.policy.ignored;
  if (question.what == IgnoredQuestion::What::kWhatToApply) {
    context_.ignored.KeepLive(
        rules, desired.key, Parsed(desired.manifest),
        [this, alive = alive_, key = desired.key](absl::StatusOr<ApplyRequest> request) {
          if (!*alive) return;
          if (request.ok()) {
            adjusted_[key] = *std::move(request);
          } else {
            unsure_[key] = request.status();
          }
          AnsweredIgnored();
        });
    return;
  }
  DriftVerdict verdict;
  verdict.hash = FindByKey(findings_.live, desired.key)->hash;
  verdict.of = VerdictDigest(desired);
  context_.ignored.OnlyIgnoredDiffer(
      rules, desired.key, Parsed(desired.manifest),
      [this, alive = alive_, key = desired.key, verdict](const absl::StatusOr<bool>& only) mutable {
        if (!*alive) return;
        if (only.ok()) {
          if (*only) verdict.found = DriftVerdict::Found::kOnlyIgnored;
          context_.judged[ref_][key] = verdict;
        } else {
          unsure_[key] = only.status();
        }
        AnsweredIgnored();
      });
}

// On a clean stack: answers may come inside the calls.
void EntryPass::AnsweredIgnored() {
  context_.loop.Post([this, alive = alive_] {
    if (!*alive) return;
    --questions_in_flight_;
    AskNextIgnored();
    if (questions_in_flight_ == 0) MakeThePlan();
  });
}

}  // namespace leidang::agent
