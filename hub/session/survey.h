#pragma once

// Survey asks an agent what it holds, before anything is said to it: what a hub that is recovering
// (docs/OPERATIONS.md) shows to a person, and decides on. It sends nothing and changes nothing.
//
// Loop-bound; the session owns it, asks it what to send and gives it the answers.

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"

#include "common/intent/authority.h"
#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "hub/session/bucket_report.h"
#include "hub/session/cluster_view.h"
#include "hub/session/options.h"
#include "hub/store/store.h"
#include "leidang/v1/link.pb.h"

namespace leidang::hub {

// What would follow if the hub went on with a cluster as it is: what the agent holds against the
// cluster's log. Lists are sorted, and cut at SessionOptions::unclaimed_max together; what did not
// fit is counted.
struct Difference {
  // Under what the agent stands, and at which revision of it.
  intent::Authority agent_authority;
  intent::Revision agent_revision = 0;
  intent::Revision head = 0;  // Of the log that it was held against.

  uint64_t equal = 0;
  std::vector<UnclaimedEntry> add;     // The agent lacks it.
  std::vector<UnclaimedEntry> change;  // The agent has it with another content.
  std::vector<UnclaimedEntry> remove;  // A deletion that was decided at the hub is waiting.
  std::vector<UnclaimedEntry> keep;    // The hub does not know it: it would be unclaimed.
  // The agent has the key under another uid than the hub. Neither in `add` nor in `keep`.
  struct OtherUid {
    intent::EntryKey key;
    intent::Uid hub;
    intent::Uid agent;

    friend auto operator<=>(const OtherUid&, const OtherUid&) = default;
  };
  std::vector<OtherUid> other_uid;
  // The agent is of a version that cannot say what it holds, and it is not the same.
  bool unknown = false;
  // How many more there are than each list holds.
  struct Beyond {
    uint64_t add = 0;
    uint64_t change = 0;
    uint64_t remove = 0;
    uint64_t keep = 0;
    uint64_t other_uid = 0;

    friend bool operator==(const Beyond&, const Beyond&) = default;
  } beyond;

  bool cut() const { return beyond != Beyond(); }
  bool Empty() const {
    return !unknown && add.empty() && change.empty() && remove.empty() && keep.empty() &&
           other_uid.empty();
  }
  // Over the lists, and the numbers beyond them: what a person accepts.
  object::Sha256 Digest() const;
};

// Whether agents of held clusters may be asked already.
enum class Surveys { kLater, kNow };

class Survey {
 public:
  // `store` and `options` must outlive it.
  Survey(const Store& store, const intent::ClusterId& cluster, uint64_t round,
         const SessionOptions& options);

  // The next thing to ask; nullopt if it is not its turn.
  std::optional<v1::BucketRequest> NextRequest() { return questions_.Next(); }
  // Takes an answer. kInvalidArgument if it is against docs/formats/link.md; the errors of the
  // store.
  absl::Status OnReport(const v1::BucketReport& report);

  bool done() const { return done_; }
  // Valid when done.
  const Difference& difference() const { return difference_; }

 private:
  absl::Status OnSums(const v1::BucketReport& report);
  absl::Status OnEntries(const v1::BucketReport& report);
  template <typename T>
  void Add(T item, std::vector<T>* list, uint64_t* beyond);
  void GoOn();

  const Store& store_;
  const intent::ClusterId cluster_;
  const SessionOptions& options_;
  BucketQuestions questions_;
  bool done_ = false;
  Difference difference_;
  size_t listed_ = 0;
};

}  // namespace leidang::hub
