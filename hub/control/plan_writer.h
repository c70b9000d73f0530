#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/intent/intent.h"
#include "hub/control/assigner.h"
#include "hub/control/expansion.h"
#include "hub/model/application.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

// PlanWriter makes the batches of a plan, one after another, none much larger than it is told to.
//
// Content comes first, then Applications, each whole and with the projects that it names, last
// those that end altogether: so what a later part would have brought is missing in between, and
// nothing is gone that stays. After a failure between two parts a new plan has exactly the steps
// that were not taken.
//
// What is written is moved out of the expansion and the records that were planned with: the bytes
// of a fleet are in memory once, and those of a part twice. Both must outlive the writer. Thread-
// compatible.
class PlanWriter {
 public:
  struct Part {
    WriteBatch batch;
    std::vector<std::string> recorded;  // Applications that have a record then,
    std::vector<std::string> released;  // and that have none any more.
    std::set<std::string> bereft;       // Sets that some of them were taken over from.
    std::set<intent::ClusterId> placed;
    std::set<intent::ClusterId> ended;
  };
  // Puts projects into a cluster's log (SharedEntries::Ensure).
  using Ensure =
      std::function<void(const intent::ClusterId&, const std::set<std::string>&, WriteBatch*)>;

  // `owner` as in AssignInput.
  PlanWriter(std::string owner, std::vector<PlannedStep> steps, Expansion& expansion,
             std::vector<DerivedApplication>& before, Ensure ensure, size_t part_bytes);

  // REQUIRES: not done. The last part may be empty.
  Part Next();
  bool done() const { return next_content_ == content_.size() && next_ == steps_.size(); }

 private:
  void Take(PlannedStep& step, Part* part);
  DerivedApplication RecordOf(PlannedStep& step);
  const std::string& KeyOf(const PlannedStep& step) const;

  const std::string owner_;
  std::vector<PlannedStep> steps_;
  Expansion& expansion_;
  std::vector<DerivedApplication>& before_;
  const Ensure ensure_;
  const size_t part_bytes_;

  std::vector<WriteBatch> content_;
  size_t next_content_ = 0;
  size_t next_ = 0;
  std::set<std::pair<intent::ClusterId, std::string>> ensured_;
};

}  // namespace leidang::hub
