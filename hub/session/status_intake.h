#pragma once

// StatusIntake turns one agent's reports into rows of the store, one batch at a time, and finds by
// digest whether the hub lost some. Internal to hub/session; loop-bound.

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

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
  // Drops from statuses() what the store did not take.
  void Committed(const CommitResult& result);
  // Committed: the sequence to acknowledge.
  uint64_t End();

  bool busy() const { return busy_; }
  // Of the batch in hand.
  bool tells_an_end() const { return tells_an_end_; }
  const std::vector<intent::EntryStatus>& statuses() const { return statuses_; }

  enum class Verdict : uint8_t {
    kEqual,
    kReportAll,  // The agent shall report everything again.
    kStartOver,  // That did not help: the stored statuses are to be deleted as well.
    kGiveUp,     // Neither did that: the two count differently, and this session lets it be.
    kRefused,    // They differ by what the hub does not keep: nothing is to be done now.
  };
  // Compares the agent's digest of all its statuses, sent while none waited, with those stored.
  // Once some were refused in this session, everything is asked for again only when the cluster's
  // log has grown or there is room again since, and at growing intervals.
  absl::StatusOr<Verdict> Compare(const object::Sha256& digest, absl::Duration now);
  // Rows that delete all stored statuses of the cluster.
  absl::StatusOr<WriteBatch> DeleteAll();

 private:
  WriteBatch Rows(const std::vector<intent::EntryStatus>& statuses) const;
  absl::Status ReadStored();
  absl::StatusOr<Verdict> CompareRefused(absl::Duration now);

  const Store& store_;
  const intent::ClusterId cluster_;
  const SessionOptions& options_;
  uint64_t sequence_ = 0;
  bool busy_ = false;
  bool tells_an_end_ = false;
  std::vector<intent::EntryStatus> statuses_;   // Of the batch in hand.
  intent::Revision begun_at_ = 0;               // Head of the log when that batch came.
  std::optional<object::Sha256> stored_;        // Digest of the stored ones, until they change.
  int mismatches_ = 0;                          // In a row.
  std::optional<intent::Revision> refused_at_;  // Head before the last refusal, if there was one.
  int asked_again_ = 0;                         // Because of that.
  absl::Duration next_ask_;
};

}  // namespace leidang::hub
