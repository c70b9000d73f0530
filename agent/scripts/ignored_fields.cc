#include "agent/scripts/ignored_fields.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "agent/apply/selected_paths.h"

namespace leidang::agent {
namespace {

using object::Value;

struct Stripping {
  std::vector<std::string> expressions;
  size_t next = 0;
  std::string subject;
  Value object;
  ScriptRunner& scripts;
  std::function<void(absl::StatusOr<Value>)> done;
};

void RunNext(std::shared_ptr<Stripping> work) {
  if (work->next == work->expressions.size()) return work->done(std::move(work->object));
  const std::string& expression = work->expressions[work->next++];
  ScriptCall call{.language = ScriptCall::Language::kJqPaths,
                  .name = absl::StrCat("the jq expression \"", expression, "\""),
                  .subject = work->subject,
                  .script = expression,
                  .input = std::make_shared<const Value>(work->object)};
  ScriptRunner& scripts = work->scripts;
  scripts.Run(std::move(call), [work = std::move(work)](const absl::StatusOr<Value>& selected) {
    if (selected.ok() && selected->is_array()) {
      RemoveAtPaths(work->object, selected->get_array());
    } else if (!selected.ok() && !absl::IsFailedPrecondition(selected.status())) {
      return work->done(selected.status());
    }
    RunNext(work);
  });
}

}  // namespace

void StripIgnored(const IgnoreRules& rules, const object::ObjectKey& key, const Value* live,
                  Value object, ScriptRunner& scripts,
                  std::function<void(absl::StatusOr<Value>)> done) {
  rules.StripFields(key, live, object);
  RunNext(std::make_shared<Stripping>(Stripping{.expressions = rules.Expressions(key),
                                                .subject = key.ToString(),
                                                .object = std::move(object),
                                                .scripts = scripts,
                                                .done = std::move(done)}));
}

}  // namespace leidang::agent
