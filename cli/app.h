#pragma once

// What users of `argocd app` expect: commands about one Application, or about several by name.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "cli/commands.h"
#include "cli/connection.h"

namespace leidang::cli {

// Lets some time pass between two questions.
using Pause = void (*)();

// Those with these names, and all that a label selector finds.
struct Applications {
  std::vector<std::string> names;  // "name" or "namespace/name".
  std::string selector;
};

struct SyncOptions {
  Applications which;
  bool prune = false;
  std::vector<std::string> resources;  // GROUP:KIND:NAMESPACE/NAME; empty: all.
  std::string approve_deletions;       // Digest of the list that DeletionsHeld shows.
  // kRefresh only looks anew; kTerminate ends the sync that is running.
  enum class What : uint8_t { kSync, kRefresh, kTerminate } what = What::kSync;
  bool async = false;                         // Do not wait for the outcome.
  absl::Duration timeout = absl::Minutes(5);  // Of waiting, and of the operation itself.
};
// Asks for a sync of each, prints each outcome. kAborted if one failed, kDeadlineExceeded if one
// had not ended in time.
absl::Status Sync(Connection& connection, const SyncOptions& options, const Clock& clock,
                  Pause pause, Streams streams);

struct WaitOptions {
  Applications which;
  // What is waited for, as `argocd app wait` has it; none of them: the first three.
  bool synced = false;     // At the newest assignment.
  bool healthy = false;    // As its agent sees it now.
  bool operation = false;  // No sync is running.
  bool deleted = false;    // Instead of these: it is not there any more.
  absl::Duration timeout = absl::Minutes(5);
};
// Until this holds of each. kDeadlineExceeded names those of which it does not.
absl::Status Wait(Connection& connection, const WaitOptions& options, const Clock& clock,
                  Pause pause, Streams streams);

// Operations on an Application, the newest first.
absl::Status PrintOperations(Connection& connection, const std::string& name, const Clock& clock,
                             Streams streams);

struct QuestionOptions {
  std::string name;
  absl::Duration timeout = absl::Minutes(1);
  std::string format = "table";  // Or "json": the agent's answer as it is.
};
// What an Application wants against what its cluster has. What it found is in *found; a status is
// an error: kDeadlineExceeded if the agent does not answer, kAborted if it cannot tell of all
// objects.
enum class DiffFound : uint8_t { kNothing, kDifferences };
absl::Status Diff(Connection& connection, const QuestionOptions& options, const Clock& clock,
                  Pause pause, Streams streams, DiffFound* found);

// The syncs of an Application that its agent remembers, the newest first.
absl::Status History(Connection& connection, const QuestionOptions& options, const Clock& clock,
                     Pause pause, Streams streams);

}  // namespace leidang::cli
