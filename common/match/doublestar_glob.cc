#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/match/doublestar.h"
#include "common/match/doublestar_parts.h"

namespace leidang::match {

namespace {

constexpr size_t kNone = absl::string_view::npos;
constexpr size_t kPathsMax = 10'000'000;
constexpr int kDirectoriesDeepMax = 200;

bool IsMeta(char c) { return c == '*' || c == '?' || c == '[' || c == '{'; }

size_t FindMeta(absl::string_view s) {
  for (size_t i = 0; i < s.size(); ++i) {
    if (IsMeta(s[i])) return i;
    if (s[i] == '\\') ++i;
  }
  return kNone;
}

bool UnescapedAt(absl::string_view s, size_t i) { return i == 0 || s[i - 1] != '\\'; }

size_t FindLastSlash(absl::string_view s) {
  for (size_t i = s.size(); i-- > 0;) {
    if (s[i] == '/' && UnescapedAt(s, i)) return i;
  }
  return kNone;
}

size_t FindLastSlashOrBrace(absl::string_view s) {
  for (size_t i = s.size(); i-- > 0;) {
    if ((s[i] == '/' || s[i] == '}') && UnescapedAt(s, i)) return i;
  }
  return kNone;
}

// The brace that one just behind `s` closes.
size_t FindOpeningBrace(absl::string_view s) {
  int depth = 1;
  for (size_t i = s.size(); i-- > 0;) {
    if (!UnescapedAt(s, i)) continue;
    if (s[i] == '}') ++depth;
    if (s[i] == '{' && --depth == 0) return i;
  }
  return kNone;
}

std::string Unescape(absl::string_view s) {
  return absl::StrReplaceAll(
      s, {{"\\*", "*"}, {"\\?", "?"}, {"\\[", "["}, {"\\]", "]"}, {"\\{", "{"}, {"\\}", "}"}});
}

std::string Escape(absl::string_view s) {
  return absl::StrReplaceAll(
      s, {{"*", "\\*"}, {"?", "\\?"}, {"[", "\\["}, {"]", "\\]"}, {"{", "\\{"}, {"}", "\\}"}});
}

// A `**` that is not the very end makes the original walk with callbacks, which differs where
// braces are nested.
bool HasMiddleDoublestar(absl::string_view p) {
  for (size_t i = 0; i + 3 < p.size(); ++i) {
    if (p[i] == '\\') {
      ++i;
    } else if (p[i] == '*' && p[i + 1] == '*') {
      return true;
    }
  }
  return false;
}

// What Go's io/fs takes for a path: no empty, `.` or `..` element, but "." alone.
bool ValidFsPath(absl::string_view path) {
  if (path == ".") return true;
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

// The last element of a pattern may take files; what stands before it, directories only.
enum class Take { kDirectories, kAnything };

using Paths = std::vector<std::string>;

class Walk {
 public:
  // `base` is the directory that the pattern starts from.
  Walk(const WorkTree& tree, std::string base, bool keeps_earlier_matches)
      : tree_(tree), base_(std::move(base)), keeps_earlier_matches_(keeps_earlier_matches) {}

  absl::Status Run(absl::string_view pattern, Take take, Paths* out) {
    const size_t meta = FindMeta(pattern);
    if (meta == kNone) {
      const std::string path = Unescape(pattern);
      absl::string_view without_slash = path;
      if (path.size() > 1) absl::ConsumeSuffix(&without_slash, "/");
      if (Find(without_slash).has_value()) out->push_back(path);
      return absl::OkStatus();
    }
    absl::string_view dir = ".";
    absl::string_view last = pattern;
    size_t split = FindLastSlashOrBrace(pattern);
    if (split != kNone && pattern[split] == '}') {
      const size_t open = FindOpeningBrace(pattern.substr(0, split));
      if (open != kNone) return RunBraces(pattern, open, split, take, out);
      split = FindLastSlash(pattern.substr(0, split));
    }
    if (split != kNone) {
      dir = pattern.substr(0, split);
      last = pattern.substr(split + 1);
    }
    if (split == kNone || split <= meta) return RunDirectory(Unescape(dir), last, take, out);
    // One of the original's two ways to walk treats what it has found so far as directories, too.
    Paths dirs = keeps_earlier_matches_ ? *out : Paths();
    RETURN_IF_ERROR(Run(dir, Take::kDirectories, &dirs));
    for (const std::string& d : dirs) RETURN_IF_ERROR(RunDirectory(d, last, take, out));
    return absl::OkStatus();
  }

 private:
  std::optional<WorkTree::Kind> Find(absl::string_view path) const {
    if (!ValidFsPath(path)) return std::nullopt;
    const WorkTree::Resolved r = tree_.Resolve(JoinPath(base_, path));
    if (r.where != WorkTree::Where::kInside) return std::nullopt;
    return r.kind;
  }

  const std::vector<WorkTree::Child>* List(absl::string_view path) const {
    if (!ValidFsPath(path)) return nullptr;
    return tree_.List(JoinPath(base_, path));
  }

  bool IsDirectory(absl::string_view dir, const WorkTree::Child& child) const {
    if (child.kind != WorkTree::Kind::kSymlink) return child.kind == WorkTree::Kind::kDirectory;
    return Find(JoinPath(dir, child.name)) == WorkTree::Kind::kDirectory;
  }

  absl::Status RunBraces(absl::string_view pattern, size_t open, size_t close, Take take,
                         Paths* out) {
    Paths dirs = {""};
    size_t start = 0;
    const size_t split = FindLastSlashOrBrace(pattern.substr(0, open));
    if (split != kNone && pattern[split] != '}') {
      dirs = keeps_earlier_matches_ ? *out : Paths();
      RETURN_IF_ERROR(Run(pattern.substr(0, split), Take::kDirectories, &dirs));
      start = split + 1;
    }
    for (const std::string& d : dirs) {
      size_t at = open + 1;
      while (at < close) {
        const size_t comma = doublestar::NextComma(pattern.substr(at, close - at));
        const size_t next = comma == kNone ? close : at + comma;
        std::string one = d.empty() || d == "." ? "" : Escape(d) + "/";
        absl::StrAppend(&one, pattern.substr(start, open - start), pattern.substr(at, next - at),
                        pattern.substr(close + 1));
        RETURN_IF_ERROR(Run(one, take, out));
        at = next + 1;
      }
    }
    return absl::OkStatus();
  }

  absl::Status RunDirectory(const std::string& dir, absl::string_view pattern, Take take,
                            Paths* out) {
    if (pattern.empty()) {
      if (Find(dir) == WorkTree::Kind::kDirectory) out->push_back(dir);
      return absl::OkStatus();
    }
    const std::vector<WorkTree::Child>* children = List(dir);
    if (children == nullptr) return absl::OkStatus();
    if (pattern == "**") {
      out->push_back(dir);
      return AddAll(dir, *children, take, 0, out);
    }
    for (const WorkTree::Child& child : *children) {
      ASSIGN_OR_RETURN(const bool taken, doublestar::MatchName(pattern, child.name));
      if (taken && (take == Take::kAnything || IsDirectory(dir, child)))
        out->push_back(JoinPath(dir, child.name));
    }
    return absl::OkStatus();
  }

  absl::Status AddAll(const std::string& dir, const std::vector<WorkTree::Child>& children,
                      Take take, int depth, Paths* out) {
    if (depth > kDirectoriesDeepMax || out->size() > kPathsMax) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "`**` reaches more than ", kDirectoriesDeepMax, " levels or ", kPathsMax, " paths below ",
          dir, ": a symbolic link may lead to a directory above itself"));
    }
    for (const WorkTree::Child& child : children) {
      std::string path = JoinPath(dir, child.name);
      if (!IsDirectory(dir, child)) {
        if (take == Take::kAnything) out->push_back(std::move(path));
        continue;
      }
      out->push_back(path);
      if (const auto* below = List(path))
        RETURN_IF_ERROR(AddAll(path, *below, take, depth + 1, out));
    }
    return absl::OkStatus();
  }

