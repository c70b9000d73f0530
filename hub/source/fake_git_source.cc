#include "hub/source/fake_git_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/object/sha256.h"
#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

GitId IdOf(absl::string_view kind, absl::string_view content) {
  const object::Sha256 digest = object::Sha256::Of(absl::StrCat(kind, " ", content));
  return *GitId::FromRaw(digest.Raw().substr(0, 20));
}

absl::Status NoCommit(const std::string& url, absl::string_view revision) {
  return SourceError(
      SourceReason::kRevisionNotFound,
      absl::StrCat(WithoutCredentials(url), ": there is no commit \"", revision, "\""));
}

}  // namespace

// All trees and blobs of all repositories; only ever added to.
class FakeGitSource::Objects final : public GitObjects {
 public:
  absl::StatusOr<std::vector<TreeEntry>> ReadTree(const GitId& tree) const override {
    MutexLock lock(&mu_);
    const auto it = trees_.find(tree);
    if (it == trees_.end()) return absl::NotFoundError(absl::StrCat("no tree ", tree.Hex()));
    return it->second;
  }

  absl::StatusOr<std::optional<TreeEntry>> FindEntry(const GitId& tree,
                                                     const std::string& name) const override {
    MutexLock lock(&mu_);
    const auto it = trees_.find(tree);
    if (it == trees_.end()) return absl::NotFoundError(absl::StrCat("no tree ", tree.Hex()));
    const auto entry = std::lower_bound(
        it->second.begin(), it->second.end(), name,
        [](const TreeEntry& e, const std::string& wanted) { return e.name < wanted; });
    if (entry == it->second.end() || entry->name != name) return std::nullopt;
    return *entry;
  }

  absl::StatusOr<uint64_t> BlobSize(const GitId& blob) const override {
    MutexLock lock(&mu_);
    const auto it = blobs_.find(blob);
    if (it == blobs_.end()) return absl::NotFoundError(absl::StrCat("no file ", blob.Hex()));
    return it->second.size();
  }

  absl::StatusOr<std::string> ReadBlob(const GitId& blob, uint64_t size_max) const override {
    MutexLock lock(&mu_);
    const auto it = blobs_.find(blob);
    if (it == blobs_.end()) return absl::NotFoundError(absl::StrCat("no file ", blob.Hex()));
    if (it->second.size() > size_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("it has ", it->second.size(), " bytes, more than the limit of ", size_max));
    }
    return it->second;
  }

  // Adds the files and the directories that hold them; the id of the root.
  GitId Add(const Files& files) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    return AddDirectory(files.begin(), files.end(), 0, files);
  }

 private:
  using Iterator = Files::const_iterator;

  // The files from `begin` to `end` share their first `prefix` bytes, a directory with its slash.
  GitId AddDirectory(Iterator begin, Iterator end, size_t prefix, const Files& files)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    std::vector<TreeEntry> entries;
    while (begin != end) {
      const absl::string_view rest = absl::string_view(begin->first).substr(prefix);
      const size_t slash = rest.find('/');
      if (slash == absl::string_view::npos) {
        entries.push_back({std::string(rest), begin->second.mode, AddFile(begin->second)});
        ++begin;
        continue;
      }
      const std::string directory = begin->first.substr(0, prefix + slash + 1);
      const Iterator first = begin;
      while (begin != end && absl::StartsWith(begin->first, directory)) ++begin;
      entries.push_back({std::string(rest.substr(0, slash)), FileMode::kDirectory,
                         AddDirectory(first, begin, directory.size(), files)});
    }
    std::sort(entries.begin(), entries.end(),
              [](const TreeEntry& a, const TreeEntry& b) { return a.name < b.name; });
    std::string text;
    for (const TreeEntry& entry : entries) {
      absl::StrAppend(&text, static_cast<int>(entry.mode), " ", entry.id.Hex(), " ", entry.name,
                      "\n");
    }
    const GitId id = IdOf("tree", text);
    trees_[id] = std::move(entries);
    return id;
  }

  GitId AddFile(const File& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (file.mode == FileMode::kSubmodule) {
      return GitId::FromHex(file.content).value_or(IdOf("commit", file.content));
    }
    const GitId id = IdOf("blob", file.content);
    blobs_[id] = file.content;
    return id;
  }

  mutable Mutex mu_;
  std::map<GitId, std::vector<TreeEntry>> trees_ ABSL_GUARDED_BY(mu_);
  std::map<GitId, std::string> blobs_ ABSL_GUARDED_BY(mu_);
};

