#include "generators/kinds/transliteration.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/match/runes.h"

namespace leidang::generators::transliteration {

namespace {

constexpr char kDigits[] =
    "#$%&'()*+,-./0123456789:;<=>@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{}~";
constexpr size_t kBase = sizeof(kDigits) - 1;

size_t DigitOf(char c) { return absl::string_view(kDigits).find(c); }

const Page* FindPage(unsigned number) {
  const auto in = [&](const Page* pages, size_t count) -> const Page* {
    for (size_t i = 0; i < count; ++i) {
      if (pages[i].number == number) return &pages[i];
    }
    return nullptr;
  };
  const Page* page = in(kPages1, kPages1Count);
  return page != nullptr ? page : in(kPages2, kPages2Count);
}

const std::vector<absl::string_view>& Words() {
  static const std::vector<absl::string_view> words = absl::StrSplit(kWords, '\t');
  return words;
}

// A Korean syllable is spelled from its parts.
void AppendHangul(char32_t rune, std::string* out) {
  static const std::vector<absl::string_view> initials =
      absl::StrSplit("g,gg,n,d,dd,r,m,b,bb,s,ss,,j,jj,c,k,t,p,h", ',');
  static const std::vector<absl::string_view> vowels =
      absl::StrSplit("a,ae,ya,yae,eo,e,yeo,ye,o,wa,wae,oe,yo,u,weo,we,wi,yu,eu,yi,i", ',');
  static const std::vector<absl::string_view> finals =
      absl::StrSplit(",g,gg,gs,n,nj,nh,d,l,lg,lm,lb,ls,lt,lp,lh,m,b,bs,s,ss,ng,j,c,k,t,p,h", ',');
  const size_t i = rune - 0xAC00;
  absl::StrAppend(out, initials[i / 588], vowels[i % 588 / 28], finals[i % 28]);
}

}  // namespace

std::string ToAscii(absl::string_view text) {
  std::string out;
  while (!text.empty()) {
    const match::Rune rune = match::DecodeRune(text);
    text.remove_prefix(rune.width);
    const char32_t c = rune.value;
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (c >= 0xAC00 && c <= 0xD7A3) {
      AppendHangul(c, &out);
    } else if (c < 0x10000) {
      const Page* page = FindPage(c >> 8);
      if (page == nullptr) continue;
      const char* digits = page->digits + 2 * (c & 0xFF);
      absl::StrAppend(&out, Words()[DigitOf(digits[0]) * kBase + DigitOf(digits[1])]);
    }
  }
  return out;
}

}  // namespace leidang::generators::transliteration
