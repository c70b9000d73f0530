#include "agent/reconcile/application.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/render/render_error.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr int64_t kHistoryMax = 50;

absl::Status Invalid(absl::string_view what) {
  return RenderError(RenderReason::kInvalidSpec, what);
}

// The source that `sources` or `source` of the spec holds.
absl::StatusOr<Value> SourceOf(const Value& body) {
  const Value* several = object::Find(body, {"spec", "sources"});
  if (several != nullptr && several->is_array() && !several->get_array().empty()) {
    if (several->get_array().size() > 1) {
      return RenderError(RenderReason::kUnsupportedSource,
                         "the Application has several sources, which this agent cannot render yet");
    }
    return several->get_array()[0];
  }
  const Value* one = object::Find(body, {"spec", "source"});
  if (one == nullptr || !one->is_object()) return Invalid("spec.source is missing or no map");
  return *one;
}

}  // namespace

absl::StatusOr<Application> ReadApplication(const intent::Assignment& assignment) {
  Application application;
  application.app = assignment.key.name;
  const absl::StatusOr<Value> body = object::ParseJson(assignment.body);
  if (!body.ok()) {
    return Invalid(absl::StrCat("the Application is no JSON: ", body.status().message()));
  }
  if (!body->is_object()) return Invalid("the Application is no map");
  application.project = std::string(object::FindString(*body, {"spec", "project"}));
  application.ns = std::string(object::FindString(*body, {"spec", "destination", "namespace"}));
  absl::StatusOr<SyncPolicy> policy = ReadSyncPolicy(*body);
  if (!policy.ok()) return Invalid(policy.status().message());
  application.policy = *std::move(policy);
  const Value* history = object::Find(*body, {"spec", "revisionHistoryLimit"});
  if (history != nullptr && !history->is_null()) {
    if (!history->is_int64() || history->get_int64() < 0) {
      return Invalid("spec.revisionHistoryLimit is no number from 0 on");
    }
    application.history_max =
        static_cast<size_t>(std::min<int64_t>(history->get_int64(), kHistoryMax));
  }
  ASSIGN_OR_RETURN(application.spec, SourceOf(*body));
  if (assignment.sources.size() != 1) {
    return Invalid(absl::StrCat("the Application has one source, but its assignment pins ",
                                assignment.sources.size()));
  }
  application.source = assignment.sources[0];
  return application;
}

}  // namespace leidang::agent
