#pragma once

// ApplicationSet + World → Applications.
//
//   ASSIGN_OR_RETURN(ApplicationSet set, ApplicationSet::Parse(manifest));   // once per version of
//   the set ExpansionResult result = Expand(set, world, sink);                       // once per
//   change of its inputs if (result.MayDelete()) … whatever the sink did not see no longer belongs
//   to the set …
//
// Pure: no clock, I/O, lock or log; the same set and world give the same Applications in the same
// order, to the byte. Errors belong to a parameter set wherever one can be named: it is reported
// and the others go on. An expansion with an error, or one that lacks inputs, never justifies a
// deletion (rules ErrorIsNotEmpty and NothingByAbsence). The annotation
// `leidang.dev/strict-expansion: "true"` makes a set all-or-nothing: after an error the sink sees
// no Application at all.
//
// Hostile templates and data are bounded (`Limits`): a breach is an error of the parameter set.
//
// Thread rule: ApplicationSet is immutable and may be shared by threads; one Expand call uses one
// thread and calls the sink on it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/object/value.h"
#include "generators/world.h"

namespace leidang::generators {

inline constexpr char kStrictExpansionAnnotation[] = "leidang.dev/strict-expansion";

enum class ApplicationsSync { kCreateOnly, kCreateUpdate, kCreateDelete, kSync };

// `spec.ignoreApplicationDifferences[]`.
struct IgnoreRule {
  std::string name;  // Empty: every Application.
  std::vector<std::string> json_pointers;
  std::vector<std::string> jq_path_expressions;
};

// A parsed set: generators read, templates compiled. Movable; cheap to move.
class ApplicationSet {
 public:
  // `manifest` is the whole object. kInvalidArgument where a field has the wrong type or the kind
  // is another one; the message names the field (`spec.generators[1].git.files[0].path: expected
  // text, found a number`). Unknown fields are ignored, as an API server drops them, and listed in
  // `warnings`. What Argo CD only finds while generating (a bad template, a matrix with one child,
  // no such project) is an error of the expansion, not of Parse.
  static absl::StatusOr<ApplicationSet> Parse(const object::Value& manifest);

  ApplicationSet(ApplicationSet&&) noexcept;
  ApplicationSet& operator=(ApplicationSet&&) noexcept;
  ~ApplicationSet();

  const std::string& name() const;
  const std::string& ns()
      const;  // Empty where the manifest has none: then the world's control namespace counts.
  bool strict() const;
  bool go_template() const;
  bool preserve_resources_on_deletion() const;
  // Absent: the server's own policy.
  std::optional<ApplicationsSync> applications_sync() const;
  const std::vector<std::string>& preserved_annotations() const;
  const std::vector<std::string>& preserved_labels() const;
  const std::vector<IgnoreRule>& ignore_application_differences() const;
  const std::vector<std::string>& warnings() const;
  // Entries of `spec.generators`.
  size_t generator_count() const;
  // How long the inputs may age before they are fetched again: the least over the generators,
  // nullopt where all of them depend on events only.
  std::optional<absl::Duration> requeue_after() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit ApplicationSet(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// Where an Application or an error came from.
struct Provenance {
  // Field path of the generator, `spec.generators[0].matrix`.
  std::string generator;
  // Index of the parameter set among those of that entry of `spec.generators`, counted after all
  // selectors, in the fixed order of the expansion. Absent where a generator failed as a whole.
  std::optional<size_t> parameter_set;
};

// One string of the template, what it was and what it became.
struct RenderedField {
  std::string field;  // `spec.template.spec.source.path`; a rendered map key is `….labels[key]`.
  std::string text;
  std::string rendered;
};

// One Application as a sink sees it. Everything in it is valid during the call only: copy what you
// keep.
class GeneratedApplication {
 public:
  virtual ~GeneratedApplication() = default;

  virtual absl::string_view name() const = 0;  // May be empty: validation rejects that.
  virtual absl::string_view ns() const = 0;    // Always the set's.
  virtual absl::string_view project() const = 0;
  virtual absl::string_view destination_server() const = 0;
  virtual absl::string_view destination_name() const = 0;
  virtual absl::string_view destination_namespace() const = 0;

  // The complete Application as canonical JSON (object::CanonicalJson): `apiVersion`, `kind`,
  // `metadata`, `spec`, and `operation` where a patch sets one, as Argo CD serialises it (empty
  // fields left out). Costs nothing: this is the form in which it was made. Its digest is
  // Sha256::Of of these bytes.
  virtual absl::string_view CanonicalJson() const = 0;
  // The same as a tree; built when first asked for.
  virtual const object::Value& Manifest() const = 0;

  virtual const Provenance& provenance() const = 0;
  // The parameter set as JSON (typed text maps and lists as plain ones), for people. Built when
  // asked for.
  virtual object::Value Parameters() const = 0;
  // Every string of the template that holds template text, rendered once more. For people.
  virtual std::vector<RenderedField> Explain() const = 0;
};

enum class Stage { kGenerate, kRender };

struct ParameterSetError {
  Provenance provenance;
  // The field of the ApplicationSet, `spec.template.metadata.name`,
  // `spec.generators[0].matrix.generators[1].git.revision`.
  std::string field;
  Stage stage = Stage::kGenerate;
  // The parameter set as compact JSON, cut at 1,024 bytes; empty where the generator failed as a
  // whole.
  std::string parameters;
  // Argo CD's own text.
  std::string message;

  // "spec.generators[0].git, parameter set 3, spec.template.metadata.name: <message> (parameters:
  // …)".
  std::string ToString() const;
};

// Receives the output while it is made, in the order of generators and parameter sets.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void OnApplication(const GeneratedApplication& application) = 0;
  virtual void OnError(const ParameterSetError& error) = 0;
};

struct Limits {
  size_t parameter_sets_max = 5'000'000;
  size_t errors_reported_max = 100;     // Further ones are counted, not reported.
  size_t rendered_bytes_max = 1 << 20;  // Of one string.
  uint64_t steps_max = 10'000'000;      // Of one rendering.
  size_t application_bytes_max = 2 << 20;
};

struct ExpandOptions {
  Limits limits;
  // Only this entry of `spec.generators`: what a change of one entry's inputs asks for. Numbers and
  // order are those of the whole expansion. MayDelete then speaks of that entry alone.
  std::optional<size_t> only_generator;
};

struct ExpansionResult {
  size_t parameter_sets = 0;
  size_t applications = 0;
  // Parameter sets that failed, and generators that failed as a whole, each counted once.
  size_t failed = 0;
  // Inputs that were asked for and are not fetched yet.
  size_t missing_inputs = 0;
  // The set is strict and something failed: the sink saw errors only.
  bool withheld = false;
  // What people should know though nothing failed, sorted, each once: a function that is not
  // deterministic, a generator entry without a known kind, …
  std::vector<std::string> warnings;

  bool MayDelete() const { return failed == 0 && missing_inputs == 0; }
};

ExpansionResult Expand(const ApplicationSet& set, const World& world, Sink& sink,
                       const ExpandOptions& options = {});

}  // namespace leidang::generators
