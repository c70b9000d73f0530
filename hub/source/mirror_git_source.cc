#include "hub/source/mirror_git_source.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <sys/stat.h>

#include "common/base/status_macros.h"
#include "common/object/sha256.h"
#include "hub/source/git_command.h"
#include "hub/source/mirror.h"
#include "hub/source/object_reader.h"
#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

namespace fs = std::filesystem;

constexpr char kScratch[] = "tmp";
constexpr uint64_t kOwnFilesMin =
    1 << 20;  // References, logs and indexes are always allowed so much.
constexpr absl::Duration kCompactDeadline = absl::Minutes(10);

absl::Status NotFoundAsRevision(const absl::Status& status, absl::string_view message) {
  if (!absl::IsNotFound(status)) return status;
  return SourceError(SourceReason::kRevisionNotFound, message);
}

// The line `ref: refs/heads/main<TAB>HEAD` of `git ls-remote --symref`.
std::string SymbolicHead(absl::string_view out) {
  for (absl::string_view line : absl::StrSplit(out, '\n')) {
    if (absl::ConsumePrefix(&line, "ref: ") && absl::ConsumeSuffix(&line, "\tHEAD") &&
        absl::StartsWith(line, "refs/heads/")) {
      return std::string(line);
    }
  }
  return "";
}

enum class PackCutOff : bool { kNo, kYes };

// OK unless git was ended, or its pack was cut off, by one of our limits.
absl::Status EndError(ChildResult::End end, PackCutOff cut_off, const std::string& repository,
                      const FetchLimits& limits) {
  if (end == ChildResult::End::kCancelled) {
    return absl::CancelledError(absl::StrCat(repository, ": the hub is stopping"));
  }
  if (end == ChildResult::End::kDeadline) {
    return SourceError(
        SourceReason::kRepositoryUnreachable,
        absl::StrCat(repository, ": the fetch was not done within ",
                     absl::FormatDuration(limits.deadline), "; it will be tried again"));
  }
  if (end == ChildResult::End::kSilent) {
    return SourceError(
        SourceReason::kRepositoryUnreachable,
        absl::StrCat(repository, ": the server sent nothing for ",
                     absl::FormatDuration(limits.silence_max), "; it will be tried again"));
  }
  if (cut_off == PackCutOff::kYes) {
    return SourceError(
        SourceReason::kTooLarge,
        absl::StrCat(repository, ": the mirror would grow beyond ", limits.mirror_bytes_max,
                     " bytes; raise the limit or use a smaller repository"));
  }
  return absl::OkStatus();
}

}  // namespace

MirrorGitSource::MirrorGitSource(MirrorSettings settings, const Clock& clock)
    : settings_(std::move(settings)), clock_(clock) {}

MirrorGitSource::~MirrorGitSource() = default;

absl::StatusOr<std::unique_ptr<MirrorGitSource>> MirrorGitSource::Create(
    const MirrorSettings& settings, const Clock& clock) {
  MirrorSettings usable = settings;
  ASSIGN_OR_RETURN(usable.git, FindProgram(settings.git, settings.search_path));
  std::error_code error;
  usable.directory = fs::absolute(settings.directory, error).string();
  const std::string scratch = absl::StrCat(usable.directory, "/", kScratch);
  fs::remove_all(scratch, error);  // Secrets that a killed process has left.
  for (const std::string& directory : {usable.directory, scratch}) {
    fs::create_directories(directory, error);
    if (error || ::chmod(directory.c_str(), 0700) != 0) {
      return absl::InternalError(absl::StrCat("cannot use the folder ", directory, " for mirrors: ",
                                              error ? error.message() : "its mode cannot be set"));
    }
  }
  return std::unique_ptr<MirrorGitSource>(new MirrorGitSource(std::move(usable), clock));
}

std::string MirrorGitSource::MirrorPath(const std::string& url) const {
  return absl::StrCat(settings_.directory, "/", object::Sha256::Of(url).Hex(), ".git");
}

std::shared_ptr<Mirror> MirrorGitSource::MirrorOf(const std::string& url) const {
  MutexLock lock(&mu_);
  std::shared_ptr<Mirror>& mirror = mirrors_[url];
  if (mirror == nullptr) {
    mirror = std::make_shared<Mirror>(MirrorPath(url), WithoutCredentials(url));
  }
  return mirror;
}

