#include "generators/params/text_template.h"

#include <utility>

#include "absl/strings/match.h"

namespace leidang::generators {

TemplateMode TemplateMode::WithMissingKeyError() const {
  TemplateMode strict{go_template, {}};
  for (const std::string& option : options) {
    if (!absl::StartsWith(option, "missingkey=")) strict.options.push_back(option);
  }
  strict.options.emplace_back("missingkey=error");
  return strict;
}

TextTemplate::TextTemplate(absl::string_view text, const TemplateMode& mode) : text_(text) {
  if (mode.go_template) {
    absl::StatusOr<Template> compiled = Template::Compile(text, mode.options);
    if (!compiled.ok()) {
      compiled_ = compiled.status();
      return;
    }
    literal_ = compiled->is_literal();
    if (literal_) literal_text_ = compiled->literal();
    may_mutate_ = compiled->may_mutate();
    draws_ = compiled->may_be_nondeterministic();
    compiled_ = *std::move(compiled);
    return;
  }
  absl::StatusOr<FastTemplate> compiled = FastTemplate::Compile(text);
  if (!compiled.ok()) {
    compiled_ = compiled.status();
    return;
  }
  literal_ = compiled->is_literal();
  if (literal_) literal_text_ = text_;
  compiled_ = *std::move(compiled);
}

absl::Status TextTemplate::Render(const TValue& params, RenderContext* context,
                                  std::string* out) const {
  if (literal_) {
    out->append(literal_text_);
    return absl::OkStatus();
  }
  if (const auto* go = std::get_if<Template>(&compiled_)) return go->Execute(params, context, out);
  if (const auto* fast = std::get_if<FastTemplate>(&compiled_)) {
    fast->Execute(params, out);
    return absl::OkStatus();
  }
  return std::get<absl::Status>(compiled_);
}

absl::Status TextTemplate::status() const {
  const auto* failed = std::get_if<absl::Status>(&compiled_);
  return failed == nullptr ? absl::OkStatus() : *failed;
}

std::shared_ptr<const TextTemplate> TemplateCache::Get(absl::string_view text) {
  if (const auto it = entries_.find(text); it != entries_.end()) return it->second;
  if (entries_.size() >= kEntriesMax) entries_.clear();
  auto compiled = std::make_shared<const TextTemplate>(text, mode_);
  entries_.emplace(std::string(text), compiled);
  return compiled;
}

}  // namespace leidang::generators
