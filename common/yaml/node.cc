#include "common/yaml/node.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace leidang::yaml {

Composer::Composer(absl::string_view text, absl::string_view file_name, const Limits& limits)
    : file_name_(file_name), limits_(limits), events_(text, file_name) {}

absl::StatusOr<Node*> Composer::NextDocument() {
  nodes_.clear();
  anchors_.clear();
  ASSIGN_OR_RETURN(const Event start, events_.Next());
  if (start.kind == Event::Kind::kStreamEnd) return nullptr;
  CHECK(start.kind == Event::Kind::kDocumentStart);
  ASSIGN_OR_RETURN(Event first, events_.Next());
  ASSIGN_OR_RETURN(Node* const root, Compose(std::move(first), 1));
  ASSIGN_OR_RETURN(const Event end, events_.Next());
  CHECK(end.kind == Event::Kind::kDocumentEnd);
  return root;
}

absl::StatusOr<Node*> Composer::Compose(Event event, size_t depth) {
  Node& node = nodes_.emplace_back();
  node.mark = event.mark;
  node.plain = event.plain;
  node.tag = std::move(event.tag);
  node.value = std::move(event.value);
  if (event.kind == Event::Kind::kAlias) {
    node.kind = Node::Kind::kAlias;
    node.value = event.anchor;
    const auto target = anchors_.find(event.anchor);
    if (target == anchors_.end()) {
      return ErrorAt(file_name_, node.mark,
                     absl::StrCat("no anchor &", event.anchor, " stands before its alias"));
    }
    node.target = target->second;
    return &node;
  }
  // A name may be given again; aliases mean the last one before them.
  if (!event.anchor.empty()) anchors_[event.anchor] = &node;
  if (event.kind == Event::Kind::kScalar) return &node;
  if (depth > limits_.depth_max) {
    return ErrorAt(file_name_, node.mark,
                   absl::StrCat("more than ", limits_.depth_max, " levels of nesting"));
  }
  if (event.kind == Event::Kind::kSequenceStart) {
    node.kind = Node::Kind::kSequence;
    RETURN_IF_ERROR(ComposeChildren(node, Event::Kind::kSequenceEnd, depth));
  } else {
    CHECK(event.kind == Event::Kind::kMappingStart);
    node.kind = Node::Kind::kMapping;
    RETURN_IF_ERROR(ComposeChildren(node, Event::Kind::kMappingEnd, depth));
  }
  return &node;
}

absl::Status Composer::ComposeChildren(Node& node, Event::Kind end, size_t depth) {
  while (true) {
    ASSIGN_OR_RETURN(Event event, events_.Next());
    if (event.kind == end) return absl::OkStatus();
    ASSIGN_OR_RETURN(Node* const child, Compose(std::move(event), depth + 1));
    node.children.push_back(child);
  }
}

}  // namespace leidang::yaml
