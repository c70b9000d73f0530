// Strings: cutting, joining, padding, replacing.

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "generators/template/cast.h"
#include "generators/template/fmt.h"
#include "generators/template/function_sets.h"
#include "generators/template/go_strings.h"
#include "generators/template/strconv.h"
#include "generators/template/text_case.h"
#include "generators/template/unicode.h"

namespace leidang::generators::gotmpl {
namespace {

absl::Status RuntimeError(absl::string_view text) {
  return CallError(absl::StrCat("runtime error: ", text));
}

// One text to another, of about the same size.
template <std::string (*Map)(absl::string_view)>
absl::Status Mapped(Call& call) {
  return call.ReturnText(Map(call.Text(0)));
}

std::string Trimmed(absl::string_view s) { return std::string(go::TrimSpace(s)); }
std::string Upper(absl::string_view s) { return go::ToUpper(s); }
std::string Lower(absl::string_view s) { return go::ToLower(s); }

absl::Status Substr(Call& call) {
  const int64_t start = call.Int(0), end = call.Int(1);
  const absl::string_view s = call.Text(2);
  const auto size = static_cast<int64_t>(s.size());
  if (start < 0) {
    if (end < 0) return RuntimeError(absl::StrCat("slice bounds out of range [:", end, "]"));
    if (end > size) {
      return RuntimeError(
          absl::StrCat("slice bounds out of range [:", end, "] with length ", size));
    }
    return call.ReturnText(s.substr(0, static_cast<size_t>(end)));
  }
  if (end < 0 || end > size) {
    if (start > size)
      return RuntimeError(absl::StrCat("slice bounds out of range [", start, ":", size, "]"));
    return call.ReturnText(s.substr(static_cast<size_t>(start)));
  }
  if (start > end)
    return RuntimeError(absl::StrCat("slice bounds out of range [", start, ":", end, "]"));
  return call.ReturnText(s.substr(static_cast<size_t>(start), static_cast<size_t>(end - start)));
}

absl::Status Trunc(Call& call) {
  const int64_t n = call.Int(0);
  const absl::string_view s = call.Text(1);
  const auto size = static_cast<int64_t>(s.size());
  if (n < 0 && size + n > 0) return call.ReturnText(s.substr(static_cast<size_t>(size + n)));
  if (n >= 0 && size > n) return call.ReturnText(s.substr(0, static_cast<size_t>(n)));
  return call.Return(call[1]);
}

absl::Status RepeatText(Call& call, int64_t count, absl::string_view s, std::string* out) {
  if (count < 0) return CallError("strings: negative Repeat count");
  const auto n = static_cast<uint64_t>(count);
  if (s.empty() || n == 0) return absl::OkStatus();
  if (n > uint64_t{0x7fffffffffffffff} / s.size())
    return CallError("strings: Repeat output length overflow");
  if (absl::Status status = call.budget().Text(s.size() * n); !status.ok()) return status;
  out->reserve(s.size() * n);
  for (uint64_t i = 0; i < n; ++i) out->append(s.data(), s.size());
  return absl::OkStatus();
}

absl::Status Repeat(Call& call) {
  std::string out;
  if (absl::Status status = RepeatText(call, call.Int(0), call.Text(1), &out); !status.ok())
    return status;
  return call.ReturnText(out);
}

absl::Status Indented(Call& call, absl::string_view before) {
  std::string pad;
  if (absl::Status status = RepeatText(call, call.Int(0), " ", &pad); !status.ok()) return status;
  const absl::string_view s = call.Text(1);
  const auto lines = static_cast<size_t>(std::count(s.begin(), s.end(), '\n')) + 1;
  if (absl::Status status = call.budget().Text(s.size() + lines * pad.size()); !status.ok())
    return status;
  std::string out = absl::StrCat(before, pad);
  for (const char c : s) {
    out.push_back(c);
    if (c == '\n') out += pad;
  }
  return call.ReturnText(out);
}
absl::Status Indent(Call& call) { return Indented(call, ""); }
absl::Status Nindent(Call& call) { return Indented(call, "\n"); }

absl::Status Replace(Call& call) {
  const absl::string_view from = call.Text(0), to = call.Text(1), s = call.Text(2);
  const uint64_t matches = go::CountText(s, from);
  if (absl::Status status = call.budget().Text(s.size() + matches * to.size()); !status.ok())
    return status;
  return call.ReturnText(go::ReplaceAll(s, from, to));
}

absl::Status TrimAll(Call& call) {
  return call.ReturnText(go::TrimRunes(call.Text(1), call.Text(0)));
}
absl::Status TrimSuffix(Call& call) {
  return call.ReturnText(absl::StripSuffix(call.Text(1), call.Text(0)));
}
absl::Status TrimPrefix(Call& call) {
  return call.ReturnText(absl::StripPrefix(call.Text(1), call.Text(0)));
}
absl::Status Contains(Call& call) {
  return call.ReturnBool(absl::StrContains(call.Text(1), call.Text(0)));
}
absl::Status HasPrefix(Call& call) {
  return call.ReturnBool(absl::StartsWith(call.Text(1), call.Text(0)));
}
absl::Status HasSuffix(Call& call) {
  return call.ReturnBool(absl::EndsWith(call.Text(1), call.Text(0)));
}

template <typename Show>
absl::Status JoinShown(Call& call, Show show) {
  std::string out;
  bool first = true;
  for (size_t i = 0; i < call.size(); ++i) {
    if (call[i].is_nil()) continue;
    if (!first) out += " ";
    first = false;
    out += show(call[i]);
    if (absl::Status status = call.budget().Text(out.size()); !status.ok()) return status;
  }
  return call.ReturnText(out);
}

absl::Status QuoteAll(Call& call) {
  return JoinShown(call, [](const TValue& v) { return go::Quote(ToText(v)); });
}
absl::Status SquoteAll(Call& call) {
  return JoinShown(call, [](const TValue& v) { return absl::StrCat("'", go::Plain(v), "'"); });
}
absl::Status Cat(Call& call) {
  return JoinShown(call, [](const TValue& v) { return go::Plain(v); });
}

absl::Status Plural(Call& call) { return call.Return(call[call.Int(2) == 1 ? 0 : 1]); }
absl::Status ToString(Call& call) { return call.ReturnText(ToText(call[0])); }
absl::Status Hello(Call& call) { return call.ReturnText("Hello!"); }

absl::Status ReturnTexts(Call& call, const std::vector<std::string>& texts, size_t capacity) {
  if (!call.budget().Charge(texts.size())) return call.budget().StepsError();
  TValue list = TValue::StringList(texts);
  list.mutable_list()->set_capacity(capacity);
  return call.Return(std::move(list));
}

absl::Status ToStrings(Call& call) {
  if (call[0].type() == GoType::kStringList) return call.Return(call[0]);
  return ReturnTexts(call, ToTexts(call[0]), call[0].is_list() ? call[0].items().size() : 0);
}

absl::Status Join(Call& call) {
  const absl::string_view separator = call.Text(0);
  std::string out;
  bool first = true;
  if (call[1].is_list() && !call.budget().Charge(call[1].items().size()))
    return call.budget().StepsError();
  for (const std::string& text : ToTexts(call[1])) {
    if (!std::exchange(first, false)) out.append(separator.data(), separator.size());
    out += text;
    if (out.size() > call.budget().limits().text_bytes_max) return call.budget().Text(out.size());
  }
  return call.ReturnText(out);
}

absl::Status SortAlpha(Call& call) {
  const TValue& v = call[0];
  if (v.type() == GoType::kStringList) {
    if (v.list() == nullptr) return call.Return(v);
    // Sorts the given slice itself, as Go does.
    absl::Span<TValue> items = v.mutable_list()->mutable_items();
    if (!call.budget().Charge(4 * items.size())) return call.budget().StepsError();
    std::sort(items.begin(), items.end(),
              [](const TValue& a, const TValue& b) { return a.text() < b.text(); });
    return call.Return(v);
  }
  if (v.is_list() && !call.budget().Charge(4 * v.items().size())) return call.budget().StepsError();
  std::vector<std::string> texts = v.is_list() ? ToTexts(v) : std::vector<std::string>{ToText(v)};
  std::sort(texts.begin(), texts.end());
  return ReturnTexts(call, texts, v.is_list() ? v.items().size() : 1);
}

absl::Status SplitList(Call& call) {
  const std::vector<std::string> parts = go::SplitText(call.Text(1), call.Text(0), -1);
  return ReturnTexts(call, parts, parts.size());
}

absl::Status PartsAsMap(Call& call, const std::vector<std::string>& parts) {
  if (!call.budget().Charge(parts.size())) return call.budget().StepsError();
  TValue map = TValue::Map(GoType::kStringMap);
  for (size_t i = 0; i < parts.size(); ++i) {
    map.mutable_map()->Set(absl::StrCat("_", i), TValue::String(parts[i]));
  }
  return call.Return(std::move(map));
}
absl::Status Split(Call& call) {
  return PartsAsMap(call, go::SplitText(call.Text(1), call.Text(0), -1));
}
absl::Status Splitn(Call& call) {
  return PartsAsMap(call, go::SplitText(call.Text(2), call.Text(0), call.Int(1)));
}

absl::Status Abbrev(Call& call) {
  if (call.Int(0) < 4) return call.Return(call[1]);
  return call.ReturnText(go::Abbreviate(call.Text(1), 0, call.Int(0)));
}
absl::Status Abbrevboth(Call& call) {
  const int64_t left = call.Int(0), right = call.Int(1);
  if (right < 4 || (left > 0 && right < 7)) return call.Return(call[2]);
  return call.ReturnText(go::Abbreviate(call.Text(2), left, right));
}

absl::Status WrapText(Call& call, int64_t width, absl::string_view separator, go::LongWords words,
                      absl::string_view s) {
  const uint64_t lines = s.size() / static_cast<uint64_t>(std::max<int64_t>(width, 1)) + 1;
  if (absl::Status status = call.budget().Text(s.size() + lines * separator.size()); !status.ok())
    return status;
  return call.ReturnText(go::Wrap(s, width, separator, words));
}
absl::Status Wrap(Call& call) {
  return WrapText(call, call.Int(0), "\n", go::LongWords::kKeep, call.Text(1));
}
absl::Status WrapWith(Call& call) {
  const absl::string_view separator = call.Text(1).empty() ? absl::string_view("\n") : call.Text(1);
  return WrapText(call, call.Int(0), separator, go::LongWords::kCut, call.Text(2));
}

constexpr Function kFunctions[] = {
    {"abbrev", "is", 's', Abbrev},
    {"abbrevboth", "iis", 's', Abbrevboth},
    {"camelcase", "s", 's', Mapped<go::PascalCase>},
    {"cat", ".a", 's', Cat},
    {"contains", "ss", 'b', Contains},
    {"hasPrefix", "ss", 'b', HasPrefix},
    {"hasSuffix", "ss", 'b', HasSuffix},
    {"hello", "", 's', Hello},
    {"indent", "is", 's', Indent},
    {"initials", "s", 's', Mapped<go::Initials>},
    {"join", "sa", 's', Join},
    {"kebabcase", "s", 's', Mapped<go::KebabCase>},
    {"lower", "s", 's', Mapped<Lower>},
    {"nindent", "is", 's', Nindent},
    {"nospace", "s", 's', Mapped<go::DeleteWhiteSpace>},
    {"plural", "ssi", 's', Plural},
    {"quote", ".a", 's', QuoteAll},
    {"repeat", "is", 's', Repeat},
    {"replace", "sss", 's', Replace},
    {"snakecase", "s", 's', Mapped<go::SnakeCase>},
    {"sortAlpha", "a", 'S', SortAlpha, kMutates},
    {"split", "ss", 'M', Split},
    {"splitList", "ss", 'S', SplitList},
    {"splitn", "sis", 'M', Splitn},
    {"squote", ".a", 's', SquoteAll},
    {"substr", "iis", 's', Substr},
    {"swapcase", "s", 's', Mapped<go::SwapCase>},
    {"title", "s", 's', Mapped<go::Title>},
    {"toString", "a", 's', ToString},
    {"toStrings", "a", 'S', ToStrings},
    {"trim", "s", 's', Mapped<Trimmed>},
    {"trimAll", "ss", 's', TrimAll},
    {"trimPrefix", "ss", 's', TrimPrefix},
    {"trimSuffix", "ss", 's', TrimSuffix},
    {"trimall", "ss", 's', TrimAll},
    {"trunc", "is", 's', Trunc},
    {"untitle", "s", 's', Mapped<go::Uncapitalize>},
    {"upper", "s", 's', Mapped<Upper>},
    {"wrap", "is", 's', Wrap},
    {"wrapWith", "iss", 's', WrapWith},
};

}  // namespace

absl::Span<const Function> StringFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