FakeGitSource::FakeGitSource() : objects_(std::make_shared<Objects>()) {}

FakeGitSource::~FakeGitSource() = default;

void FakeGitSource::CreateRemote(const std::string& url, const std::string& default_branch) {
  MutexLock lock(&mu_);
  remotes_[url] = Branches{{}, absl::StrCat("refs/heads/", default_branch)};
}

void FakeGitSource::RemoveRemote(const std::string& url) {
  MutexLock lock(&mu_);
  remotes_.erase(url);
}

GitId FakeGitSource::Commit(const std::string& url, const std::string& branch, const Files& files,
                            const std::string& message) {
  const GitId root = objects_->Add(files);
  MutexLock lock(&mu_);
  const auto [remote, created] = remotes_.try_emplace(url);
  if (created) remote->second.default_branch = absl::StrCat("refs/heads/", branch);
  CommitRecord record;
  record.info.commit =
      IdOf("commit", absl::StrCat(url, "\n", root.Hex(), "\n", ++clock_, "\n", message));
  record.info.author = "Test <test@example.invalid>";
  record.info.subject = message.substr(0, message.find('\n'));
  record.info.time = absl::FromUnixSeconds(static_cast<int64_t>(1'700'000'000 + clock_));
  record.root = root;
  record.url = url;
  const GitId id = record.info.commit;
  remote->second.refs[absl::StrCat("refs/heads/", branch)] = id;
  commits_[id] = std::move(record);
  return id;
}

void FakeGitSource::SetRef(const std::string& url, const std::string& name, const GitId& commit) {
  MutexLock lock(&mu_);
  if (commit.IsNone()) {
    remotes_[url].refs.erase(name);
  } else {
    remotes_[url].refs[name] = commit;
  }
}

void FakeGitSource::SetDefaultBranch(const std::string& url, const std::string& branch) {
  MutexLock lock(&mu_);
  remotes_[url].default_branch = absl::StrCat("refs/heads/", branch);
}

void FakeGitSource::SetFetchError(const std::string& url, absl::Status error) {
  MutexLock lock(&mu_);
  errors_[url] = std::move(error);
}

uint64_t FakeGitSource::FetchCount(const std::string& url) const {
  MutexLock lock(&mu_);
  const auto it = fetches_.find(url);
  return it == fetches_.end() ? 0 : it->second;
}

absl::StatusOr<FetchResult> FakeGitSource::Fetch(const Repository& repository,
                                                 const FetchOptions& options) {
  RETURN_IF_ERROR(RepositoryUrl::Parse(repository.url).status());
  MutexLock lock(&mu_);
  ++fetches_[repository.url];
  if (stopped_) return absl::CancelledError("the hub is stopping");
  const auto error = errors_.find(repository.url);
  if (error != errors_.end() && !error->second.ok()) return error->second;
  const auto remote = remotes_.find(repository.url);
  if (remote == remotes_.end()) {
    return SourceError(SourceReason::kRepositoryUnreachable,
                       absl::StrCat(WithoutCredentials(repository.url),
                                    ": cannot be fetched (there is no such repository)"));
  }
  FetchResult result;
  const auto mirror = mirrors_.find(repository.url);
  const bool same = mirror != mirrors_.end() && mirror->second == remote->second;
  result.changed = same ? RefsChanged::kNo : RefsChanged::kYes;
  mirrors_[repository.url] = remote->second;
  std::set<GitId>& fetched = fetched_[repository.url];
  // The fake keeps no history: whatever was ever committed there comes with a fetch, as long as
  // some branch or tag of the repository exists.
  for (const auto& [name, id] : remote->second.refs) fetched.insert(id);
  for (const std::string& commit : options.commits) {
    const std::optional<GitId> id = GitId::FromHex(commit);
    if (!id) continue;
    const auto record = commits_.find(*id);
    if (record != commits_.end() && record->second.url == repository.url) fetched.insert(*id);
  }
  if (remote->second.refs.contains(remote->second.default_branch)) {
    absl::string_view branch = remote->second.default_branch;
    absl::ConsumePrefix(&branch, "refs/heads/");
    result.default_branch = std::string(branch);
  }
  return result;
}

absl::StatusOr<const FakeGitSource::Branches*> FakeGitSource::MirrorLocked(
    const std::string& url) const {
  const auto it = mirrors_.find(url);
  if (it != mirrors_.end()) return &it->second;
  return SourceError(
      SourceReason::kRepositoryUnreachable,
      absl::StrCat(WithoutCredentials(url), ": has not been fetched successfully yet"));
}

absl::StatusOr<const FakeGitSource::CommitRecord*> FakeGitSource::CommitLocked(
    const std::string& url, const GitId& commit) const {
  RETURN_IF_ERROR(MirrorLocked(url).status());
  const auto fetched = fetched_.find(url);
  const auto record = commits_.find(commit);
  if (fetched == fetched_.end() || !fetched->second.contains(commit) || record == commits_.end()) {
    return NoCommit(url, commit.Hex());
  }
  return &record->second;
}

absl::StatusOr<ResolvedRevision> FakeGitSource::Resolve(const std::string& url,
                                                        const Revision& revision) const {
  MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Branches* mirror, MirrorLocked(url));
  ASSIGN_OR_RETURN(const RevisionPick pick,
                   PickRevision(mirror->refs, revision, WithoutCredentials(url)));
  switch (pick.kind) {
    case RevisionPick::Kind::kHead: {
      const auto head = mirror->refs.find(mirror->default_branch);
      if (head == mirror->refs.end()) {
        return SourceError(SourceReason::kRevisionNotFound,
                           absl::StrCat(WithoutCredentials(url), ": its HEAD leads to no commit"));
      }
      return ResolvedRevision{head->second, head->first};
    }
    case RevisionPick::Kind::kReference:
      return ResolvedRevision{mirror->refs.at(pick.text), pick.text};
    case RevisionPick::Kind::kCommit: {
      ASSIGN_OR_RETURN(const CommitRecord* record, CommitLocked(url, *GitId::FromHex(pick.text)));
      return ResolvedRevision{record->info.commit, ""};
    }
    case RevisionPick::Kind::kAbbreviated:
      break;
  }
  std::vector<GitId> matches;
  for (const GitId& id : fetched_.at(url)) {
    if (absl::StartsWith(id.Hex(), pick.text)) matches.push_back(id);
  }
  if (matches.size() != 1) return NoCommit(url, revision.text);
  return ResolvedRevision{matches[0], ""};
}

absl::StatusOr<std::shared_ptr<const GitTree>> FakeGitSource::Open(const std::string& url,
                                                                   const GitId& commit) const {
  MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const CommitRecord* record, CommitLocked(url, commit));
  return std::make_shared<const GitTree>(
      objects_, absl::StrCat(WithoutCredentials(url), " at ", commit.Hex().substr(0, 7)), commit,
      record->root);
}

absl::StatusOr<CommitInfo> FakeGitSource::Describe(const std::string& url,
                                                   const GitId& commit) const {
  MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const CommitRecord* record, CommitLocked(url, commit));
  return record->info;
}

absl::StatusOr<RefMap> FakeGitSource::Refs(const std::string& url) const {
  MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Branches* mirror, MirrorLocked(url));
  return mirror->refs;
}

absl::Status FakeGitSource::Forget(const std::string& url) {
  MutexLock lock(&mu_);
  mirrors_.erase(url);
  fetched_.erase(url);
  return absl::OkStatus();
}

void FakeGitSource::Shutdown() {
  MutexLock lock(&mu_);
  stopped_ = true;
}

}  // namespace leidang::hub
