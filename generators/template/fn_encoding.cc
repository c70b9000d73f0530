// JSON, YAML, base64, base32 and hashes.

#include <algorithm>
#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <openssl/evp.h>

#include "common/yaml/go_yaml.h"
#include "common/yaml/yaml.h"
#include "generators/template/base_n.h"
#include "generators/template/function_sets.h"
#include "generators/template/go_json.h"
#include "generators/template/unicode.h"
#include "generators/template/value_json.h"
#include "generators/template/yaml_text.h"

namespace leidang::generators::gotmpl {
namespace {

absl::StatusOr<std::string> Encoded(Call& call, go::HtmlEscape html, go::JsonLayout layout) {
  go::JsonOptions options;
  options.html = html;
  options.layout = layout;
  options.bytes_max = call.budget().limits().text_bytes_max;
  return go::EncodeJson(call[0], options);
}

enum class OnError { kEmpty, kFail };

template <go::HtmlEscape html, go::JsonLayout layout, OnError on_error>
absl::Status ToJsonText(Call& call) {
  const absl::StatusOr<std::string> text = Encoded(call, html, layout);
  if (text.ok()) return call.ReturnText(*text);
  if (on_error == OnError::kFail || absl::IsResourceExhausted(text.status())) return text.status();
  return call.ReturnText("");
}

template <OnError on_error>
absl::Status FromJsonText(Call& call) {
  if (absl::Status status = call.budget().Text(call.Text(0).size() * 4); !status.ok())
    return status;
  TValue value;
  const absl::Status status = go::DecodeJson(call.Text(0), &value);
  if (!status.ok() && on_error == OnError::kFail) return status;
  return call.Return(std::move(value));
}

// Go's toYaml writes JSON and reads it back as YAML, which forbids some characters that JSON does
// not.
bool YamlMayHold(uint32_t r) {
  return r == '\t' || r == '\n' || r == '\r' || (r >= 0x20 && r <= 0x7e) || r == 0x85 ||
         (r >= 0xa0 && r <= 0xd7ff) || (r >= 0xe000 && r <= 0xfffd && r != 0xfeff) || r >= 0x10000;
}

absl::Status CheckForYaml(absl::string_view json) {
  // A byte order mark alone is no control character: the scanner escapes it.
  while (!json.empty()) {
    const go::Rune rune = go::DecodeRune(json);
    if (!YamlMayHold(rune.code) && rune.code != 0xfeff) {
      return CallError("yaml: control characters are not allowed");
    }
    json.remove_prefix(rune.width);
  }
  return absl::OkStatus();
}

// Go reads the JSON as YAML, where a key stands on one line and has at most 1,024 characters, its
// quotes among them.
absl::Status CheckKeysForYaml(absl::string_view json) {
  constexpr size_t kKeyMax = 1022;
  size_t lines = 0;
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] != '"') continue;
    size_t breaks = 0, characters = 0;
    for (++i; json[i] != '"'; ++characters) {
      const size_t width = json[i] == '\\' ? 1 : go::DecodeRune(json.substr(i)).width;
      if (absl::StartsWith(json.substr(i), "\xc2\x85")) ++breaks;
      i += width;
      if (width == 1 && json[i - 1] == '\\') {
        ++characters;
        ++i;
      }
    }
    lines += breaks;
    if (!absl::StartsWith(json.substr(i), "\":") || (breaks == 0 && characters <= kKeyMax))
      continue;
    return CallError(absl::StrCat("yaml: ", lines == 0 ? "" : absl::StrCat("line ", lines, ": "),
                                  "did not find expected ',' or '}'"));
  }
  return absl::OkStatus();
}

// To YAML, U+0085 ends a line: within quotes it is folded into a space, several into line feeds.
std::string FoldNextLines(absl::string_view text) {
  constexpr absl::string_view kNextLine = "\xc2\x85";
  std::string out;
  for (size_t i = text.find(kNextLine); i != absl::string_view::npos; i = text.find(kNextLine)) {
    absl::StrAppend(&out, text.substr(0, i));
    while (!out.empty() && out.back() == ' ') out.pop_back();
    size_t breaks = 0;
    text.remove_prefix(i);
    for (;;) {
      if (absl::StartsWith(text, kNextLine)) {
        ++breaks;
        text.remove_prefix(kNextLine.size());
      } else if (absl::StartsWith(text, " ")) {
        text.remove_prefix(1);
      } else {
        break;
      }
    }
    out.append(breaks == 1 ? " " : std::string(breaks - 1, '\n'));
  }
  return absl::StrCat(out, text);
}

