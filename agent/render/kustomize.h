#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "agent/render/kustomize_options.h"
#include "agent/render/source_tree.h"
#include "common/object/value.h"
#include "common/process/child_process.h"
#include "common/time/clock.h"

namespace leidang::agent {

struct ToolLimits {
  absl::Duration deadline = absl::Seconds(60);
  uint64_t output_bytes_max = 64u << 20;
  uint64_t memory_bytes_max = uint64_t{1} << 30;
};

// The real `kustomize` program as a child. Each render has a private copy of the tree, which it may
// not leave (Kustomize's own load restrictor, and no link of the copy points out of it), an empty
// environment, no network where the kernel allows, and limits on time, memory and output.
//
// Thread-safe; blocks, so it is for workers.
class Kustomize {
 public:
  struct Options {
    std::string program;         // Path of the binary.
    std::string temp_directory;  // Where copies of trees are made; it must exist.
    ToolLimits limits;
  };

  // `clock` and `cancel` (may be nullptr) must outlive it.
  Kustomize(Options options, const Clock& clock, const CancelSignal* cancel)
      : options_(std::move(options)), clock_(clock), cancel_(cancel) {}

  // RenderErrors: kRenderFailed with Kustomize's own message, without the paths of the copy.
  absl::StatusOr<std::vector<object::Value>> Render(const SourceTree& tree, absl::string_view path,
                                                    const KustomizeOptions& options) const;

 private:
  // Returns what the program prints.
  absl::StatusOr<std::string> Run(const std::string& copy, const std::string& directory,
                                  std::vector<std::string> arguments) const;
  absl::Status Edit(const std::string& copy, const std::string& directory, const SourceTree& tree,
                    absl::string_view path, const KustomizeOptions& options) const;

  const Options options_;
  const Clock& clock_;
  const CancelSignal* const cancel_;
};

}  // namespace leidang::agent
