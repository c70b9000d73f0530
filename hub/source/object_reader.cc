#include "hub/source/object_reader.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <git2.h>

#include "common/base/mutex.h"
#include "common/base/status_macros.h"

namespace leidang::hub {
namespace {

constexpr size_t kHandlesMax = 8;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using RepositoryHandle = std::unique_ptr<git_repository, Freer<git_repository_free>>;
using TreeHandle = std::unique_ptr<git_tree, Freer<git_tree_free>>;
using ObjectHandle = std::unique_ptr<git_object, Freer<git_object_free>>;
using CommitHandle = std::unique_ptr<git_commit, Freer<git_commit_free>>;
using OdbHandle = std::unique_ptr<git_odb, Freer<git_odb_free>>;
using OdbObjectHandle = std::unique_ptr<git_odb_object, Freer<git_odb_object_free>>;
using ReferenceHandle = std::unique_ptr<git_reference, Freer<git_reference_free>>;
using IteratorHandle = std::unique_ptr<git_reference_iterator, Freer<git_reference_iterator_free>>;

// libgit2's settings are the process's. Neither the machine's nor a user's configuration may change
// what the hub reads, and whoever owns the files of a mirror, it is the hub's own folder.
void InitialiseOnce() {
  static const bool done = [] {
    git_libgit2_init();
    for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
                            GIT_CONFIG_LEVEL_PROGRAMDATA}) {
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    }
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    return true;
  }();
  static_cast<void>(done);
}

git_oid ToOid(const GitId& id) {
  git_oid oid;
  git_oid_fromraw(&oid, id.bytes.data());
  return oid;
}

GitId FromOid(const git_oid& oid) {
  GitId id;
  std::copy(oid.id, oid.id + id.bytes.size(), id.bytes.begin());
  return id;
}

absl::Status LibraryError(int code, absl::string_view what) {
  const git_error* error = git_error_last();
  const std::string message =
      absl::StrCat(what, ": ", error != nullptr && error->message != nullptr ? error->message : "");
  if (code == GIT_ENOTFOUND || code == GIT_EAMBIGUOUS || code == GIT_EINVALIDSPEC ||
      code == GIT_EPEEL) {
    return absl::NotFoundError(message);
  }
  return absl::DataLossError(message);
}

FileMode ToFileMode(git_filemode_t mode) {
  switch (mode) {
    case GIT_FILEMODE_TREE:
      return FileMode::kDirectory;
    case GIT_FILEMODE_LINK:
      return FileMode::kSymlink;
    case GIT_FILEMODE_COMMIT:
      return FileMode::kSubmodule;
    case GIT_FILEMODE_BLOB_EXECUTABLE:
      return FileMode::kExecutable;
    default:
      return FileMode::kRegular;
  }
}

// Whoever can push can write a tree object by hand, with names that are no file names.
bool IsFileName(absl::string_view name) {
  return !name.empty() && name != "." && name != ".." && !absl::EqualsIgnoreCase(name, ".git") &&
         !absl::StrContains(name, "/");
}

TreeEntry ToTreeEntry(const git_tree_entry* entry) {
  return {git_tree_entry_name(entry), ToFileMode(git_tree_entry_filemode(entry)),
          FromOid(*git_tree_entry_id(entry))};
}

absl::StatusOr<TreeHandle> LookUpTree(git_repository* repository, const GitId& id) {
  const git_oid oid = ToOid(id);
  git_tree* raw = nullptr;
  if (const int code = git_tree_lookup(&raw, repository, &oid); code != 0) {
    return LibraryError(code, absl::StrCat("reading tree ", id.Hex()));
  }
  return TreeHandle(raw);
}

