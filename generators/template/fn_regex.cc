// Regular expressions.

#include "absl/strings/str_cat.h"

#include "generators/template/function_sets.h"
#include "generators/template/regex.h"
#include "generators/template/strconv.h"

namespace leidang::generators::gotmpl {
namespace {

// What a pattern that does not compile leads to.
enum class OnError {
  kError,  // The error itself.
  kPanic,  // As regexp.MustCompile words it.
};

absl::StatusOr<go::Regex> PatternOf(Call& call, OnError on_error) {
  const absl::string_view pattern = call.Text(0);
  absl::StatusOr<go::Regex> regex = call.RegexOf(pattern);
  // Matching is linear in the text, but not for nothing.
  const size_t text_steps = call.Text(1).size() / 16;
  if (regex.ok() && !call.budget().Charge(16 + text_steps * (1 + regex->size() / 256)))
    return call.budget().StepsError();
  if (absl::IsResourceExhausted(regex.status())) return regex;
  if (regex.ok() || on_error == OnError::kError) return regex;
  const std::string quoted =
      go::CanBackquote(pattern) ? absl::StrCat("`", pattern, "`") : go::Quote(pattern);
  return CallError(absl::StrCat("regexp: Compile(", quoted, "): ", regex.status().message()));
}

absl::Status ReturnTexts(Call& call, const std::vector<std::string>& texts, size_t capacity) {
  if (!call.budget().Charge(texts.size())) return call.budget().StepsError();
  TValue list = TValue::StringList(texts);
  list.mutable_list()->set_capacity(capacity);
  return call.Return(std::move(list));
}

absl::Status Match(Call& call) {
  const absl::StatusOr<go::Regex> regex = PatternOf(call, OnError::kError);
  if (absl::IsResourceExhausted(regex.status())) return regex.status();
  return call.ReturnBool(regex.ok() && regex->Matches(call.Text(1)));
}
absl::Status MustMatch(Call& call) {
  const absl::StatusOr<go::Regex> regex = PatternOf(call, OnError::kError);
  return regex.ok() ? call.ReturnBool(regex->Matches(call.Text(1))) : regex.status();
}

template <OnError on_error>
absl::Status Find(Call& call) {
  const absl::StatusOr<go::Regex> regex = PatternOf(call, on_error);
  return regex.ok() ? call.ReturnText(regex->Find(call.Text(1))) : regex.status();
}

template <OnError on_error>
absl::Status FindAll(Call& call) {
  const absl::StatusOr<go::Regex> regex = PatternOf(call, on_error);
  if (!regex.ok()) return regex.status();
  const std::vector<absl::string_view> found = regex->FindAll(call.Text(1), call.Int(2));
  if (found.empty()) return call.Return(TValue::TypedNil(GoType::kStringList));
  std::vector<std::string> texts(found.begin(), found.end());
  size_t capacity = 10;
  while (capacity < texts.size()) capacity *= 2;
  return ReturnTexts(call, texts, capacity);
}

template <OnError on_error>
absl::Status ReplaceAll(Call& call) {
  const absl::StatusOr<go::Regex> regex = PatternOf(call, on_error);
  if (!regex.ok()) return regex.status();
  const absl::StatusOr<std::string> text =
      regex->ReplaceAll(call.Text(1), call.Text(2), call.budget().limits().text_bytes_max);
  return text.ok() ? call.ReturnText(*text) : text.status();
}

template <OnError on_error>
absl::Status ReplaceAllLiteral(Call& call) {
  const absl::StatusOr<go::Regex> regex = PatternOf(call, on_error);
  if (!regex.ok()) return regex.status();
  const absl::StatusOr<std::string> text =
      regex->ReplaceAllLiteral(call.Text(1), call.Text(2), call.budget().limits().text_bytes_max);
  return text.ok() ? call.ReturnText(*text) : text.status();
}

template <OnError on_error>
absl::Status Split(Call& call) {
  const absl::StatusOr<go::Regex> regex = PatternOf(call, on_error);
  if (!regex.ok()) return regex.status();
  if (call.Int(2) == 0) return call.Return(TValue::TypedNil(GoType::kStringList));
  const std::vector<std::string> parts = regex->Split(call.Text(1), call.Int(2));
  return ReturnTexts(call, parts, parts.size());
}

absl::Status QuoteMeta(Call& call) { return call.ReturnText(go::QuoteMeta(call.Text(0))); }

constexpr Function kFunctions[] = {
    {"mustRegexFind", "ss", 's', Find<OnError::kError>, kRegex},
    {"mustRegexFindAll", "ssi", 'S', FindAll<OnError::kError>, kRegex},
    {"mustRegexMatch", "ss", 'b', MustMatch, kRegex},
    {"mustRegexReplaceAll", "sss", 's', ReplaceAll<OnError::kError>, kRegex},
    {"mustRegexReplaceAllLiteral", "sss", 's', ReplaceAllLiteral<OnError::kError>, kRegex},
    {"mustRegexSplit", "ssi", 'S', Split<OnError::kError>, kRegex},
    {"regexFind", "ss", 's', Find<OnError::kPanic>, kRegex},
    {"regexFindAll", "ssi", 'S', FindAll<OnError::kPanic>, kRegex},
    {"regexMatch", "ss", 'b', Match, kRegex},
    {"regexQuoteMeta", "s", 's', QuoteMeta},
    {"regexReplaceAll", "sss", 's', ReplaceAll<OnError::kPanic>, kRegex},
    {"regexReplaceAllLiteral", "sss", 's', ReplaceAllLiteral<OnError::kPanic>, kRegex},
    {"regexSplit", "ssi", 'S', Split<OnError::kPanic>, kRegex},
};

}  // namespace

absl::Span<const Function> RegexFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