TValue FoldAll(const TValue& v) {
  if (v.is_string()) return TValue::String(FoldNextLines(v.text()));
  if (v.is_list() && v.list() != nullptr) {
    std::vector<TValue> items;
    for (const TValue& item : v.items()) items.push_back(FoldAll(item));
    return TValue::List(std::move(items));
  }
  if (v.is_map() && v.map() != nullptr) {
    TValue map = TValue::Map();
    for (const TMap::Entry* entry : v.map()->Sorted()) {
      map.mutable_map()->Set(FoldNextLines(entry->key.text()), FoldAll(entry->value));
    }
    return map;
  }
  return v;
}

absl::Status ToYaml(Call& call) {
  const absl::StatusOr<std::string> json =
      Encoded(call, go::HtmlEscape::kYes, go::JsonLayout::kCompact);
  if (!json.ok()) {
    if (absl::IsResourceExhausted(json.status())) return json.status();
    return CallError(absl::StrCat("error marshaling into JSON: ", json.status().message()));
  }
  if (!call.budget().Charge(json->size() / 4)) return call.budget().StepsError();
  if (absl::Status status = CheckForYaml(*json); !status.ok()) return status;
  if (absl::Status status = CheckKeysForYaml(*json); !status.ok()) return status;
  const bool fold = absl::StrContains(*json, "\xc2\x85");
  std::string text = yaml::MarshalYaml(ToJson(fold ? FoldAll(call[0]) : call[0]));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return call.ReturnText(text);
}

}  // namespace

// "yaml: line 3: …" without a column, and no line where it is the first.
std::string YamlErrorText(const absl::Status& status) {
  if (const auto text = status.GetPayload(yaml::kGoErrorText)) return std::string(*text);
  const absl::string_view message(status.message().data(), status.message().size());
  const std::vector<std::string> parts = absl::StrSplit(message, absl::MaxSplits(':', 3));
  if (parts.size() < 4) return absl::StrCat("yaml: ", message);
  int line = 0;
  if (!absl::SimpleAtoi(parts[1], &line)) return absl::StrCat("yaml: ", message);
  absl::string_view text = absl::StripPrefix(parts[3], " ");
  if (absl::StartsWith(text, "control characters are not allowed")) {
    return "yaml: control characters are not allowed";
  }
  if (absl::StartsWith(text, "the merge key << wants")) {
    return "yaml: map merge requires map or sequence of maps as the value";
  }
  if (absl::StartsWith(text, "JSON has no number for ")) {
    const bool negative = absl::StartsWith(text.substr(23), "-");
    const bool nan = absl::StrContains(text.substr(0, 32), "nan") ||
                     absl::StrContains(text.substr(0, 32), "NaN") ||
                     absl::StrContains(text.substr(0, 32), "NAN");
    return absl::StrCat("json: unsupported value: ", nan ? "NaN" : negative ? "-Inf" : "+Inf");
  }
  if (absl::StartsWith(text, "%YAML ")) return "yaml: found incompatible YAML document";
  if (absl::StartsWith(text, "no anchor &")) {
    return absl::StrCat("yaml: unknown anchor '", text.substr(11, text.find(' ', 11) - 11),
                        "' referenced");
  }
  if (absl::StartsWith(text, "the anchor &")) {
    return absl::StrCat("yaml: anchor '", text.substr(12, text.find(' ', 12) - 12),
                        "' value contains itself");
  }
  // Go counts lines from 0 where its parser complains, from 1 where its scanner does; the first is
  // never named.
  const size_t parsing = text.find(" while parsing ");
  const bool parser = parsing != absl::string_view::npos &&
                      !absl::StrContains(text.substr(parsing), "quoted scalar");
  if (parser)
    --line;
  else if (line == 1)
    line = 0;
  text = text.substr(0, std::min(parsing, text.find(" while scanning ")));
  text = text.substr(0, std::min(text.find("; "), text.find(" (0x")));
  return absl::StrCat("yaml:", line <= 0 ? "" : absl::StrCat(" line ", line, ":"), " ", text);
}

namespace {

absl::string_view JsonKind(const object::Value& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_bool()) return "bool";
  return "number";
}

}  // namespace