absl::StatusOr<ChildResult> MirrorGitSource::RunGit(const GitCommand& command,
                                                    std::vector<std::string> arguments,
                                                    const std::string& mirror,
                                                    const FetchLimits& limits,
                                                    absl::Duration started) const {
  ChildCommand child;
  child.argv = {settings_.git, absl::StrCat("--git-dir=", mirror)};
  for (std::string& argument : arguments) child.argv.push_back(std::move(argument));
  child.environment = command.environment();
  child.deadline = started + limits.deadline - clock_.Monotonic();
  child.silence_max = limits.silence_max;
  child.progress = [&mirror] { return PackBytes(mirror); };
  const uint64_t present = PackBytes(mirror);
  child.file_bytes_max =
      std::max(kOwnFilesMin, limits.mirror_bytes_max - std::min(present, limits.mirror_bytes_max));
  ASSIGN_OR_RETURN(ChildResult result, RunChild(child, clock_, &cancel_));
  // A pack that met the limit of its size is left as it was cut off.
  const bool cut_off = !result.Succeeded() && PackBytes(mirror) >= present + child.file_bytes_max;
  RETURN_IF_ERROR(EndError(result.end, cut_off ? PackCutOff::kYes : PackCutOff::kNo,
                           command.address(), limits));
  return result;
}

absl::Status MirrorGitSource::FetchReferences(const GitCommand& command, Mirror* mirror,
                                              const FetchLimits& limits,
                                              absl::Duration started) const {
  bool atomic = true;
  bool with_head = true;
  while (true) {
    std::vector<std::string> arguments = {"fetch",
                                          "--progress",
                                          "--prune",
                                          "--force",
                                          "--no-tags",
                                          "--no-write-fetch-head",
                                          "--no-recurse-submodules",
                                          "--no-auto-maintenance",
                                          "--no-show-forced-updates"};
    if (atomic) arguments.push_back("--atomic");
    arguments.insert(arguments.end(), {"--", command.address(), "+refs/heads/*:refs/heads/*",
                                       "+refs/tags/*:refs/tags/*"});
    if (with_head) arguments.push_back(absl::StrCat("+HEAD:", kRemoteHead));
    ASSIGN_OR_RETURN(const ChildResult result,
                     RunGit(command, arguments, mirror->path(), limits, started));
    if (result.Succeeded()) break;
    if (with_head && absl::StrContains(result.err, "couldn't find remote ref HEAD")) {
      with_head = false;  // An empty repository, or a HEAD that names a branch that is not there.
      continue;
    }
    // Branch `a` gone and `a/b` come cannot be one transaction of references.
    if (atomic && absl::StrContains(result.err, "cannot lock ref")) {
      atomic = false;
      continue;
    }
    return command.Explain(result.err);
  }
  return with_head ? absl::OkStatus() : mirror->reader()->DeleteRef(kRemoteHead);
}

absl::Status MirrorGitSource::FindDefaultBranch(const GitCommand& command, Mirror* mirror,
                                                const FetchLimits& limits,
                                                absl::Duration started) const {
  ASSIGN_OR_RETURN(const MirrorState state, mirror->ReadState());
  if (!state.head) return mirror->reader()->WriteDefaultBranch("");
  const auto known = state.refs.find(state.default_branch);
  if (known != state.refs.end() && known->second == *state.head) return absl::OkStatus();
  ASSIGN_OR_RETURN(const ChildResult result,
                   RunGit(command, {"ls-remote", "--symref", "--", command.address(), "HEAD"},
                          mirror->path(), limits, started));
  if (!result.Succeeded()) return command.Explain(result.err);
  return mirror->reader()->WriteDefaultBranch(SymbolicHead(result.out));
}

absl::Status MirrorGitSource::FetchPins(const GitCommand& command, Mirror* mirror,
                                        const FetchOptions& options, absl::Duration started) const {
  for (const std::string& commit : options.commits) {
    const std::optional<GitId> id = GitId::FromHex(commit);
    if (!id) continue;
    if (mirror->reader()->Peel(*id).ok()) continue;
    // Some servers give only what a branch or tag holds: then the commit stays unknown, and the
    // rest is as good.
    RETURN_IF_ERROR(RunGit(command,
                           {"fetch", "--progress", "--no-tags", "--no-write-fetch-head",
                            "--no-recurse-submodules", "--no-auto-maintenance", "--",
                            command.address(), absl::StrCat(id->Hex(), ":", kPins, id->Hex())},
                           mirror->path(), options.limits, started)
                        .status());
  }
  return absl::OkStatus();
}

// Joins packs when there are many. That it fails is no failure of the fetch; it is tried again
// after the next.
void MirrorGitSource::Compact(const GitCommand& command, Mirror* mirror,
                              const FetchLimits& limits) const {
  FetchLimits patient = limits;
  patient.deadline = kCompactDeadline;
  patient.silence_max = kCompactDeadline;
  // Both the old packs and the new one exist for a while.
  patient.mirror_bytes_max = 2 * limits.mirror_bytes_max;
  const auto ignored =
      RunGit(command, {"gc", "--auto", "--quiet"}, mirror->path(), patient, clock_.Monotonic());
  if (!ignored.ok() || !ignored->Succeeded()) mirror->RemoveHalfPacks();
}

