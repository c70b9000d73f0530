#include "generators/template/template.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "generators/template/exec.h"
#include "generators/template/parser.h"

namespace leidang::generators {
namespace {

absl::StatusOr<gotmpl::MissingKey> ReadOptions(absl::Span<const std::string> options) {
  gotmpl::MissingKey missing_key = gotmpl::MissingKey::kInvalid;
  for (const std::string& option : options) {
    if (option == "missingkey=default" || option == "missingkey=invalid") {
      missing_key = gotmpl::MissingKey::kInvalid;
    } else if (option == "missingkey=zero") {
      missing_key = gotmpl::MissingKey::kZero;
    } else if (option == "missingkey=error") {
      missing_key = gotmpl::MissingKey::kError;
    } else if (option.empty()) {
      return absl::InvalidArgumentError("empty option string");
    } else {
      return absl::InvalidArgumentError("unrecognized option: " + option);
    }
  }
  return missing_key;
}

}  // namespace

struct Template::Impl {
  gotmpl::Program program;
  bool literal = false;
  std::string literal_text;
};

Template::Template(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

absl::StatusOr<Template> Template::Compile(absl::string_view text,
                                           absl::Span<const std::string> options) {
  absl::StatusOr<gotmpl::MissingKey> missing_key = ReadOptions(options);
  if (!missing_key.ok()) return missing_key.status();
  absl::StatusOr<gotmpl::Forest> forest = gotmpl::ParseTemplate(text);
  if (!forest.ok()) {
    return absl::Status(forest.status().code(), absl::StrCat("failed to parse template ", text,
                                                             ": ", forest.status().message()));
  }
  auto impl = std::make_unique<Impl>();
  impl->program = gotmpl::Flatten(*std::move(forest));
  impl->program.missing_key = *missing_key;
  impl->literal = true;
  for (const gotmpl::Node* node : impl->program.forest.trees.at(gotmpl::kRootName)->nodes) {
    if (node->type == gotmpl::NodeType::kText) {
      impl->literal_text += static_cast<const gotmpl::TextNode*>(node)->text;
    } else {
      impl->literal = false;
    }
  }
  return Template(std::move(impl));
}

absl::Status Template::Execute(const TValue& root, RenderContext* context, std::string* out) const {
  if (impl_->literal) {
    out->append(impl_->literal_text);
    return absl::OkStatus();
  }
  if (impl_->program.plain &&
      gotmpl::RenderPlain(impl_->program, root, context->limits.output_bytes_max, out)) {
    return absl::OkStatus();
  }
  const size_t before = out->size();
  TValue own;
  const TValue* data = &root;
  if (impl_->program.may_mutate && root.is_map() && root.map() != nullptr &&
      !root.map()->is_private()) {
    own = root.MutableCopy();
    data = &own;
  }
  absl::Status status = gotmpl::Execution(impl_->program, context, out).Run(*data);
  if (status.ok()) return status;
  out->resize(before);
  return absl::Status(status.code(),
                      absl::StrCat("failed to execute go template ", impl_->program.forest.text,
                                   ": ", status.message()));
}

bool Template::is_literal() const { return impl_->literal; }
const std::string& Template::literal() const { return impl_->literal_text; }
const std::string& Template::text() const { return impl_->program.forest.text; }
bool Template::may_mutate() const { return impl_->program.may_mutate; }
bool Template::may_be_nondeterministic() const { return impl_->program.may_be_random; }

}  // namespace leidang::generators