  const WorkTree& tree_;
  const std::string base_;
  const bool keeps_earlier_matches_;
};

// The literal directories that a pattern begins with, and the rest.
std::pair<std::string, absl::string_view> SplitBase(absl::string_view pattern) {
  size_t split = kNone;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '/') {
      split = i;
    } else if (IsMeta(pattern[i])) {
      break;
    }
  }
  if (split == kNone) return {".", pattern};
  return {Unescape(pattern.substr(0, split)), pattern.substr(split + 1)};
}

// What a found path is worth: nullopt where it leads out of the tree.
absl::StatusOr<std::optional<std::string>> Checked(const std::string& path, const WorkTree& tree) {
  const WorkTree::Resolved r = tree.Resolve(path);
  if (r.where == WorkTree::Where::kInside) return std::optional<std::string>(path);
  if (r.where == WorkTree::Where::kOutside) return std::optional<std::string>();
  return absl::NotFoundError(absl::StrCat("symbolic link ", path, " leads nowhere"));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> DoublestarGlob(absl::string_view pattern,
                                                        const WorkTree& tree) {
  // Taken from the root on, whatever slashes the pattern begins with.
  const std::string clean = CleanPath(absl::StrCat("./", pattern));
  const bool outside = clean == ".." || absl::StartsWith(clean, "../");
  const auto [base, rest] = SplitBase(clean);
  if (!doublestar::ValidPattern(rest)) return absl::InvalidArgumentError("syntax error in pattern");
  if (outside) return Paths();
  Paths found;
  Walk walk(tree, base, !HasMiddleDoublestar(rest));
  RETURN_IF_ERROR(walk.Run(rest, Take::kAnything, &found));
  std::set<std::string> sorted;
  for (const std::string& path : found) {
    ASSIGN_OR_RETURN(std::optional<std::string> checked, Checked(JoinPath(base, path), tree));
    if (checked.has_value()) sorted.insert(*std::move(checked));
  }
  return Paths(sorted.begin(), sorted.end());
}

}  // namespace leidang::match
