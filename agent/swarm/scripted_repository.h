#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/time/clock.h"

namespace leidang::agent {

// A bare Git repository with `apps/app-<n>/` and `probe/`, folders with a kustomization, made and
// changed with the `git` program. Blocks; thread-compatible.
class ScriptedRepository {
 public:
  // Below `directory`, which exists. `clock` must outlive it.
  ScriptedRepository(const std::string& directory, const Clock& clock);

  const std::string& path() const { return path_; }
  static std::string AppFolder(size_t app);
  static constexpr char kProbeFolder[] = "probe";

  // One commit with `apps` folders, always the same, and the probe's, which says `version`.
  // kUnavailable without the program.
  absl::Status Commit(size_t apps, uint64_t version);

 private:
  absl::Status Put(const std::string& path, const std::string& content) const;
  absl::Status PutFolder(const std::string& folder, uint64_t version) const;
  absl::StatusOr<std::string> Git(const std::vector<std::string>& arguments) const;

  const std::string path_;
  const Clock& clock_;
};

}  // namespace leidang::agent
