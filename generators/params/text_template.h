#pragma once

// TextTemplate: one text of a set in whichever of the two template languages the set uses.
//
// A text that does not compile is kept with its error, which each rendering then reports: as in
// Argo CD, a set whose generators give nothing does not fail for it.
//
// Thread rule: immutable, may be shared by threads.

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "generators/template/fasttemplate.h"
#include "generators/template/template.h"
#include "generators/template/value.h"

namespace leidang::generators {

// How a set's texts are read.
struct TemplateMode {
  bool go_template = false;
  std::vector<std::string> options;  // Of Go templates.

  // The same, but a missing key is an error.
  TemplateMode WithMissingKeyError() const;
};

class TextTemplate {
 public:
  TextTemplate(absl::string_view text, const TemplateMode& mode);

  // Appends to `out`. Argo CD's text on failure.
  absl::Status Render(const TValue& params, RenderContext* context, std::string* out) const;

  // Why every Render fails, where that is known from the text and the mode alone.
  absl::Status status() const;

  const std::string& text() const { return text_; }
  // Renders to the same whatever the parameters are.
  bool is_literal() const { return literal_; }
  const std::string& literal() const { return literal_text_; }
  bool may_mutate() const { return may_mutate_; }
  // Names a function that is random or tells the time.
  bool draws() const { return draws_; }

 private:
  std::string text_;
  std::string literal_text_;
  bool literal_ = false;
  bool may_mutate_ = false;
  bool draws_ = false;
  std::variant<absl::Status, Template, FastTemplate> compiled_;
};

// Compiled texts by text; a bounded cache for what interpolation makes. Thread-compatible.
class TemplateCache {
 public:
  explicit TemplateCache(TemplateMode mode) : mode_(std::move(mode)) {}

  std::shared_ptr<const TextTemplate> Get(absl::string_view text);
  const TemplateMode& mode() const { return mode_; }

 private:
  static constexpr size_t kEntriesMax = 4096;
  const TemplateMode mode_;
  absl::flat_hash_map<std::string, std::shared_ptr<const TextTemplate>> entries_;
};

// Whether a text may be more than itself in either language.
inline bool HasTemplate(absl::string_view text) {
  return text.find("{{") != absl::string_view::npos;
}

}  // namespace leidang::generators
