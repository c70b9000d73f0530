#pragma once

// StatusIntake turns one agent's reports into rows of the store, one batch at a time, and finds by
// digest whether the hub lost some. Internal to hub/session; loop-bound.

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/intent/intent.h"
#include "common/intent/status.h"
#include "common/object/sha256.h"
#include "hub/session/options.h"
#include "hub/store/store.h"
#include "leidang/v1/link.pb.h"

namespace leidang::hub {

class StatusIntake {
 public:
  StatusIntake(const Store& store, const intent::ClusterId& cluster, const SessionOptions& options)
      : store_(store), cluster_(cluster), options_(options) {}

  // The rows of a batch; kInvalidArgument for one against docs/formats/link.md, such as a second
  // one before the first was acknowledged.
  absl::StatusOr<WriteBatch> Begin(const v1::StatusBatch& batch);
  // The same rows again, after the store had no room.
  WriteBatch Again() const { return Rows(statuses_); }
  // Committed: the sequence to acknowledge.
  uint64_t End();

  bool busy() const { return busy_; }
  const std::vector<intent::EntryStatus>& statuses() const { return statuses_; }

  enum class Verdict : uint8_t {
    kEqual,
    kReportAll,  // The agent shall report everything again.
    kStartOver,  // That did not help: the stored statuses are to be deleted as well.
    kGiveUp,     // Neither did that: the two count differently, and this session lets it be.
  };
  // Compares the agent's digest of all its statuses, sent while none waited, with those stored.
  absl::StatusOr<Verdict> Compare(const object::Sha256& digest);
  // Rows that delete all stored statuses of the cluster.
  absl::StatusOr<WriteBatch> DeleteAll();

 private:
  WriteBatch Rows(const std::vector<intent::EntryStatus>& statuses) const;

  const Store& store_;
  const intent::ClusterId cluster_;
  const SessionOptions& options_;
  uint64_t sequence_ = 0;
  bool busy_ = false;
  std::vector<intent::EntryStatus> statuses_;  // Of the batch in hand.
  std::optional<object::Sha256> stored_;       // Digest of the stored ones, until they change.
  int mismatches_ = 0;                         // In a row.
};

}  // namespace leidang::hub