// A name that is no file name is in no tree, whatever the object says.
absl::StatusOr<std::optional<TreeEntry>> FindEntryWith(git_repository* repository, const GitId& id,
                                                       const std::string& name) {
  if (!IsFileName(name)) return std::nullopt;
  ASSIGN_OR_RETURN(const TreeHandle tree, LookUpTree(repository, id));
  const git_tree_entry* entry = git_tree_entry_byname(tree.get(), name.c_str());
  if (entry == nullptr) return std::nullopt;
  return ToTreeEntry(entry);
}

absl::StatusOr<std::vector<TreeEntry>> ReadTreeWith(git_repository* repository, const GitId& id) {
  ASSIGN_OR_RETURN(const TreeHandle tree, LookUpTree(repository, id));
  const size_t count = git_tree_entrycount(tree.get());
  std::vector<TreeEntry> entries;
  entries.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
    if (!IsFileName(git_tree_entry_name(entry))) {
      return absl::DataLossError(
          absl::StrCat("tree ", id.Hex(), " has an entry whose name is no file name"));
    }
    entries.push_back(ToTreeEntry(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const TreeEntry& a, const TreeEntry& b) { return a.name < b.name; });
  for (size_t i = 1; i < entries.size(); ++i) {
    if (entries[i].name == entries[i - 1].name) {
      return absl::DataLossError(
          absl::StrCat("tree ", id.Hex(), " has \"", entries[i].name, "\" twice"));
    }
  }
  return entries;
}

absl::StatusOr<uint64_t> BlobSizeWith(git_repository* repository, const GitId& id) {
  git_odb* raw = nullptr;
  if (const int code = git_repository_odb(&raw, repository); code != 0) {
    return LibraryError(code, "opening the object database");
  }
  const OdbHandle odb(raw);
  const git_oid oid = ToOid(id);
  size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (const int code = git_odb_read_header(&size, &type, raw, &oid); code != 0) {
    return LibraryError(code, absl::StrCat("reading blob ", id.Hex()));
  }
  if (type != GIT_OBJECT_BLOB) {
    return absl::NotFoundError(absl::StrCat("object ", id.Hex(), " is no file"));
  }
  return size;
}

absl::StatusOr<std::string> ReadBlobWith(git_repository* repository, const GitId& id,
                                         uint64_t size_max) {
  ASSIGN_OR_RETURN(const uint64_t size, BlobSizeWith(repository, id));
  if (size > size_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat("it has ", size, " bytes, more than the limit of ", size_max));
  }
  git_odb* raw = nullptr;
  if (const int code = git_repository_odb(&raw, repository); code != 0) {
    return LibraryError(code, "opening the object database");
  }
  const OdbHandle odb(raw);
  const git_oid oid = ToOid(id);
  git_odb_object* object = nullptr;
  if (const int code = git_odb_read(&object, raw, &oid); code != 0) {
    return LibraryError(code, absl::StrCat("reading blob ", id.Hex()));
  }
  const OdbObjectHandle holder(object);
  return std::string(static_cast<const char*>(git_odb_object_data(object)),
                     git_odb_object_size(object));
}

absl::StatusOr<CommitHandle> LookUpCommit(git_repository* repository, const GitId& id) {
  const git_oid oid = ToOid(id);
  git_commit* raw = nullptr;
  if (const int code = git_commit_lookup(&raw, repository, &oid); code != 0) {
    return LibraryError(code, absl::StrCat("reading commit ", id.Hex()));
  }
  return CommitHandle(raw);
}

absl::StatusOr<RefMap> ReadRefsWith(git_repository* repository) {
  git_reference_iterator* raw = nullptr;
  if (const int code = git_reference_iterator_new(&raw, repository); code != 0) {
    return LibraryError(code, "listing references");
  }
  const IteratorHandle iterator(raw);
  RefMap refs;
  while (true) {
    git_reference* reference = nullptr;
    const int code = git_reference_next(&reference, raw);
    if (code == GIT_ITEROVER) return refs;
    if (code != 0) return LibraryError(code, "listing references");
    const ReferenceHandle holder(reference);
    const std::string name = git_reference_name(reference);
    const git_oid* target = git_reference_target(reference);
    if (target == nullptr) continue;  // Symbolic.
    if (absl::StartsWith(name, "refs/heads/") || absl::StartsWith(name, "refs/tags/") ||
        name == kRemoteHead) {
      refs[name] = FromOid(*target);
    }
  }
}

}  // namespace

