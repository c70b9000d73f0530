#include "agent/cluster/event_skim.h"

#include <cstddef>
#include <functional>

namespace leidang::agent {
namespace {

// Over JSON of which nobody has said that it is correct: it stops where it does not go on.
class Skimmer {
 public:
  explicit Skimmer(absl::string_view text) : text_(text) {}

  bool Take(char c) {
    SkipSpace();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // A string without escapes.
  bool TakeText(absl::string_view* out) {
    const size_t begin = at_ + 1;
    if (!SkipString()) return false;
    *out = text_.substr(begin, at_ - begin - 1);
    return out->find('\\') == absl::string_view::npos;
  }

  // The name of the next member, with its colon.
  bool TakeName(absl::string_view* out) {
    SkipSpace();
    return TakeText(out) && Take(':') && SkipSpace();
  }

  bool SkipValue() {
    if (at_ == text_.size()) return false;
    if (text_[at_] == '"') return SkipString();
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!SkipString()) return false;
        continue;
      }
      const bool ends = c == '}' || c == ']';
      if (depth == 0 && (c == ',' || ends)) return true;
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if (ends && --depth == 0) return true;
    }
    return false;
  }

  bool SkipSpace() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return true;
  }

 private:
  bool SkipString() {
    if (at_ == text_.size() || text_[at_] != '"') return false;
    for (size_t i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == '"') {
        at_ = i + 1;
        return true;
      }
    }
    return false;
  }

  const absl::string_view text_;
  size_t at_ = 0;
};

enum class Next { kMember, kFound, kNothing };

// Goes through the members of an object; each is taken or skipped by `member`.
bool FindIn(Skimmer& text, const std::function<Next(absl::string_view name)>& member) {
  if (!text.Take('{')) return false;
  do {
    absl::string_view name;
    if (!text.TakeName(&name)) return false;
    const Next next = member(name);
    if (next != Next::kMember) return next == Next::kFound;
  } while (text.Take(','));
  return false;
}

Next Taken(bool taken) { return taken ? Next::kMember : Next::kNothing; }

bool SkimMetadata(Skimmer& text, SkimmedEvent& event) {
  return FindIn(text, [&](absl::string_view name) {
    absl::string_view* part = nullptr;
    if (name == "namespace") part = &event.ns;
    if (name == "name") part = &event.name;
    if (name == "uid") part = &event.uid;
    if (name == "resourceVersion") part = &event.version;
    if (part == nullptr) return Taken(text.SkipValue());
    if (!text.TakeText(part)) return Next::kNothing;
    // The namespace comes before these.
    const bool all = !event.name.empty() && !event.uid.empty() && !event.version.empty();
    return all ? Next::kFound : Next::kMember;
  });
}

}  // namespace

std::optional<SkimmedEvent> SkimEvent(absl::string_view line) {
  Skimmer text(line);
  SkimmedEvent event;
  const auto in_object = [&](absl::string_view name) {
    if (name != "metadata") return Taken(text.SkipValue());
    return SkimMetadata(text, event) ? Next::kFound : Next::kNothing;
  };
  const bool found = FindIn(text, [&](absl::string_view name) {
    if (name == "type") return Taken(text.TakeText(&event.type));
    if (name != "object") return Taken(text.SkipValue());
    return FindIn(text, in_object) ? Next::kFound : Next::kNothing;
  });
  if (!found || event.type.empty()) return std::nullopt;
  return event;
}

}  // namespace leidang::agent
