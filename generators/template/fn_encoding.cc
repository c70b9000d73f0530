// JSON, YAML, base64, base32 and hashes.

#include <array>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include <openssl/evp.h>

#include "common/yaml/go_yaml.h"
#include "common/yaml/yaml.h"
#include "generators/template/base_n.h"
#include "generators/template/function_sets.h"
#include "generators/template/go_json.h"
#include "generators/template/value_json.h"

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

absl::Status ToYaml(Call& call) {
  const absl::StatusOr<std::string> json =
      Encoded(call, go::HtmlEscape::kYes, go::JsonLayout::kCompact);
  if (!json.ok()) {
    if (absl::IsResourceExhausted(json.status())) return json.status();
    return CallError(absl::StrCat("error marshaling into JSON: ", json.status().message()));
  }
  std::string text = yaml::MarshalYaml(ToJson(call[0]));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return call.ReturnText(text);
}

// "yaml:3:7: message" in the words of Go: no line where it is the first, no column ever.
std::string YamlErrorText(absl::string_view message) {
  const std::vector<std::string> parts = absl::StrSplit(message, absl::MaxSplits(':', 3));
  if (parts.size() < 4) return std::string(message);
  return absl::StrCat("yaml:", parts[1] == "1" ? "" : absl::StrCat(" line ", parts[1], ":"),
                      parts[3]);
}

absl::string_view JsonKind(const object::Value& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_bool()) return "bool";
  return "number";
}

template <GoType type>
absl::Status FromYaml(Call& call) {
  const absl::string_view text = call.Text(0);
  if (absl::Status status = call.budget().Text(text.size() * 4); !status.ok()) return status;
  absl::StatusOr<object::Value> value = yaml::ParseYaml(text, "yaml");
  if (!value.ok()) {
    return CallError(
        absl::StrCat("error converting YAML to JSON: ", YamlErrorText(value.status().message())));
  }
  if (value->is_null()) return call.Return(TValue::TypedNil(type));
  if (type == GoType::kAnyMap ? value->is_object() : value->is_array())
    return call.Return(FromJson(*value));
  return CallError(
      absl::StrCat("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ",
                   JsonKind(*value), " into Go value of type ", GoTypeName(type)));
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