struct ObjectReader::Pool {
  Mutex mu;
  std::vector<RepositoryHandle> idle ABSL_GUARDED_BY(mu);

  RepositoryHandle Take() {
    MutexLock lock(&mu);
    if (idle.empty()) return nullptr;
    RepositoryHandle handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }

  void Return(RepositoryHandle handle) {
    MutexLock lock(&mu);
    if (idle.size() < kHandlesMax) idle.push_back(std::move(handle));
  }
};

absl::Status ObjectReader::CreateRepository(const std::string& path) {
  InitialiseOnce();
  git_repository* raw = nullptr;
  if (git_repository_init(&raw, path.c_str(), 1) != 0) {
    const git_error* error = git_error_last();
    return absl::InternalError(absl::StrCat("cannot create the mirror ", path, ": ",
                                            error != nullptr ? error->message : ""));
  }
  git_repository_free(raw);
  return absl::OkStatus();
}

ObjectReader::ObjectReader(std::string path, std::string name)
    : path_(std::move(path)), name_(std::move(name)), pool_(std::make_unique<Pool>()) {
  InitialiseOnce();
}

ObjectReader::~ObjectReader() = default;

template <typename T, typename F>
absl::StatusOr<T> ObjectReader::With(const F& function) const {
  RepositoryHandle handle = pool_->Take();
  if (handle != nullptr) {
    absl::StatusOr<T> result = function(handle.get());
    if (result.ok() || absl::IsResourceExhausted(result.status())) {
      pool_->Return(std::move(handle));
      return result;
    }
    handle.reset();
  }
  git_repository* raw = nullptr;
  if (const int code = git_repository_open_bare(&raw, path_.c_str()); code != 0) {
    return LibraryError(code, absl::StrCat(name_, ": opening the mirror"));
  }
  handle.reset(raw);
  absl::StatusOr<T> result = function(raw);
  if (result.ok() || absl::IsNotFound(result.status())) pool_->Return(std::move(handle));
  if (result.ok() || absl::IsResourceExhausted(result.status())) return result;
  return absl::Status(result.status().code(), absl::StrCat(name_, ": ", result.status().message()));
}

absl::StatusOr<std::vector<TreeEntry>> ObjectReader::ReadTree(const GitId& tree) const {
  return With<std::vector<TreeEntry>>(
      [&](git_repository* repository) { return ReadTreeWith(repository, tree); });
}

absl::StatusOr<std::optional<TreeEntry>> ObjectReader::FindEntry(const GitId& tree,
                                                                 const std::string& name) const {
  return With<std::optional<TreeEntry>>(
      [&](git_repository* repository) { return FindEntryWith(repository, tree, name); });
}

absl::StatusOr<uint64_t> ObjectReader::BlobSize(const GitId& blob) const {
  return With<uint64_t>([&](git_repository* repository) { return BlobSizeWith(repository, blob); });
}

absl::StatusOr<std::string> ObjectReader::ReadBlob(const GitId& blob, uint64_t size_max) const {
  return With<std::string>(
      [&](git_repository* repository) { return ReadBlobWith(repository, blob, size_max); });
}

absl::StatusOr<RefMap> ObjectReader::ReadRefs() const { return With<RefMap>(ReadRefsWith); }