absl::StatusOr<FetchResult> MirrorGitSource::Fetch(const Repository& repository,
                                                   const FetchOptions& options) {
  const absl::Duration started = clock_.Monotonic();
  const std::shared_ptr<Mirror> mirror = MirrorOf(repository.url);
  MutexLock lock(&mirror->writing());
  if (cancel_.IsCancelled()) {
    return absl::CancelledError(absl::StrCat(mirror->name(), ": the hub is stopping"));
  }
  ASSIGN_OR_RETURN(const GitCommand command,
                   GitCommand::Prepare({settings_.git, settings_.search_path,
                                        absl::StrCat(settings_.directory, "/", kScratch),
                                        settings_.extra_environment},
                                       repository, options.limits));
  RETURN_IF_ERROR(mirror->MakeReady());
  std::optional<MirrorState> before;
  if (const auto state = mirror->State(); state.ok()) before = **state;

  absl::Status status = FetchReferences(command, mirror.get(), options.limits, started);
  if (status.ok()) status = FindDefaultBranch(command, mirror.get(), options.limits, started);
  if (status.ok()) status = FetchPins(command, mirror.get(), options, started);
  if (!status.ok()) {
    mirror->RemoveHalfPacks();
    return status;
  }
  ASSIGN_OR_RETURN(MirrorState after, mirror->ReadState());
  FetchResult result;
  result.changed = before == after ? RefsChanged::kNo : RefsChanged::kYes;
  absl::string_view branch = after.default_branch;
  absl::ConsumePrefix(&branch, "refs/heads/");
  result.default_branch = std::string(branch);
  RETURN_IF_ERROR(mirror->Publish(std::move(after)));
  if (result.changed == RefsChanged::kYes) Compact(command, mirror.get(), options.limits);
  return result;
}

absl::StatusOr<ResolvedRevision> MirrorGitSource::Resolve(const std::string& url,
                                                          const Revision& revision) const {
  const std::shared_ptr<Mirror> mirror = MirrorOf(url);
  ASSIGN_OR_RETURN(const std::shared_ptr<const MirrorState> state, mirror->State());
  ASSIGN_OR_RETURN(const RevisionPick pick, PickRevision(state->refs, revision, mirror->name()));
  const std::string missing =
      absl::StrCat(mirror->name(), ": there is no commit \"", revision.text, "\"");
  absl::StatusOr<GitId> commit;
  std::string reference;
  switch (pick.kind) {
    case RevisionPick::Kind::kHead:
      if (!state->head) {
        return SourceError(SourceReason::kRevisionNotFound,
                           absl::StrCat(mirror->name(),
                                        ": its HEAD leads to no commit (it is empty, or "
                                        "its default branch is missing); name a branch"));
      }
      commit = mirror->reader()->Peel(*state->head);
      reference = state->default_branch;
      break;
    case RevisionPick::Kind::kReference:
      commit = mirror->reader()->Peel(state->refs.at(pick.text));
      reference = pick.text;
      break;
    case RevisionPick::Kind::kCommit:
      commit = mirror->reader()->Peel(*GitId::FromHex(pick.text));
      break;
    case RevisionPick::Kind::kAbbreviated:
      commit = mirror->reader()->Expand(pick.text);
      break;
  }
  if (!commit.ok()) return NotFoundAsRevision(commit.status(), missing);
  return ResolvedRevision{*commit, reference};
}

absl::StatusOr<std::shared_ptr<const GitTree>> MirrorGitSource::Open(const std::string& url,
                                                                     const GitId& commit) const {
  const std::shared_ptr<Mirror> mirror = MirrorOf(url);
  RETURN_IF_ERROR(mirror->State().status());
  absl::StatusOr<GitId> root = mirror->reader()->RootTree(commit);
  if (!root.ok()) {
    return NotFoundAsRevision(root.status(), absl::StrCat(mirror->name(), ": there is no commit ",
                                                          commit.Hex(), " in the mirror"));
  }
  return std::make_shared<const GitTree>(
      mirror->reader(), absl::StrCat(mirror->name(), " at ", commit.Hex().substr(0, 7)), commit,
      *root);
}

absl::StatusOr<CommitInfo> MirrorGitSource::Describe(const std::string& url,
                                                     const GitId& commit) const {
  const std::shared_ptr<Mirror> mirror = MirrorOf(url);
  RETURN_IF_ERROR(mirror->State().status());
  absl::StatusOr<CommitInfo> info = mirror->reader()->Describe(commit);
  if (info.ok()) return info;
  return NotFoundAsRevision(info.status(), absl::StrCat(mirror->name(), ": there is no commit ",
                                                        commit.Hex(), " in the mirror"));
}

absl::StatusOr<RefMap> MirrorGitSource::Refs(const std::string& url) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const MirrorState> state, MirrorOf(url)->State());
  return state->refs;
}

absl::Status MirrorGitSource::Forget(const std::string& url) {
  const std::shared_ptr<Mirror> mirror = MirrorOf(url);
  MutexLock lock(&mirror->writing());
  return mirror->Remove();
}

void MirrorGitSource::Shutdown() { cancel_.Cancel(); }

}  // namespace leidang::hub
