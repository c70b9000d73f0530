#include "generators/template/fasttemplate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators {
namespace {

constexpr absl::string_view kOpen = "{{";
constexpr absl::string_view kClose = "}}";

// Whether some line has an opening and a closing behind it.
bool IsTemplated(absl::string_view text) {
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const size_t open = line.find(kOpen);
    if (open != absl::string_view::npos &&
        line.find(kClose, open + kOpen.size()) != absl::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<FastTemplate> FastTemplate::Compile(absl::string_view text) {
  FastTemplate result;
  result.text_ = std::string(text);
  if (!IsTemplated(text)) {
    result.after_ = result.text_;
    return result;
  }
  absl::string_view rest = text;
  for (;;) {
    const size_t open = rest.find(kOpen);
    if (open == absl::string_view::npos) break;
    const absl::string_view behind = rest.substr(open + kOpen.size());
    const size_t close = behind.find(kClose);
    if (close == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("invalid template: Cannot find end tag=", go::Quote(kClose),
                       " in the template=", go::Quote(text), " starting from ", go::Quote(behind)));
    }
    Tag tag;
    tag.before = std::string(rest.substr(0, open));
    tag.raw = std::string(rest.substr(open, kOpen.size() + close + kClose.size()));
    tag.key = TValue::String(go::TrimSpace(behind.substr(0, close)));
    result.tags_.push_back(std::move(tag));
    rest = behind.substr(close + kClose.size());
  }
  result.after_ = std::string(rest);
  return result;
}

void FastTemplate::Execute(const TValue& root, std::string* out) const {
  const TMap* map = root.is_map() ? root.map() : nullptr;
  for (const Tag& tag : tags_) {
    out->append(tag.before);
    const TValue* value = map == nullptr || tag.key.text().empty() ? nullptr : map->Find(tag.key);
    if (value != nullptr && value->is_string()) {
      const absl::string_view text = value->text();
      out->append(text.data(), text.size());
    } else {
      out->append(tag.raw);
    }
  }
  out->append(after_);
}

}  // namespace leidang::generators
