#pragma once

// Comparison brings an agent to the hub's intent where the log cannot tell what it lacks. By
// buckets of digests it finds the entries that differ, sends those of the hub and all pending
// tombstones, and names what the hub does not know: unclaimed. NothingByAbsence: it deletes
// nothing.
//
// It ends at the head that the digest was taken at; what changed since comes from the log after it,
// where what was already sent is recognised by its revision.
//
// Loop-bound; the session owns it, asks it what to send and gives it the answers. Nothing may be in
// flight when it begins.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/intent/intent.h"
#include "hub/session/bucket_report.h"
#include "hub/session/cluster_view.h"
#include "hub/session/options.h"
#include "hub/store/store.h"
#include "leidang/v1/link.pb.h"

namespace leidang::hub {

class Comparison {
 public:
  // `store` must outlive it.
  Comparison(const Store& store, const intent::ClusterId& cluster, uint64_t round,
             const SessionOptions& options);

  // The next thing to ask the agent for; nullopt if it is not its turn.
  std::optional<v1::BucketRequest> NextRequest() { return questions_.Next(); }

  // Takes an answer. kInvalidArgument if it is against docs/formats/link.md; the errors of the
  // store.
  absl::Status OnReport(const v1::BucketReport& report);

  // The next changes to send, without authority, session epoch and sequence; nullopt if there are
  // none now.
  absl::StatusOr<std::optional<v1::Changes>> NextChanges();

  bool wants_to_ask() const { return questions_.has_next(); }
  // The last changes have been given out.
  bool done() const { return stage_ == Stage::kDone; }
  // Of the last changes; valid when done.
  intent::Revision to() const { return to_; }
  // Whether anything differed.
  bool found_difference() const { return found_difference_; }
  // Sorted when done.
  const std::vector<UnclaimedEntry>& unclaimed() const { return unclaimed_; }

 private:
  enum class Stage : uint8_t { kAsk, kSend, kDone };
  // A change to send, read from the store when its turn comes.
  struct Item {
    intent::Revision revision = 0;
    intent::EntryKey key;
    std::optional<intent::Tombstone> tombstone;  // Else the live assignment of the key.
  };

  absl::Status OnSums(const v1::BucketReport& report);
  absl::Status OnEntries(const v1::BucketReport& report);
  // Adds the item to `changes`; false if there is no room for it there.
  absl::StatusOr<bool> Append(const Item& item, v1::Changes* changes, size_t* bytes);
  void AppendUnclaimed(v1::Changes* changes);

  const Store& store_;
  const intent::ClusterId cluster_;
  const SessionOptions& options_;
  BucketQuestions questions_;
  Stage stage_ = Stage::kAsk;
  intent::Revision to_ = 0;
  bool found_difference_ = false;
  std::vector<Item> items_;  // By revision; those before next_item_ are sent.
  size_t next_item_ = 0;
  std::vector<UnclaimedEntry> unclaimed_;
  size_t unclaimed_sent_ = 0;
};

}  // namespace leidang::hub
