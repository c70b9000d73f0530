#include "hub/session/status_intake.h"

#include <algorithm>
#include <set>
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
      rows.PutStatus(cluster_, status, options_.unassigned_statuses_max);
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
    if (const size_t bytes = message.ByteSizeLong(); bytes > options_.status_bytes_max) {
      return absl::InvalidArgumentError(absl::StrCat("the status of ", message.key(), " has ",
                                                     bytes, " bytes, at most ",
                                                     options_.status_bytes_max));
    }
    ASSIGN_OR_RETURN(intent::EntryStatus status, wire::FromProto(message));
    statuses.push_back(std::move(status));
  }
  sequence_ = batch.sequence();
  statuses_ = std::move(statuses);
  tells_an_end_ = std::any_of(statuses_.begin(), statuses_.end(),
                              [](const intent::EntryStatus& status) { return status.gone; });
  busy_ = true;
  const absl::StatusOr<ClusterLog> log = store_.Log(cluster_);
  begun_at_ = log.ok() ? log->head : 0;
  return Rows(statuses_);
}

void StatusIntake::Committed(const CommitResult& result) {
  if (result.refused.empty()) return;
  std::set<std::pair<intent::EntryKey, intent::Uid>> refused;
  for (const RefusedStatus& status : result.refused) refused.emplace(status.key, status.uid);
  std::erase_if(statuses_, [&refused](const intent::EntryStatus& status) {
    return refused.contains({status.key, status.uid});
  });
  refused_at_ = begun_at_;
}

uint64_t StatusIntake::End() {
  busy_ = false;
  statuses_.clear();
  stored_.reset();
  return sequence_;
}

absl::Status StatusIntake::ReadStored() {
  proof::StatusDigest sum;
  PageRequest request;
  do {
    ASSIGN_OR_RETURN(const Page<intent::EntryStatus> page,
                     store_.StatusesOfCluster(cluster_, request));
    for (const intent::EntryStatus& status : page.items) sum.Add(proof::StatusElementOf(status));
    request.token = page.next;
  } while (!request.token.empty());
  stored_ = sum.Root();
  return absl::OkStatus();
}

absl::StatusOr<StatusIntake::Verdict> StatusIntake::Compare(const object::Sha256& digest,
                                                            absl::Duration now) {
  if (!stored_.has_value()) RETURN_IF_ERROR(ReadStored());
  if (*stored_ == digest) {
    mismatches_ = 0;
    refused_at_.reset();
    asked_again_ = 0;
    return Verdict::kEqual;
  }
  if (refused_at_.has_value()) return CompareRefused(now);
  ++mismatches_;
  if (mismatches_ == 1) return Verdict::kReportAll;
  return mismatches_ == 2 ? Verdict::kStartOver : Verdict::kGiveUp;
}

absl::StatusOr<StatusIntake::Verdict> StatusIntake::CompareRefused(absl::Duration now) {
  ASSIGN_OR_RETURN(const ClusterLog log, store_.Log(cluster_));
  const bool may_help =
      log.head != *refused_at_ || log.unassigned_statuses < options_.unassigned_statuses_max;
  if (!may_help || now < next_ask_) return Verdict::kRefused;
  next_ask_ = now + std::min(options_.compare_pause_max,
                             options_.compare_pause * (1 << std::min(asked_again_, 10)));
  ++asked_again_;
  refused_at_.reset();
  mismatches_ = 1;
  return Verdict::kReportAll;
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