std::string JsonTypeError(const object::Value& value, absl::string_view type,
                          absl::string_view field) {
  return absl::StrCat("json: cannot unmarshal ", JsonKind(value), " into Go ",
                      field.empty() ? "value" : "struct field ", field, " of type ", type);
}

namespace {

template <GoType type>
absl::Status FromYaml(Call& call) {
  const absl::string_view text = call.Text(0);
  if (absl::Status status = call.budget().Text(text.size() * 4); !status.ok()) return status;
  if (!call.budget().Charge(text.size())) return call.budget().StepsError();
  absl::StatusOr<object::Value> value = yaml::ParseYaml(text, "yaml");
  if (!value.ok()) {
    return CallError(
        absl::StrCat("error converting YAML to JSON: ", YamlErrorText(value.status())));
  }
  // Nothing leaves the empty map or list that Go starts with.
  if (value->is_null()) {
    return call.Return(type == GoType::kAnyMap ? TValue::Map() : TValue::List({}));
  }
  if (type == GoType::kAnyMap ? value->is_object() : value->is_array())
    return call.Return(FromJson(*value));
  return CallError(absl::StrCat("error unmarshaling JSON: while decoding JSON: ",
                                JsonTypeError(*value, GoTypeName(type))));
}

absl::Status Base64Encode(Call& call) { return call.ReturnText(absl::Base64Escape(call.Text(0))); }
absl::Status Base32Encode(Call& call) { return call.ReturnText(EncodeBase32(call.Text(0))); }

// The message stands in for the result.
absl::Status ReturnDecoded(Call& call, const absl::StatusOr<std::string>& decoded) {
  return decoded.ok() ? call.ReturnText(*decoded)
                      : call.ReturnText(
                            {decoded.status().message().data(), decoded.status().message().size()});
}
absl::Status Base64Decode(Call& call) { return ReturnDecoded(call, DecodeBase64(call.Text(0))); }
absl::Status Base32Decode(Call& call) { return ReturnDecoded(call, DecodeBase32(call.Text(0))); }

template <const EVP_MD* (*Algorithm)()>
absl::Status HexDigest(Call& call) {
  const absl::string_view text = call.Text(0);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, Algorithm(), nullptr) != 1) {
    return absl::InternalError("the hash function failed");
  }
  return call.ReturnText(
      absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), size}));
}

absl::Status Adler32(Call& call) {
  uint32_t a = 1, b = 0;
  for (const char c : call.Text(0)) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return call.ReturnText(absl::StrCat(b << 16 | a));
}

using go::HtmlEscape;
using go::JsonLayout;

constexpr Function kFunctions[] = {
    {"adler32sum", "s", 's', Adler32},
    {"b32dec", "s", 's', Base32Decode},
    {"b32enc", "s", 's', Base32Encode},
    {"b64dec", "s", 's', Base64Decode},
    {"b64enc", "s", 's', Base64Encode},
    {"fromJson", "s", 'a', FromJsonText<OnError::kEmpty>},
    {"fromYaml", "s", 'm', FromYaml<GoType::kAnyMap>},
    {"fromYamlArray", "s", 'l', FromYaml<GoType::kAnyList>},
    {"mustFromJson", "s", 'a', FromJsonText<OnError::kFail>},
    {"mustToJson", "a", 's', ToJsonText<HtmlEscape::kYes, JsonLayout::kCompact, OnError::kFail>},
    {"mustToPrettyJson", "a", 's',
     ToJsonText<HtmlEscape::kYes, JsonLayout::kIndented, OnError::kFail>},
    {"mustToRawJson", "a", 's', ToJsonText<HtmlEscape::kNo, JsonLayout::kCompact, OnError::kFail>},
    {"sha1sum", "s", 's', HexDigest<EVP_sha1>},
    {"sha256sum", "s", 's', HexDigest<EVP_sha256>},
    {"sha512sum", "s", 's', HexDigest<EVP_sha512>},
    {"toJson", "a", 's', ToJsonText<HtmlEscape::kYes, JsonLayout::kCompact, OnError::kEmpty>},
    {"toPrettyJson", "a", 's',
     ToJsonText<HtmlEscape::kYes, JsonLayout::kIndented, OnError::kEmpty>},
    {"toRawJson", "a", 's', ToJsonText<HtmlEscape::kNo, JsonLayout::kCompact, OnError::kFail>},
    {"toYaml", "a", 's', ToYaml},
};

}  // namespace

absl::Span<const Function> EncodingFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
