#pragma once

// Events to a tree of nodes that still knows places, tags and aliases. Internal to the room.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/yaml/event.h"
#include "common/yaml/yaml.h"

namespace leidang::yaml {

struct Node {
  enum class Kind { kScalar, kSequence, kMapping, kAlias };

  Kind kind = Kind::kScalar;
  bool plain = false;
  bool expanding = false;  // The decoder is inside this node.
  Mark mark;
  std::string tag;
  std::string value;            // Of an alias: the name of its anchor.
  std::vector<Node*> children;  // Of a mapping: key, value, key, value, …
  Node* target = nullptr;       // Of an alias; never null then.
};

// Composes one document after the other. Thread-compatible. `text` and `file_name` must outlive it.
class Composer {
 public:
  Composer(absl::string_view text, absl::string_view file_name, const Limits& limits);

  // The root of the next document, or nullptr after the last one. It lives until the next call.
  absl::StatusOr<Node*> NextDocument();

 private:
  absl::StatusOr<Node*> Compose(Event event, size_t depth);
  absl::Status ComposeChildren(Node& node, Event::Kind end, size_t depth);

  const absl::string_view file_name_;
  const Limits limits_;
  EventReader events_;
  std::deque<Node> nodes_;
  std::map<std::string, Node*> anchors_;
};

}  // namespace leidang::yaml
