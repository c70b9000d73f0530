#include "common/conditions/held_list.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace leidang::conditions {
namespace {

constexpr absl::string_view kWaits = "; waits for approval of list ";
constexpr absl::string_view kAnd = " and ";
constexpr absl::string_view kMore = " more";
constexpr size_t kDigits = 64;

bool IsDigest(absl::string_view text) {
  return text.size() == kDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isxdigit(static_cast<unsigned char>(c));
         });
}

}  // namespace

std::string HeldListText(const HeldList& list) {
  std::string text =
      absl::StrCat(list.why, kWaits, list.digest, ": ", absl::StrJoin(list.names, ", "));
  if (list.objects > list.names.size())
    absl::StrAppend(&text, kAnd, list.objects - list.names.size(), kMore);
  return text;
}

std::optional<HeldList> ReadHeldList(absl::string_view text) {
  const size_t at = text.find(kWaits);
  if (at == absl::string_view::npos) return std::nullopt;
  HeldList list;
  list.why = std::string(text.substr(0, at));
  absl::string_view rest = text.substr(at + kWaits.size());
  const absl::string_view digest = rest.substr(0, kDigits);
  if (!IsDigest(digest)) return std::nullopt;
  list.digest = std::string(digest);
  rest.remove_prefix(kDigits);
  if (!absl::ConsumePrefix(&rest, ": ")) return std::nullopt;
  const size_t more = rest.rfind(kAnd);
  absl::string_view number;
  if (more != absl::string_view::npos) number = rest.substr(more + kAnd.size());
  uint64_t left_out = 0;
  if (absl::ConsumeSuffix(&number, kMore) && absl::SimpleAtoi(number, &left_out))
    rest = rest.substr(0, more);
  for (const absl::string_view name : absl::StrSplit(rest, ", ", absl::SkipEmpty()))
    list.names.emplace_back(name);
  list.objects = list.names.size() + left_out;
  return list;
}

}  // namespace leidang::conditions
