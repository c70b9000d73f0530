#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/state/state.h"
#include "common/time/sim_loop.h"
#include "tests/sim/mutant.h"

namespace leidang::sim {

// MutantState is a State that breaks one rule, before the real one. With a mutant that is not of
// the agent's state it passes everything on.
class MutantState final : public agent::State {
 public:
  // `inner` must outlive it.
  MutantState(SimLoop& loop, agent::State& inner, Mutant mutant);
  ~MutantState() override;

  void AddObserver(agent::StateObserver* observer) override { inner_.AddObserver(observer); }
  void RemoveObserver(agent::StateObserver* observer) override { inner_.RemoveObserver(observer); }
  void Commit(agent::Transaction transaction, Done done) override;
  const agent::Allegiance& allegiance() const override;
  const proof::BucketedDigest& intent_digest() const override { return inner_.intent_digest(); }
  const proof::BucketedDigest& applied_digest() const override { return inner_.applied_digest(); }
  absl::StatusOr<std::vector<agent::EntryHead>> Heads() const override { return inner_.Heads(); }
  absl::StatusOr<std::vector<agent::EntryHead>> HeadsOf(
      const intent::EntryKey& key) const override {
    return inner_.HeadsOf(key);
  }
  absl::StatusOr<std::vector<agent::EntryHead>> LiveInBucket(uint8_t bucket) const override {
    return inner_.LiveInBucket(bucket);
  }
  absl::StatusOr<agent::Entry> Find(const agent::EntryRef& entry) const override {
    return inner_.Find(entry);
  }
  absl::StatusOr<std::vector<agent::InventoryItem>> Inventory(
      const agent::EntryRef& entry) const override {
    return inner_.Inventory(entry);
  }
  absl::StatusOr<std::vector<agent::NumberedStatus>> StatusesWaiting(uint64_t after,
                                                                     size_t limit) const override {
    return inner_.StatusesWaiting(after, limit);
  }
  size_t statuses_waiting() const override { return inner_.statuses_waiting(); }
  object::Sha256 status_digest() const override { return inner_.status_digest(); }
  absl::StatusOr<intent::EntryStatus> FindStatus(const agent::EntryRef& entry) const override {
    return inner_.FindStatus(entry);
  }
  absl::StatusOr<std::vector<agent::OperationRecord>> Operations() const override {
    return inner_.Operations();
  }
  void PutContent(const object::Sha256& digest, std::string bytes, Done done) override {
    inner_.PutContent(digest, std::move(bytes), std::move(done));
  }
  absl::StatusOr<bool> HasContent(const object::Sha256& digest) const override {
    return inner_.HasContent(digest);
  }
  absl::StatusOr<std::string> GetContent(const object::Sha256& digest) const override {
    return inner_.GetContent(digest);
  }
  void DropContentExcept(std::set<object::Sha256> keep, Done done) override {
    inner_.DropContentExcept(std::move(keep), std::move(done));
  }

 private:
  bool ForgetsWhomItObeys() const;
  agent::Transaction Mutate(agent::Transaction transaction);

  SimLoop& loop_;
  agent::State& inner_;
  const Mutant mutant_;
  mutable agent::Allegiance shown_;
  uint64_t reports_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace leidang::sim
