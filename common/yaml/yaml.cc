#include "common/yaml/yaml.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/yaml/decode.h"
#include "common/yaml/event.h"
#include "common/yaml/node.h"

namespace leidang::yaml {
namespace {

absl::Status CheckSize(absl::string_view text, absl::string_view file_name, const Limits& limits) {
  if (text.size() <= limits.size_max) return absl::OkStatus();
  return ErrorAt(
      file_name, {1, 1},
      absl::StrCat("the text has ", text.size(), " bytes; at most ", limits.size_max, " are read"));
}

// Texts with more of them fail at the next one.
constexpr int kQuoteEscapesMax = 100;

// Reads again without the backslash that libyaml complains about and Go does not.
template <typename Parse>
auto WithQuoteEscapes(absl::string_view text, Parse parse) {
  auto result = parse(text);
  std::string rewritten;
  for (int i = 0; i < kQuoteEscapesMax && !result.ok(); ++i) {
    const auto payload = result.status().GetPayload(kQuoteEscape);
    size_t offset = 0;
    if (!payload || !absl::SimpleAtoi(std::string(*payload), &offset)) break;
    if (rewritten.empty()) rewritten.assign(text.data(), text.size());
    rewritten.erase(offset, 1);
    result = parse(rewritten);
  }
  return result;
}

absl::StatusOr<object::Value> ParseOnce(absl::string_view text, absl::string_view file_name,
                                        const ParseOptions& options) {
  RETURN_IF_ERROR(CheckSize(text, file_name, options.limits));
  Composer composer(text, file_name, options.limits);
  ASSIGN_OR_RETURN(Node* const root, composer.NextDocument());
  const bool exactly_one = options.documents == Documents::kExactlyOne;
  if (root == nullptr) {
    if (!exactly_one) return object::Value(nullptr);
    return ErrorAt(file_name, {1, 1}, "the text holds no YAML document");
  }
  ASSIGN_OR_RETURN(object::Value value, Decode(*root, file_name, options));
  if (exactly_one) {
    ASSIGN_OR_RETURN(const Node* const second, composer.NextDocument());
    if (second != nullptr) {
      return ErrorAt(file_name, second->mark, "a second document begins here; only one may stand");
    }
  }
  return value;
}

absl::StatusOr<std::vector<Document>> ParseStreamOnce(absl::string_view text,
                                                      absl::string_view file_name,
                                                      const ParseOptions& options) {
  RETURN_IF_ERROR(CheckSize(text, file_name, options.limits));
  Composer composer(text, file_name, options.limits);
  std::vector<Document> documents;
  while (true) {
    ASSIGN_OR_RETURN(Node* const root, composer.NextDocument());
    if (root == nullptr) return documents;
    ASSIGN_OR_RETURN(object::Value value, Decode(*root, file_name, options));
    documents.push_back({std::move(value), root->mark.line});
  }
}

}  // namespace

absl::StatusOr<object::Value> ParseYaml(absl::string_view text, absl::string_view file_name,
                                        const ParseOptions& options) {
  return WithQuoteEscapes(text,
                          [&](absl::string_view t) { return ParseOnce(t, file_name, options); });
}

absl::StatusOr<std::vector<Document>> ParseYamlStream(absl::string_view text,
                                                      absl::string_view file_name,
                                                      const ParseOptions& options) {
  return WithQuoteEscapes(
      text, [&](absl::string_view t) { return ParseStreamOnce(t, file_name, options); });
}

}  // namespace leidang::yaml
