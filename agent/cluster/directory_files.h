#pragma once

// DirectoryFiles: objects as files of one flat directory, with an index of what is there.
//
// Files that no tracking id marks are never changed or removed, except through a request that names
// their version. Symbolic links are not followed. Writes go to a temporary file, are synced, and
// renamed over the old one; both the file and the directory are on disk when Write returns.
//
// Every call may block on the disk. Thread-compatible.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/cluster/cluster_client.h"
#include "common/object/key.h"
#include "common/object/sha256.h"

namespace leidang::agent {

class DirectoryFiles {
 public:
  // A tracked object that changed since the index last saw it.
  struct Change {
    object::ObjectKey key;
    std::string app_label;

    friend auto operator<=>(const Change&, const Change&) = default;
  };

  explicit DirectoryFiles(std::string path);

  // Creates the directory if only its last part is missing, and removes temporary files that an
  // earlier process left. To be called again after the directory itself was lost.
  absl::Status Open();

  // Brings the index up to date with every file, or with one, and tells what had changed.
  // kUnavailable when the directory cannot be read: the index stays as it was.
  absl::StatusOr<std::set<Change>> Rescan();
  absl::StatusOr<std::set<Change>> Refresh(absl::string_view name);

  absl::StatusOr<std::vector<LiveObject>> Read(const Selection& selection);
  // kNotFound if the file is not there, kFailedPrecondition if it holds something else.
  absl::StatusOr<object::Value> ReadWhole(const object::ObjectKey& key) const;
  absl::StatusOr<Applied> Write(const ApplyRequest& request);
  absl::StatusOr<Deleted> Remove(const DeleteRequest& request);

  const std::string& path() const { return path_; }

 private:
  // Tells whether a file may have changed without reading it.
  struct Stamp {
    uint64_t inode = 0;
    uint64_t size = 0;
    uint32_t mode = 0;
    int64_t modified_ns = 0;
    int64_t changed_ns = 0;

    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct File {
    Stamp stamp;
    object::Sha256 digest;  // None if it is no readable regular file.
    // The object that the file holds or, once somebody broke it, last held. Empty kind: no object.
    object::ObjectKey key;
    std::string owner;      // As LiveObject::owner.
    std::string app_label;  // As ObjectEvent::app_label.
  };

  // An open descriptor of the directory: opened for each call, so that a directory that was moved
  // away and made anew is not written to in its old place.
  class Handle;

  absl::StatusOr<Handle> OpenDirectory() const;
  absl::Status RefreshFile(const Handle& directory, const std::string& name,
                           std::set<Change>& changes);
  absl::StatusOr<File> Load(const Handle& directory, const std::string& name, const Stamp& stamp,
                            const File* before) const;
  absl::Status CheckVersion(const std::string& name, const object::ObjectKey& key,
                            const std::optional<std::string>& if_version) const;
  absl::Status Replace(const Handle& directory, const std::string& name,
                       const ApplyRequest& request, absl::string_view content);
  LiveObject Live(const object::ObjectKey& key, const File& file) const;
  std::string Shown(absl::string_view name) const;

  const std::string path_;
  uint64_t written_ = 0;  // Makes temporary names unique within the process.
  std::map<std::string, File> files_;
};

}  // namespace leidang::agent
