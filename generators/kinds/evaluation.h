#pragma once

// Evaluation: one expansion's walk through the generators of a set. Gives parameter sets, one at a
// time.
//
// What can fail alone fails alone: a file, a cluster's values, one combination. Such a failure is
// reported and the evaluation goes on; a status is returned only where a generator fails as a
// whole. Answers of the world and compiled texts are kept for the length of the expansion.
//
// Thread-compatible.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/match/selector.h"
#include "common/match/work_tree.h"
#include "generators/expand.h"
#include "generators/kinds/config.h"
#include "generators/params/text_template.h"
#include "generators/template/value.h"
#include "generators/world.h"

namespace leidang::generators {

// What of a set its generators look at.
struct SetView {
  std::string name;
  std::string project;  // Of `spec.template.spec.project`.
  TemplateMode mode;
  // No extension over Argo CD: matrix of two, merge keys of the top level.
  bool as_argo_cd = false;
};

class Evaluation {
 public:
  using Emit = absl::FunctionRef<void(TValue params)>;
  using EmitStatus = absl::FunctionRef<absl::Status(TValue params)>;

  struct Failure {
    std::string field;
    std::string parameters;
    absl::Status status;
  };
  using OnFailure = std::function<void(const Failure&)>;

  // All must outlive the evaluation.
  Evaluation(const SetView& set, const World& world, const Limits& limits, OnFailure on_failure);

  // The parameter sets of one generator of an entry, after the entry's post-selector. `parent` are
  // those of a matrix's first child, or nullptr.
  absl::Status Generate(const Entry& entry, const Body& body, const TValue* parent, Emit emit);

  // Failures so far, those that were returned not counted.
  size_t failures() const { return failures_; }
  const std::set<std::string>& warnings() const { return warnings_; }
  TemplateCache& templates() { return templates_; }
  // A context to render with; its random numbers depend on the world's seed and on `what`.
  RenderContext ContextFor(absl::string_view what) const;

 private:
  friend class GitFiles;

  // Evaluates one kind. `parent` only marks that the body was interpolated.
  absl::Status Evaluate(const Body& body, bool interpolated, Emit emit);
  absl::Status List(const Body& body, const ListConfig& config, Emit emit);
  absl::Status Clusters(const Body& body, const ClustersConfig& config, Emit emit);
  absl::Status Git(const Body& body, const GitConfig& config, Emit emit);
  absl::Status GitDirectories(const Body& body, const GitConfig& config, const GitTree& tree,
                              Emit emit);
  absl::Status Scm(const Body& body, const ScmConfig& config, bool interpolated, Emit emit);
  absl::Status PullRequests(const Body& body, const PullRequestConfig& config, Emit emit);
  absl::Status Plugin(const Body& body, const PluginConfig& config, bool interpolated, Emit emit);
  absl::Status Decisions(const Body& body, const DecisionConfig& config, bool interpolated,
                         Emit emit);
  absl::Status Matrix(const Body& body, const MatrixConfig& config, Emit emit);
  absl::Status Merge(const Body& body, const MergeConfig& config, Emit emit);

  // A child of matrix or merge: exactly one generator. `says` stands before its failures, those
  // that are returned too.
  absl::Status Child(const Entry& entry, absl::string_view says, const TValue* parent, Emit emit);
  absl::StatusOr<std::vector<TValue>> ChildList(const Entry& entry, absl::string_view says,
                                                const TValue* parent);
  absl::Status Combine(const Body& body, const MatrixConfig& config, size_t next,
                       const TValue& so_far, Emit emit);

  // The body with every text rendered with `params`.
  absl::StatusOr<Body> Interpolated(const Body& body, const TValue& params);

  // `params` with its user constants, reported where they fail; `says` stands before it.
  void EmitWithValues(const Body& body, const Values& values, absl::string_view says,
                      const TValue& params, Emit emit);
  absl::StatusOr<TValue> WithValues(const Values& values, TValue params);
  absl::StatusOr<std::string> RenderText(absl::string_view text, const TValue& params);

  void Fail(std::string field, const TValue* params, absl::Status status);

  // What the generators around the one at work say before its failures.
  struct Frame {
    std::string says;
    const Frame* outer;
  };
  absl::Status CheckScmAllowed(const ProviderBlock& provider) const;

  bool go() const { return set_.mode.go_template; }

  const SetView& set_;
  const World& world_;
  const Limits& limits_;
  const OnFailure on_failure_;
  TemplateCache templates_;
  TemplateCache strict_templates_;  // A missing key is an error.
  const Frame* frame_ = nullptr;
  // Of the generator at work or one around it: its absent lists and maps are empty ones to Argo CD.
  bool interpolated_ = false;
  size_t failures_ = 0;
  std::set<std::string> warnings_;

  using TreeKey = std::tuple<std::string, std::string, std::string>;
  std::map<TreeKey, absl::StatusOr<std::shared_ptr<const GitTree>>> trees_;
  std::map<const GitTree*, std::unique_ptr<match::WorkTree>> work_trees_;
  std::map<std::pair<const GitTree*, std::string>, absl::StatusOr<std::vector<TValue>>> files_;
};

// Interpolation of a generator's source, kept apart from its evaluation.
class Interpolation {
 public:
  Interpolation(TemplateCache* texts, TemplateCache* strict_texts, const TValue& params,
                RenderContext context)
      : texts_(*texts),
        strict_texts_(*strict_texts),
        params_(params),
        context_(std::move(context)) {}

  absl::StatusOr<object::Value> OfBody(absl::string_view kind, const object::Value& body);

 private:
  absl::StatusOr<object::Value> OfEntry(const object::Value& entry);
  absl::StatusOr<object::Value> OfAny(const object::Value& value);
  absl::StatusOr<object::Value> OfValues(const object::Value& values);
  absl::StatusOr<std::string> OfText(absl::string_view text);

  TemplateCache& texts_;
  TemplateCache& strict_texts_;
  const TValue& params_;
  RenderContext context_;
};

}  // namespace leidang::generators