absl::StatusOr<std::string> ObjectReader::ReadDefaultBranch() const {
  return With<std::string>([](git_repository* repository) -> absl::StatusOr<std::string> {
    git_reference* raw = nullptr;
    const int code = git_reference_lookup(&raw, repository, kDefaultBranch);
    if (code == GIT_ENOTFOUND) return std::string();
    if (code != 0) return LibraryError(code, "reading the default branch");
    const ReferenceHandle reference(raw);
    const char* target = git_reference_symbolic_target(raw);
    return std::string(target == nullptr ? "" : target);
  });
}

absl::Status ObjectReader::WriteDefaultBranch(const std::string& branch) const {
  if (branch.empty()) return DeleteRef(kDefaultBranch);
  return With<int>([&](git_repository* repository) -> absl::StatusOr<int> {
           git_reference* raw = nullptr;
           const int code = git_reference_symbolic_create(&raw, repository, kDefaultBranch,
                                                          branch.c_str(), 1, nullptr);
           if (code != 0) return LibraryError(code, "recording the default branch");
           git_reference_free(raw);
           return 0;
         })
      .status();
}

absl::Status ObjectReader::DeleteRef(const std::string& name) const {
  return With<int>([&](git_repository* repository) -> absl::StatusOr<int> {
           const int code = git_reference_remove(repository, name.c_str());
           if (code != 0 && code != GIT_ENOTFOUND) {
             return LibraryError(code, absl::StrCat("deleting reference ", name));
           }
           return 0;
         })
      .status();
}

absl::StatusOr<GitId> ObjectReader::Peel(const GitId& id) const {
  return With<GitId>([&](git_repository* repository) -> absl::StatusOr<GitId> {
    const git_oid oid = ToOid(id);
    git_object* raw = nullptr;
    if (const int code = git_object_lookup(&raw, repository, &oid, GIT_OBJECT_ANY); code != 0) {
      return LibraryError(code, absl::StrCat("reading object ", id.Hex()));
    }
    const ObjectHandle object(raw);
    git_object* peeled = nullptr;
    if (const int code = git_object_peel(&peeled, raw, GIT_OBJECT_COMMIT); code != 0) {
      return absl::NotFoundError(absl::StrCat("object ", id.Hex(), " is no commit"));
    }
    const ObjectHandle commit(peeled);
    return FromOid(*git_object_id(peeled));
  });
}

absl::StatusOr<GitId> ObjectReader::Expand(const std::string& digits) const {
  return With<GitId>([&](git_repository* repository) -> absl::StatusOr<GitId> {
    git_oid oid;
    if (const int code = git_oid_fromstrp(&oid, digits.c_str()); code != 0) {
      return LibraryError(code, digits);
    }
    git_commit* raw = nullptr;
    const int code = git_commit_lookup_prefix(&raw, repository, &oid, digits.size());
    if (code != 0) return LibraryError(code, absl::StrCat("commit ", digits));
    const CommitHandle commit(raw);
    return FromOid(*git_commit_id(raw));
  });
}

absl::StatusOr<GitId> ObjectReader::RootTree(const GitId& commit) const {
  return With<GitId>([&](git_repository* repository) -> absl::StatusOr<GitId> {
    ASSIGN_OR_RETURN(const CommitHandle handle, LookUpCommit(repository, commit));
    return FromOid(*git_commit_tree_id(handle.get()));
  });
}

absl::StatusOr<CommitInfo> ObjectReader::Describe(const GitId& commit) const {
  return With<CommitInfo>([&](git_repository* repository) -> absl::StatusOr<CommitInfo> {
    ASSIGN_OR_RETURN(const CommitHandle handle, LookUpCommit(repository, commit));
    CommitInfo info;
    info.commit = commit;
    const git_signature* author = git_commit_author(handle.get());
    if (author != nullptr) info.author = absl::StrCat(author->name, " <", author->email, ">");
    const char* subject = git_commit_summary(handle.get());
    if (subject != nullptr) info.subject = subject;
    info.time = absl::FromUnixSeconds(git_commit_time(handle.get()));
    return info;
  });
}

}  // namespace leidang::hub
