#include "hub/session/status_intake.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/proof/status_digest.h"
#include "common/wire/wire.h"

namespace leidang::hub {

WriteBatch StatusIntake::Rows(const std::vector<intent::EntryStatus>& statuses) const {
  WriteBatch rows;
  for (const intent::EntryStatus& status : statuses) {
    if (status.gone) {
      rows.ReportedGone(cluster_, status.key, status.uid);
      rows.DeleteStatus(cluster_, status.key, status.uid);
    } else {
      rows.PutStatus(cluster_, status);
    }
  }
  return rows;
}

absl::StatusOr<WriteBatch> StatusIntake::Begin(const v1::StatusBatch& batch) {
  if (busy_) return absl::InvalidArgumentError("statuses before the last were acknowledged");
  if (batch.sequence() != sequence_ + 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("statuses ", batch.sequence(), " after ", sequence_));
  }
  if (static_cast<size_t>(batch.statuses_size()) > options_.statuses_per_batch_max) {
    return absl::InvalidArgumentError(absl::StrCat(batch.statuses_size(),
                                                   " statuses in one batch, at most ",
                                                   options_.statuses_per_batch_max));
  }
  std::vector<intent::EntryStatus> statuses;
  for (const v1::EntryStatus& message : batch.statuses()) {
    ASSIGN_OR_RETURN(intent::EntryStatus status, wire::FromProto(message));
    statuses.push_back(std::move(status));
  }
  sequence_ = batch.sequence();
  statuses_ = std::move(statuses);
  busy_ = true;
  return Rows(statuses_);
}

uint64_t StatusIntake::End() {
  busy_ = false;
  statuses_.clear();
  stored_.reset();
  return sequence_;
}

absl::StatusOr<StatusIntake::Verdict> StatusIntake::Compare(const object::Sha256& digest) {
  if (!stored_.has_value()) {
    proof::StatusDigest sum;
    PageRequest request;
    do {
      ASSIGN_OR_RETURN(const Page<intent::EntryStatus> page,
                       store_.StatusesOfCluster(cluster_, request));
      for (const intent::EntryStatus& status : page.items) sum.Add(proof::StatusElementOf(status));
      request.token = page.next;
    } while (!request.token.empty());
    stored_ = sum.Root();
  }
  if (*stored_ == digest) {
    mismatches_ = 0;
    return Verdict::kEqual;
  }
  ++mismatches_;
  if (mismatches_ == 1) return Verdict::kReportAll;
  return mismatches_ == 2 ? Verdict::kStartOver : Verdict::kGiveUp;
}

absl::StatusOr<WriteBatch> StatusIntake::DeleteAll() {
  WriteBatch rows;
  PageRequest request;
  do {
    ASSIGN_OR_RETURN(const Page<intent::EntryStatus> page,
                     store_.StatusesOfCluster(cluster_, request));
    for (const intent::EntryStatus& status : page.items)
      rows.DeleteStatus(cluster_, status.key, status.uid);
    request.token = page.next;
  } while (!request.token.empty());
  stored_.reset();
  return rows;
}

}  // namespace leidang::hub
