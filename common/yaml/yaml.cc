#include "common/yaml/yaml.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

#include "common/base/check.h"
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

// Texts with more places that Go reads otherwise fail at the next one; so do large ones, earlier.
constexpr size_t kRewritesMax = 100;
constexpr size_t kRewrittenBytesMax = size_t{64} << 20;

// The text with the place that `error` is about written so that libyaml reads there what Go reads.
std::optional<std::string> Rewritten(absl::string_view text, const absl::Status& error) {
  const auto payload = error.GetPayload(kTextInGo);
  if (!payload) return std::nullopt;
  const std::vector<std::string> offsets = absl::StrSplit(std::string(*payload), ' ');
  size_t first = 0, last = 0;
  CHECK(offsets.size() == 2 && absl::SimpleAtoi(offsets[0], &first) &&
        absl::SimpleAtoi(offsets[1], &last) && first < last && last <= text.size());
  absl::string_view place = text.substr(first, last - first);
  std::string quoted;
  if (place != "\\") {
    quoted = absl::StrCat("'", absl::StrReplaceAll(place, {{"'", "''"}}), "'");
  }
  return absl::StrCat(text.substr(0, first), quoted, text.substr(last));
}

template <typename Parse>
auto ParseAsGo(absl::string_view text, Parse parse) {
  auto result = parse(text);
  std::string rewritten;
  for (size_t i = 0; i < kRewritesMax && i * text.size() <= kRewrittenBytesMax && !result.ok();
       ++i) {
    auto again = Rewritten(i == 0 ? text : rewritten, result.status());
    if (!again) break;
    rewritten = *std::move(again);
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
  return ParseAsGo(text, [&](absl::string_view t) { return ParseOnce(t, file_name, options); });
}

absl::StatusOr<std::vector<Document>> ParseYamlStream(absl::string_view text,
                                                      absl::string_view file_name,
                                                      const ParseOptions& options) {
  return ParseAsGo(text,
                   [&](absl::string_view t) { return ParseStreamOnce(t, file_name, options); });
}

}  // namespace leidang::yaml
