// Randomness, drawn from the seed of the rendering.

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

#include "generators/template/function_sets.h"
#include "generators/template/random_stream.h"
#include "generators/template/unicode.h"

namespace leidang::generators::gotmpl {
namespace {

std::string CharsFrom(uint32_t first, uint32_t last, bool (*wanted)(uint32_t)) {
  std::string chars;
  for (uint32_t c = first; c <= last; ++c) {
    if (wanted(c)) chars.push_back(static_cast<char>(c));
  }
  return chars;
}

bool IsAlphaNumeric(uint32_t c) { return go::IsLetter(c) || go::IsDigit(c); }

template <bool (*wanted)(uint32_t)>
absl::Status RandomText(Call& call) {
  if (call.Int(0) <= 0) return call.ReturnText("");
  const auto count = static_cast<uint64_t>(call.Int(0));
  if (absl::Status status = call.budget().Text(count * 16); !status.ok()) return status;
  const std::string chars = CharsFrom(' ', '~', wanted);
  RandomStream stream(&call.context());
  std::string out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(chars[stream.Below(chars.size())]);
  return call.ReturnText(out);
}

absl::Status RandomInt(Call& call) {
  const int64_t min = call.Int(0), max = call.Int(1);
  const auto range = static_cast<int64_t>(static_cast<uint64_t>(max) - static_cast<uint64_t>(min));
  if (range <= 0) return CallError("invalid argument to Intn");
  RandomStream stream(&call.context());
  return call.Return(
      TValue::Int(min + static_cast<int64_t>(stream.Below(static_cast<uint64_t>(range)))));
}

absl::Status RandomBytes(Call& call) {
  if (call.Int(0) < 0) return CallError("runtime error: makeslice: len out of range");
  const auto count = static_cast<uint64_t>(call.Int(0));
  if (absl::Status status = call.budget().Text(count * 4); !status.ok()) return status;
  return call.ReturnText(absl::Base64Escape(RandomStream(&call.context()).Bytes(count)));
}

absl::Status Uuid(Call& call) {
  std::string bytes = RandomStream(&call.context()).Bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  const std::string hex = absl::BytesToHexString(bytes);
  return call.ReturnText(absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-",
                                      hex.substr(12, 4), "-", hex.substr(16, 4), "-",
                                      hex.substr(20)));
}

absl::Status Shuffle(Call& call) {
  if (absl::Status status = call.budget().Text(call.Text(0).size() * 16); !status.ok())
    return status;
  std::vector<uint32_t> runes;
  for (absl::string_view rest = call.Text(0); !rest.empty();) {
    const go::Rune rune = go::DecodeRune(rest);
    runes.push_back(rune.code);
    rest.remove_prefix(rune.width);
  }
  RandomStream stream(&call.context());
  for (size_t i = runes.size(); i > 1; --i) std::swap(runes[i - 1], runes[stream.Below(i)]);
  std::string out;
  for (const uint32_t rune : runes) go::AppendRune(&out, rune);
  return call.ReturnText(out);
}

constexpr Function kFunctions[] = {
    {"randAlpha", "i", 's', RandomText<go::IsLetter>, kRandom},
    {"randAlphaNum", "i", 's', RandomText<IsAlphaNumeric>, kRandom},
    {"randAscii", "i", 's', RandomText<go::IsPrint>, kRandom},
    {"randBytes", "i", 's', RandomBytes, kRandom},
    {"randInt", "ii", 'i', RandomInt, kRandom},
    {"randNumeric", "i", 's', RandomText<go::IsDigit>, kRandom},
    {"shuffle", "s", 's', Shuffle, kRandom},
    {"uuidv4", "", 's', Uuid, kRandom},
};

}  // namespace

absl::Span<const Function> RandomFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
