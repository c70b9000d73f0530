#pragma once

// Mirror: one repository's folder on disk and what is known of its references. Part of
// MirrorGitSource.
//
// The folder counts only once a fetch has succeeded, which a marker file in it says: before that
// there is nothing to read. State is a snapshot that a fetch replaces at its end, so readers see
// one fetch or the other.
//
// Thread-safe.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/mutex.h"
#include "hub/source/git_types.h"
#include "hub/source/object_reader.h"
#include "hub/source/revision.h"

namespace leidang::hub {

struct MirrorState {
  RefMap refs;                 // Branches and tags.
  std::optional<GitId> head;   // Where the remote's HEAD leads; nullopt if nowhere.
  std::string default_branch;  // Full name; empty if HEAD names no branch.

  friend bool operator==(const MirrorState&, const MirrorState&) = default;
};

// Of all packs of the mirror at `path`, those that are being received included.
uint64_t PackBytes(const std::string& path);

class Mirror {
 public:
  // `name` is the repository's URL without credentials.
  Mirror(std::string path, std::string name);

  const std::string& path() const { return path_; }
  const std::string& name() const { return name_; }
  const std::shared_ptr<const ObjectReader>& reader() const { return reader_; }

  // Held for the whole of a fetch: at most one process writes here.
  Mutex& writing() { return writing_; }

  // RepositoryUnreachable if it has not been fetched yet.
  absl::StatusOr<std::shared_ptr<const MirrorState>> State() const ABSL_LOCKS_EXCLUDED(mu_);

  // References as they are on disk now, whether or not a fetch has succeeded.
  absl::StatusOr<MirrorState> ReadState() const;

  // Creates the folder if needed and removes what a killed fetch has left: locks and half packs.
  absl::Status MakeReady();
  // A fetch has succeeded: `state` is what readers see from now on.
  absl::Status Publish(MirrorState state) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Remove() ABSL_LOCKS_EXCLUDED(mu_);

  void RemoveHalfPacks() const;

 private:
  std::string MarkerPath() const;
  void RemoveLocks() const;

  const std::string path_;
  const std::string name_;
  const std::shared_ptr<const ObjectReader> reader_;
  Mutex writing_;

  mutable Mutex mu_;
  mutable std::shared_ptr<const MirrorState> state_ ABSL_GUARDED_BY(mu_);
};

}  // namespace leidang::hub
