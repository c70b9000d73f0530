#include "common/match/work_tree.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace leidang::match {

namespace {

constexpr int kLinksMax = 40;  // As Linux.

std::pair<absl::string_view, absl::string_view> SplitLast(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {".", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

std::string CleanPath(absl::string_view path) {
  const bool rooted = !path.empty() && path.front() == '/';
  std::vector<absl::string_view> parts;
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part == "..") {
      if (!parts.empty() && parts.back() != "..") {
        parts.pop_back();
      } else if (!rooted) {
        parts.push_back(part);
      }
      continue;
    }
    parts.push_back(part);
  }
  if (rooted) return absl::StrCat("/", absl::StrJoin(parts, "/"));
  return parts.empty() ? "." : absl::StrJoin(parts, "/");
}

std::string JoinPath(absl::string_view dir, absl::string_view name) {
  if (dir.empty()) return name.empty() ? "" : CleanPath(name);
  if (name.empty()) return CleanPath(dir);
  return CleanPath(absl::StrCat(dir, "/", name));
}

WorkTree::WorkTree() {
  kinds_.emplace(".", Kind::kDirectory);
  children_.try_emplace(".");
}

void WorkTree::Add(absl::string_view path, Kind kind) {
  if (path.empty() || path == "." || kinds_.contains(path)) return;
  const auto [dir, name] = SplitLast(path);
  if (!kinds_.contains(dir)) Add(dir, Kind::kDirectory);
  kinds_.emplace(std::string(path), kind);
  children_[dir].push_back({std::string(name), kind});
  if (kind == Kind::kDirectory) children_.try_emplace(std::string(path));
}

void WorkTree::AddFile(absl::string_view path) { Add(path, Kind::kFile); }

void WorkTree::AddDirectory(absl::string_view path) { Add(path, Kind::kDirectory); }

void WorkTree::AddSymlink(absl::string_view path, absl::string_view target) {
  Add(path, Kind::kSymlink);
  targets_.emplace(std::string(path), std::string(target));
}

void WorkTree::Finish() {
  for (auto& [dir, list] : children_) {
    std::sort(list.begin(), list.end(),
              [](const Child& a, const Child& b) { return a.name < b.name; });
  }
}

WorkTree::Resolved WorkTree::Resolve(absl::string_view path) const {
  if (!path.empty() && path.front() == '/') return {Where::kOutside, Kind::kFile, ""};
  std::deque<std::string> todo = absl::StrSplit(path, '/', absl::SkipEmpty());
  std::vector<std::string> at;
  int links = 0;
  Kind kind = Kind::kDirectory;
  while (!todo.empty()) {
    const std::string part = std::move(todo.front());
    todo.pop_front();
    if (kind != Kind::kDirectory) return {};
    if (part == ".") continue;
    if (part == "..") {
      if (at.empty()) return {Where::kOutside, Kind::kFile, ""};
      at.pop_back();
      continue;
    }
    at.push_back(part);
    const std::string here = absl::StrJoin(at, "/");
    const auto found = kinds_.find(here);
    if (found == kinds_.end()) return {};
    kind = found->second;
    if (kind != Kind::kSymlink) continue;
    if (++links > kLinksMax) return {};
    const std::string& target = targets_.find(here)->second;
    if (!target.empty() && target.front() == '/') return {Where::kOutside, Kind::kFile, ""};
    const std::vector<std::string> more = absl::StrSplit(target, '/', absl::SkipEmpty());
    todo.insert(todo.begin(), more.begin(), more.end());
    at.pop_back();
    kind = Kind::kDirectory;
  }
  return {Where::kInside, kind, at.empty() ? "." : absl::StrJoin(at, "/")};
}

const std::vector<WorkTree::Child>* WorkTree::List(absl::string_view directory) const {
  if (const auto it = children_.find(directory); it != children_.end()) return &it->second;
  const Resolved r = Resolve(directory);
  if (r.where != Where::kInside || r.kind != Kind::kDirectory) return nullptr;
  const auto it = children_.find(r.path);
  return it == children_.end() ? nullptr : &it->second;
}

}  // namespace leidang::match
