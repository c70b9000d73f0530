#define PCRE2_CODE_UNIT_WIDTH 8

#include "common/match/regexp.h"

#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <pcre2.h>
#include <re2/re2.h>

namespace leidang::match {

namespace {

constexpr uint32_t kMatchStepsMax = 1'000'000;
constexpr uint32_t kMatchDepthMax = 10'000;
constexpr size_t kPatternBytesMax = 16'384;

absl::string_view ErrorName(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape:
      return "invalid escape sequence";
    case RE2::ErrorBadCharClass:
      return "invalid character class";
    case RE2::ErrorBadCharRange:
      return "invalid character class range";
    case RE2::ErrorMissingBracket:
      return "missing closing ]";
    case RE2::ErrorMissingParen:
      return "missing closing )";
    case RE2::ErrorUnexpectedParen:
      return "unexpected )";
    case RE2::ErrorTrailingBackslash:
      return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument:
      return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize:
      return "invalid repeat count";
    case RE2::ErrorRepeatOp:
      return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp:
      return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8:
      return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture:
      return "invalid named capture";
    case RE2::ErrorPatternTooLarge:
      return "expression too large";
    default:
      return "internal error";
  }
}

}  // namespace

class GoRegexp::Impl {
 public:
  explicit Impl(const std::string& pattern) : re(pattern, RE2::Quiet) {}
  const RE2 re;
};

absl::StatusOr<GoRegexp> GoRegexp::Compile(absl::string_view pattern) {
  // This RE2 knows only the older way to name a group.
  const std::string text =
      absl::StrReplaceAll(pattern, {{"\\\\", "\\\\"}, {"\\(", "\\("}, {"(?<", "(?P<"}});
  auto impl = std::make_shared<Impl>(text);
  if (impl->re.ok()) return GoRegexp(std::move(impl));
  std::string message = absl::StrCat("error parsing regexp: ", ErrorName(impl->re.error_code()));
  const bool whole = impl->re.error_code() == RE2::ErrorMissingParen;
  const std::string argument = whole ? std::string(pattern) : impl->re.error_arg();
  if (!argument.empty()) absl::StrAppend(&message, ": `", argument, "`");
  return absl::InvalidArgumentError(message);
}

bool GoRegexp::Matches(absl::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), impl_->re);
}

class LookaroundRegexp::Impl {
 public:
  Impl(pcre2_code* code, pcre2_match_context* context) : code_(code), context_(context) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    pcre2_match_context_free(context_);
    pcre2_code_free(code_);
  }

  bool Matches(absl::string_view text) const {
    pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
    if (data == nullptr) return false;
    const int found = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                  0, data, context_);
    pcre2_match_data_free(data);
    return found >= 0;
  }

 private:
  pcre2_code* const code_;
  pcre2_match_context* const context_;
};

absl::StatusOr<LookaroundRegexp> LookaroundRegexp::Compile(absl::string_view pattern) {
  if (pattern.size() > kPatternBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("regular expression of ", pattern.size(),
                                                   " bytes: at most ", kPatternBytesMax,
                                                   " are supported"));
  }
  int error = 0;
  PCRE2_SIZE offset = 0;
  // Text that is not UTF-8 does not match instead of being refused; `\n` alone ends a line.
  const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                   options, &error, &offset, nullptr);
  if (code == nullptr) {
    std::array<PCRE2_UCHAR, 256> text{};
    pcre2_get_error_message(error, text.data(), text.size());
    return absl::InvalidArgumentError(absl::StrCat("regular expression `", pattern, "`, at byte ",
                                                   offset, ": ",
                                                   reinterpret_cast<const char*>(text.data())));
  }
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_set_match_limit(context, kMatchStepsMax);
  pcre2_set_depth_limit(context, kMatchDepthMax);
  return LookaroundRegexp(std::make_shared<Impl>(code, context));
}

bool LookaroundRegexp::Matches(absl::string_view text) const { return impl_->Matches(text); }

}  // namespace leidang::match
