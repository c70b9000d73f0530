#include "agent/apply/brake.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace leidang::agent {
namespace {

constexpr size_t kCountDefault = 10;
constexpr size_t kPercentDefault = 50;

}  // namespace

std::string HoldReason(const BrakeQuestion& question) {
  if (question.wanted == 0) return "";
  const size_t total = question.wanted + question.recent;
  const size_t before = std::max(question.inventory + question.recent, total);
  const std::string shown = absl::StrCat(total, " of ", before, " objects");
  switch (question.limit.kind) {
    case intent::DeletionLimit::Kind::kUnlimited:
      return "";
    case intent::DeletionLimit::Kind::kCount:
      if (total <= question.limit.value) return "";
      return absl::StrCat("it would prune ", shown, ", and leidang.dev/max-deletions allows ",
                          question.limit.value);
    case intent::DeletionLimit::Kind::kPercent:
      if (total * 100 <= question.limit.value * before) return "";
      return absl::StrCat("it would prune ", shown, ", and leidang.dev/max-deletions allows ",
                          question.limit.value, "%");
    case intent::DeletionLimit::Kind::kDefault:
      break;
  }
  if (total == before && before >= 2)
    return absl::StrCat("it would prune all ", before, " objects");
  if (total > kCountDefault && total * 100 > kPercentDefault * before) {
    return absl::StrCat("it would prune ", shown, ", more than ", kCountDefault, " and more than ",
                        kPercentDefault, "% of them");
  }
  return "";
}

object::Sha256 DeletionListDigest(std::vector<object::ObjectKey> keys) {
  std::sort(keys.begin(), keys.end());
  object::Sha256Stream stream;
  for (const object::ObjectKey& key : keys) {
    for (const std::string* part : {&key.group, &key.kind, &key.ns, &key.name}) {
      stream.Add(absl::StrCat(part->size(), ":", *part));
    }
  }
  return stream.Finish();
}

}  // namespace leidang::agent
