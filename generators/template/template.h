#pragma once

// Template: one Go template, compiled once and executed for many parameter sets.
//
//   ASSIGN_OR_RETURN(Template name, Template::Compile("{{.name}}-{{.path.basename}}", options));
//   RenderContext context;                       // one per Application
//   std::string text;
//   RETURN_IF_ERROR(name.Execute(params, &context, &text));
//
// The language is Go 1.26's text/template with the functions that Argo CD gives to ApplicationSets.
// Results and messages are Go's own, byte for byte. What Go leaves to chance is fixed here: `keys`
// and `values` come sorted, and functions that are random in Go draw from a seed.
//
// Hostile templates end in an error: output, steps, nesting and calls are limited.
//
// Thread rule: Template is immutable and may be shared by threads; a RenderContext belongs to one
// thread.

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

#include "generators/template/value.h"

namespace leidang::generators {

struct RenderLimits {
  size_t output_bytes_max = size_t{1} << 20;  // Of one rendering.
  size_t text_bytes_max = size_t{16} << 20;   // Of one value on the way.
  uint64_t steps_max = 10'000'000;  // Of one rendering: actions, loop rounds, 16 bytes of text.
  int call_depth_max = 100'000;     // Templates within templates.
};

// What a rendering may know besides its parameters, and what it tells about itself. Keep one for
// all the strings of an Application: its random numbers go on from string to string.
struct RenderContext {
  RenderLimits limits;
  // Random functions are a function of this digest and of how many numbers were drawn before.
  std::string seed;
  // What `now` says.
  absl::Time now = absl::UnixEpoch();

  uint64_t numbers_drawn = 0;
  // The first function used whose result would be another one in Go each time; empty if there was
  // none.
  std::string nondeterministic;
};

class Template {
 public:
  // `options` are Go's ("missingkey=error"); the last of a kind wins. kInvalidArgument with the
  // text of Argo CD, `failed to parse template <text>: template: base:1: …`.
  static absl::StatusOr<Template> Compile(absl::string_view text,
                                          absl::Span<const std::string> options = {});

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

  // Appends the rendered text to `out`, or nothing with an error: kInvalidArgument with Argo CD's
  // text, `failed to execute go template <text>: template: base:1:3: executing "base" at <.x>: …`;
  // kResourceExhausted where a limit was reached. REQUIRES: root is a map (a nil map counts) or
  // nil.
  absl::Status Execute(const TValue& root, RenderContext* context, std::string* out) const;

  // Whether the text has no action at all: it renders to literal() always.
  bool is_literal() const;
  const std::string& literal() const;
  const std::string& text() const;
  // Whether rendering may change the maps and lists that it was given (`set`, `merge`, `sortAlpha`,
  // …). Argo CD shows such changes in the strings that are rendered later: for a set with such a
  // template, take TValue::MutableCopy() of the parameters per Application. Execute makes its own
  // copy of a root that is none.
  bool may_mutate() const;
  // Whether the text names a function that is random or tells the time.
  bool may_be_nondeterministic() const;

 private:
  struct Impl;
  explicit Template(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace leidang::generators
