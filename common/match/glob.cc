#include "common/match/glob.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"

#include "common/match/glob_matcher.h"
#include "common/match/glob_syntax.h"
#include "common/match/runes.h"

namespace leidang::match {

namespace glob {
namespace {

using Kind = MatcherKind;
using Matchers = std::vector<MatcherPtr>;

std::shared_ptr<Matcher> Make(Kind kind) {
  auto m = std::make_shared<Matcher>();
  m->kind = kind;
  return m;
}

MatcherPtr MakeText(Kind kind, std::string text, std::vector<char32_t> runes = {}) {
  auto m = Make(kind);
  m->limit = static_cast<int>(RuneCount(text));
  m->text = std::move(text);
  m->runes = std::move(runes);
  return m;
}

std::vector<char32_t> Runes(absl::string_view text) {
  std::vector<char32_t> out;
  for (Rune r; !text.empty(); text.remove_prefix(r.width)) {
    r = DecodeRune(text);
    out.push_back(r.value);
  }
  return out;
}

std::string Text(const std::vector<char32_t>& runes) {
  std::string out;
  for (const char32_t r : runes) AppendRune(r, &out);
  return out;
}

bool Is(const MatcherPtr& m, Kind kind) { return m != nullptr && m->kind == kind; }

MatcherPtr Simplify(const MatcherPtr& m);

// A tree around a text often is one of the simpler forms.
MatcherPtr SimplifyTree(const MatcherPtr& m) {
  auto tree = std::make_shared<Matcher>(*m);
  tree->left = Simplify(m->left);
  tree->right = Simplify(m->right);
  if (!Is(tree->value, Kind::kText)) return tree;
  const std::string& text = tree->value->text;
  const MatcherPtr& l = tree->left;
  const MatcherPtr& r = tree->right;
  if (l == nullptr && r == nullptr) return tree->value;
  if (Is(l, Kind::kSuper) && Is(r, Kind::kSuper)) return MakeText(Kind::kContains, text);
  if (Is(l, Kind::kSuper) && r == nullptr) return MakeText(Kind::kSuffix, text);
  if (Is(r, Kind::kSuper) && l == nullptr) return MakeText(Kind::kPrefix, text);
  if (l == nullptr && Is(r, Kind::kSuffix)) {
    auto both = Make(Kind::kPrefixSuffix);
    both->text = text;
    both->suffix = r->text;
    return both;
  }
  if (r == nullptr && Is(l, Kind::kPrefix)) {
    auto both = Make(Kind::kPrefixSuffix);
    both->text = l->text;
    both->suffix = text;
    return both;
  }
  if (r == nullptr && Is(l, Kind::kAny)) return MakeText(Kind::kSuffixAny, text, l->runes);
  if (l == nullptr && Is(r, Kind::kAny)) return MakeText(Kind::kPrefixAny, text, r->runes);
  return tree;
}

MatcherPtr Simplify(const MatcherPtr& m) {
  if (m == nullptr) return m;
  switch (m->kind) {
    case Kind::kAny:
      return m->runes.empty() ? Make(Kind::kSuper) : m;
    case Kind::kAnyOf:
      return m->parts.size() == 1 ? m->parts[0] : m;
    case Kind::kList:
      return !m->negated && m->runes.size() == 1 ? MakeText(Kind::kText, Text(m->runes)) : m;
    case Kind::kTree:
      return SimplifyTree(m);
    default:
      return m;
  }
}

MatcherPtr GlueAsEvery(absl::Span<const MatcherPtr> matchers) {
  if (matchers.size() <= 1) return nullptr;
  bool any = false;
  bool super = false;
  int min = 0;
  std::vector<char32_t> separators;
  for (size_t i = 0; i < matchers.size(); ++i) {
    const Matcher& m = *matchers[i];
    std::vector<char32_t> own;
    switch (m.kind) {
      case Kind::kSuper:
        super = true;
        break;
      case Kind::kAny:
        own = m.runes;
        any = true;
        break;
      case Kind::kList:
        if (!m.negated) return nullptr;
        [[fallthrough]];
      case Kind::kSingle:
        own = m.runes;
        ++min;
        break;
      default:
        return nullptr;
    }
    if (i == 0) separators = own;
    if (own != separators) return nullptr;
  }
  if (super && !any && min == 0) return Make(Kind::kSuper);
  if (any && !super && min == 0) {
    auto m = Make(Kind::kAny);
    m->runes = separators;
    return m;
  }
  const auto bound = [&](Kind kind) {
    auto m = Make(kind);
    m->limit = min;
    return m;
  };
  if ((any || super) && min > 0 && separators.empty()) return bound(Kind::kMin);
  auto every = Make(Kind::kEveryOf);
  if (min > 0) {
    every->parts.push_back(bound(Kind::kMin));
    if (!any && !super) every->parts.push_back(bound(Kind::kMax));
  }
  if (!separators.empty()) {
    // Several separators exclude their sequence, not each of them.
    auto none = Make(Kind::kContains);
    none->text = Text(separators);
    none->negated = true;
    every->parts.push_back(std::move(none));
  }
  return every;
}

MatcherPtr GlueAsRow(absl::Span<const MatcherPtr> matchers) {
  if (matchers.size() <= 1) return nullptr;
  auto row = Make(Kind::kRow);
  for (const MatcherPtr& m : matchers) {
    const int length = m->Length();
    if (length == Matcher::kNoLength) return nullptr;
    row->limit += length;
    row->parts.push_back(m);
  }
  return row;
}

MatcherPtr Glue(absl::Span<const MatcherPtr> matchers) {
  if (MatcherPtr m = GlueAsEvery(matchers)) return m;
  return GlueAsRow(matchers);
}

Matchers Minimize(Matchers matchers) {
  while (true) {
    MatcherPtr done;
    size_t left = 0;
    size_t right = 0;
    const absl::Span<const MatcherPtr> all(matchers);
    for (size_t l = 0; l < matchers.size(); ++l) {
      for (size_t r = matchers.size(); r > l; --r) {
        MatcherPtr glued = Glue(all.subspan(l, r - l));
        if (glued == nullptr) continue;
        const auto longer = [&] {
          const int have = done->Length();
          const int now = glued->Length();
          return have > -1 && now > -1 && now > have;
        };
        if (done == nullptr || longer() || right - left < r - l) {
          done = std::move(glued);
          left = l;
          right = r;
        }
      }
    }
    if (done == nullptr) return matchers;
    Matchers next(matchers.begin(), matchers.begin() + static_cast<ptrdiff_t>(left));
    next.push_back(std::move(done));
    next.insert(next.end(), matchers.begin() + static_cast<ptrdiff_t>(right), matchers.end());
    if (next.size() == matchers.size()) return next;
    matchers = std::move(next);
  }
}

MatcherPtr MakeTree(MatcherPtr value, MatcherPtr left, MatcherPtr right) {
  auto tree = Make(Kind::kTree);
  const int middle = value->Length();
  if (left != nullptr) tree->left_length = left->Length();
  if (right != nullptr) tree->right_length = right->Length();
  const bool known = middle != Matcher::kNoLength && tree->left_length != Matcher::kNoLength &&
                     tree->right_length != Matcher::kNoLength;
  tree->tree_length = known ? tree->left_length + middle + tree->right_length : Matcher::kNoLength;
  tree->value = std::move(value);
  tree->left = std::move(left);
  tree->right = std::move(right);
  return tree;
}

// REQUIRES: not empty.
MatcherPtr CompileSequence(absl::Span<const MatcherPtr> matchers) {
  if (matchers.size() == 1) return matchers[0];
  if (MatcherPtr m = Glue(matchers)) return m;
  // The longest part of known length becomes the middle, the last of equals.
  ptrdiff_t middle = -1;
  int longest = -1;
  for (size_t i = 0; i < matchers.size(); ++i) {
    const int length = matchers[i]->Length();
    if (length != Matcher::kNoLength && length >= longest) {
      longest = length;
      middle = static_cast<ptrdiff_t>(i);
    }
  }
  if (middle == -1) return MakeTree(matchers[0], nullptr, CompileSequence(matchers.subspan(1)));
  const size_t at = static_cast<size_t>(middle);
  return MakeTree(matchers[at], at > 0 ? CompileSequence(matchers.subspan(0, at)) : nullptr,
                  at + 1 < matchers.size() ? CompileSequence(matchers.subspan(at + 1)) : nullptr);
}

NodePtr MakeNode(Node::Kind kind, std::vector<NodePtr> children = {}) {
  auto node = std::make_shared<Node>();
  node->kind = kind;
  node->children = std::move(children);
  return node;
}

struct Common {
  size_t left = 0;
  size_t right = 0;
};

// How many leading and trailing children all alternatives have in common. The two never overlap in
// the shortest.
Common CommonChildren(const std::vector<NodePtr>& nodes) {
  Common common;
  if (nodes.size() <= 1) return common;
  const auto shortest = std::min_element(
      nodes.begin(), nodes.end(),
      [](const NodePtr& a, const NodePtr& b) { return a->children.size() < b->children.size(); });
  const std::vector<NodePtr>& base = (*shortest)->children;
  const size_t size = base.size();
  bool break_left = false;
  bool break_right = false;
  for (size_t i = 0; i < size && common.left + common.right < size && !(break_left && break_right);
       ++i) {
    const size_t j = size - 1 - i;
    for (auto node = nodes.begin(); node != nodes.end() && !(break_left && break_right); ++node) {
      if (node == shortest) continue;
      const std::vector<NodePtr>& other = (*node)->children;
      break_left = break_left || !base[i]->Equals(*other[i]);
      break_right = break_right || (!break_left && j <= i);
      break_right = break_right || !base[j]->Equals(*other[j + other.size() - size]);
    }
    if (!break_left) ++common.left;
    if (!break_right) ++common.right;
  }
  return common;
}

// Pulls what all alternatives share out of the braces; null where they share nothing.
NodePtr FactorOut(const Node& any_of) {
  for (const NodePtr& child : any_of.children) {
    if (child->kind != Node::Kind::kPattern) return nullptr;
  }
  const Common common = CommonChildren(any_of.children);
  if (common.left + common.right == 0) return nullptr;
  std::vector<NodePtr> rest;
  for (const NodePtr& child : any_of.children) {
    std::vector<NodePtr> own(child->children.begin() + static_cast<ptrdiff_t>(common.left),
                             child->children.end() - static_cast<ptrdiff_t>(common.right));
    NodePtr node = own.empty() ? MakeNode(Node::Kind::kNothing)
                               : MakeNode(Node::Kind::kPattern, std::move(own));
    const auto same = [&](const NodePtr& n) { return n->Equals(*node); };
    if (std::none_of(rest.begin(), rest.end(), same)) rest.push_back(std::move(node));
  }
  const std::vector<NodePtr>& first = any_of.children[0]->children;
  std::vector<NodePtr> result;
  if (common.left > 0) {
    result.push_back(
        MakeNode(Node::Kind::kPattern,
                 {first.begin(), first.begin() + static_cast<ptrdiff_t>(common.left)}));
  }
  if (rest.size() > 1) {
    result.push_back(MakeNode(Node::Kind::kAnyOf, std::move(rest)));
  } else if (rest[0]->kind != Node::Kind::kNothing) {
    result.push_back(rest[0]);
  }
  if (common.right > 0) {
    result.push_back(MakeNode(Node::Kind::kPattern,
                              {first.end() - static_cast<ptrdiff_t>(common.right), first.end()}));
  }
  return MakeNode(Node::Kind::kPattern, std::move(result));
}

MatcherPtr CompileNode(const Node& node, const std::vector<char32_t>& separators);

Matchers CompileChildren(const Node& node, const std::vector<char32_t>& separators) {
  Matchers out;
  for (const NodePtr& child : node.children)
    out.push_back(Simplify(CompileNode(*child, separators)));
  return out;
}

MatcherPtr CompileNode(const Node& node, const std::vector<char32_t>& separators) {
  std::shared_ptr<Matcher> m;
  switch (node.kind) {
    case Node::Kind::kAnyOf:
      if (const NodePtr factored = FactorOut(node)) return CompileNode(*factored, separators);
      m = Make(Kind::kAnyOf);
      m->parts = CompileChildren(node, separators);
      return m;
    case Node::Kind::kPattern: {
      if (node.children.empty()) return Make(Kind::kNothing);
      const Matchers parts = Minimize(CompileChildren(node, separators));
      return Simplify(CompileSequence(parts));
    }
    case Node::Kind::kAny:
      m = Make(Kind::kAny);
      m->runes = separators;
      break;
    case Node::Kind::kSuper:
      m = Make(Kind::kSuper);
      break;
    case Node::Kind::kSingle:
      m = Make(Kind::kSingle);
      m->runes = separators;
      break;
    case Node::Kind::kNothing:
      m = Make(Kind::kNothing);
      break;
    case Node::Kind::kList:
      m = Make(Kind::kList);
      m->runes = Runes(node.text);
      m->negated = node.negated;
      break;
    case Node::Kind::kRange:
      m = Make(Kind::kRange);
      m->lo = node.lo;
      m->hi = node.hi;
      m->negated = node.negated;
      break;
    case Node::Kind::kText:
      return MakeText(Kind::kText, node.text);
  }
  return Simplify(m);
}

}  // namespace
}  // namespace glob

class Glob::Impl {
 public:
  explicit Impl(glob::MatcherPtr root) : root_(std::move(root)) {}

  Outcome Try(absl::string_view text) const {
    glob::Budget budget;
    const bool yes = root_->Match(text, &budget);
    if (budget.broken) return Outcome::kUndecided;
    return yes ? Outcome::kYes : Outcome::kNo;
  }

 private:
  const glob::MatcherPtr root_;
};

absl::StatusOr<Glob> Glob::Compile(absl::string_view pattern, absl::string_view separators) {
  if (pattern.size() > kPatternBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("glob of ", pattern.size(), " bytes: at most ",
                                                   kPatternBytesMax, " are supported"));
  }
  absl::StatusOr<glob::NodePtr> tree = glob::ParseGlob(pattern);
  if (!tree.ok()) return tree.status();
  return Glob(std::make_shared<Impl>(glob::CompileNode(**tree, glob::Runes(separators))));
}

Glob::Outcome Glob::Try(absl::string_view text) const { return impl_->Try(text); }

}  // namespace leidang::match
