#include "hub/control/pinned_git.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr uint64_t kFileBytesMax = 16 << 20;

// A commit with its listing, and the files that were read.
class ListedTree final : public generators::GitTree {
 public:
  static absl::StatusOr<std::shared_ptr<const generators::GitTree>> Make(
      std::shared_ptr<const hub::GitTree> tree) {
    auto listed = std::make_shared<ListedTree>(std::move(tree));
    RETURN_IF_ERROR(
        listed->tree_->Walk("", {}, [&](const std::string& path, const TreeEntry& entry) {
          listed->Add(path, entry.mode);
          return WalkStep::kContinue;
        }));
    std::sort(listed->directories_.begin(), listed->directories_.end());
    std::sort(listed->files_.begin(), listed->files_.end(),
              [](const File& a, const File& b) { return a.path < b.path; });
    return listed;
  }

  explicit ListedTree(std::shared_ptr<const hub::GitTree> tree)
      : tree_(std::move(tree)), commit_(tree_->commit().Hex()) {}

  absl::string_view Commit() const override { return commit_; }
  absl::Span<const std::string> Directories() const override { return directories_; }
  absl::Span<const File> Files() const override { return files_; }

  absl::StatusOr<absl::string_view> Read(absl::string_view path) const override {
    const std::string key(path);
    MutexLock lock(&mu_);
    const auto found = contents_.find(key);
    if (found != contents_.end()) return absl::string_view(found->second);
    ASSIGN_OR_RETURN(const TreeEntry entry, tree_->FindLink(path));
    std::string content;
    if (entry.mode == FileMode::kSymlink) {
      ASSIGN_OR_RETURN(content, tree_->ReadLink(path));
    } else {
      ASSIGN_OR_RETURN(content, tree_->ReadBlob(entry.id, kFileBytesMax));
    }
    return absl::string_view(contents_.emplace(key, std::move(content)).first->second);
  }

 private:
  void Add(const std::string& path, FileMode mode) {
    switch (mode) {
      case FileMode::kDirectory:
      case FileMode::kSubmodule:
        directories_.push_back(path);
        return;
      case FileMode::kRegular:
        files_.push_back({path, Mode::kRegular});
        return;
      case FileMode::kExecutable:
        files_.push_back({path, Mode::kExecutable});
        return;
      case FileMode::kSymlink:
        files_.push_back({path, Mode::kSymlink});
        return;
    }
  }

  const std::shared_ptr<const hub::GitTree> tree_;
  const std::string commit_;
  std::vector<std::string> directories_;
  std::vector<File> files_;

  mutable Mutex mu_;
  mutable std::map<std::string, std::string> contents_ ABSL_GUARDED_BY(mu_);  // Nodes do not move.
};

}  // namespace

absl::StatusOr<std::shared_ptr<const generators::GitTree>> GitListings::Get(const std::string& url,
                                                                            const GitId& commit) {
  const std::pair<std::string, GitId> key(url, commit);
  {
    MutexLock lock(&mu_);
    const auto found = slots_.find(key);
    if (found != slots_.end()) {
      found->second.used = ++uses_;
      return found->second.tree;
    }
  }
  // Walked outside the lock: two expansions may do it twice, none waits for another's disk.
  ASSIGN_OR_RETURN(std::shared_ptr<const hub::GitTree> opened, source_.Open(url, commit));
  ASSIGN_OR_RETURN(std::shared_ptr<const generators::GitTree> listed,
                   ListedTree::Make(std::move(opened)));
  MutexLock lock(&mu_);
  slots_[key] = {listed, ++uses_};
  if (slots_.size() > kListingsMax) {
    auto oldest = slots_.begin();
    for (auto it = slots_.begin(); it != slots_.end(); ++it) {
      if (it->second.used < oldest->second.used) oldest = it;
    }
    slots_.erase(oldest);
  }
  return listed;
}

absl::StatusOr<GitId> PinnedGit::Commit(const GitInput& input) const {
  asked_.insert(input);
  const auto found = view_->inputs.find(input);
  if (found == view_->inputs.end()) {
    return absl::UnavailableError(absl::StrCat(WithoutCredentials(input.url), " at \"",
                                               input.revision.empty() ? "HEAD" : input.revision,
                                               "\" is being fetched"));
  }
  if (!found->second.ok()) return found->second.status();
  return found->second->commit;
}

absl::StatusOr<std::shared_ptr<const generators::GitTree>> PinnedGit::Tree(
    const generators::GitRequest& request) const {
  const absl::StatusOr<GitId> commit = Commit({request.repo_url, request.revision});
  if (commit.ok()) return listings_.Get(request.repo_url, *commit);
  // To an expansion kUnavailable means "ask again later"; that a repository cannot be reached is an
  // answer.
  if (SourceReasonOf(commit.status()))
    return absl::FailedPreconditionError(commit.status().message());
  return commit.status();
}

}  // namespace leidang::hub
