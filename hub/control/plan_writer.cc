#include "hub/control/plan_writer.h"

#include <algorithm>

#include "common/base/check.h"

namespace leidang::hub {
namespace {

intent::EntryKey EntryOf(const std::string& key) { return {intent::EntryKind::kApplication, key}; }

}  // namespace

PlanWriter::PlanWriter(std::string owner, std::vector<PlannedStep> steps, Expansion& expansion,
                       std::vector<DerivedApplication>& before, Ensure ensure, size_t part_bytes)
    : owner_(std::move(owner)),
      steps_(std::move(steps)),
      expansion_(expansion),
      before_(before),
      ensure_(std::move(ensure)),
      part_bytes_(part_bytes) {
  const bool assigns =
      std::any_of(steps_.begin(), steps_.end(), [](const auto& step) { return step.assigned; });
  if (assigns) content_ = std::move(expansion_.content).InParts(part_bytes_);
}

PlanWriter::Part PlanWriter::Next() {
  CHECK(!done());
  Part part;
  if (next_content_ < content_.size()) part.batch.Append(std::move(content_[next_content_++]));
  if (next_content_ < content_.size()) return part;
  while (next_ < steps_.size() && part.batch.bytes() < part_bytes_) Take(steps_[next_++], &part);
  return part;
}

const std::string& PlanWriter::KeyOf(const PlannedStep& step) const {
  return step.desired != PlannedStep::kNone ? expansion_.applications[step.desired].key
                                            : before_[step.before].key;
}

void PlanWriter::Take(PlannedStep& step, Part* part) {
  const std::string& key = KeyOf(step);
  if (!step.adopted_from.empty()) part->bereft.insert(step.adopted_from);
  if (step.end) {
    part->ended.insert(step.end->cluster);
    part->batch.Delete(step.end->cluster, {EntryOf(key), step.end->uid, step.end->policy});
  }
  if (step.assigned) {
    DesiredApplication& desired = expansion_.applications[step.desired];
    part->placed.insert(desired.cluster);
    if (ensured_.emplace(desired.cluster, desired.project).second)
      ensure_(desired.cluster, {desired.project}, &part->batch);
    part->batch.Put(desired.cluster,
                    {EntryOf(key), step.uid, std::move(desired.body), std::move(desired.sources)});
  }
  if (step.record == PlannedStep::Record::kDropped) {
    part->released.push_back(key);
    part->batch.DeleteApplication(key);
  } else if (step.record != PlannedStep::Record::kStays) {
    part->recorded.push_back(key);
    part->batch.PutApplication(RecordOf(step));
  }
}

DerivedApplication PlanWriter::RecordOf(PlannedStep& step) {
  DerivedApplication record;
  if (step.record == PlannedStep::Record::kOfDesired) {
    DesiredApplication& desired = expansion_.applications[step.desired];
    record.key = desired.key;
    record.set = owner_;
    record.uid = step.uid;
    record.project = desired.project;
    record.manifest = std::move(desired.manifest);
    if (!desired.problem) {
      record.cluster = desired.cluster;
      record.content = desired.content;
    }
  } else {
    DerivedApplication& before = before_[step.before];
    std::string manifest = std::move(before.manifest);
    record = before;
    record.manifest = std::move(manifest);
    if (step.record == PlannedStep::Record::kUnassigned) {
      record.cluster = {};
      record.content = {};
    }
  }
  record.conditions = std::move(step.conditions);
  return record;
}

}  // namespace leidang::hub
