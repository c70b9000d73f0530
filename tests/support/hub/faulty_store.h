#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hub/store/store.h"

namespace leidang::testing {

// A Store whose commits somebody may refuse: `on_commit` is asked before each, and what it says is
// the answer unless it is OK. Reads go through.
class FaultyStore final : public hub::Store {
 public:
  using OnCommit = std::function<absl::Status(const hub::WriteBatch&)>;

  FaultyStore(std::unique_ptr<hub::Store> store, OnCommit on_commit)
      : store_(std::move(store)), on_commit_(std::move(on_commit)) {}

  void Commit(hub::WriteBatch batch, EventLoop* loop, Done done) override {
    hub::CommitResult refused;
    refused.status = on_commit_(batch);
    if (refused.status.ok()) return store_->Commit(std::move(batch), loop, std::move(done));
    loop->Post([done = std::move(done), refused] { done(refused); });
  }
  SubscriptionId Subscribe(EventLoop* loop, Done observer) override {
    return store_->Subscribe(loop, std::move(observer));
  }
  void Unsubscribe(SubscriptionId id) override { store_->Unsubscribe(id); }

  absl::StatusOr<hub::ClusterLog> Log(const intent::ClusterId& cluster) const override {
    return store_->Log(cluster);
  }
  std::vector<hub::ClusterLog> Logs() const override { return store_->Logs(); }
  absl::StatusOr<hub::LogDigest> Digest(const intent::ClusterId& cluster) const override {
    return store_->Digest(cluster);
  }
  absl::StatusOr<object::Sha256> Root(const intent::ClusterId& cluster) const override {
    return store_->Root(cluster);
  }
  absl::StatusOr<hub::ChangePage> ChangesAfter(const intent::ClusterId& cluster,
                                               intent::Revision from,
                                               size_t bytes_max) const override {
    return store_->ChangesAfter(cluster, from, bytes_max);
  }
  absl::StatusOr<hub::LiveEntries> Entries(const intent::ClusterId& cluster,
                                           const std::vector<uint8_t>& buckets) const override {
    return store_->Entries(cluster, buckets);
  }
  absl::StatusOr<std::vector<hub::PendingTombstone>> Tombstones(
      const intent::ClusterId& cluster) const override {
    return store_->Tombstones(cluster);
  }
  absl::StatusOr<hub::LiveAssignment> Assignment(const intent::ClusterId& cluster,
                                                 const intent::EntryKey& key) const override {
    return store_->Assignment(cluster, key);
  }
  absl::StatusOr<hub::Page<hub::LiveAssignment>> Assignments(
      const intent::ClusterId& cluster, const hub::PageRequest& request) const override {
    return store_->Assignments(cluster, request);
  }

  absl::StatusOr<hub::DerivedApplication> Application(absl::string_view key) const override {
    return store_->Application(key);
  }
  absl::StatusOr<hub::Page<hub::DerivedApplication>> Applications(
      const hub::PageRequest& request) const override {
    return store_->Applications(request);
  }
  absl::StatusOr<hub::Page<hub::DerivedApplication>> ApplicationsOfSet(
      absl::string_view set, const hub::PageRequest& request) const override {
    return store_->ApplicationsOfSet(set, request);
  }
  const hub::ApplicationIndex& Index() const override { return store_->Index(); }
  void SetReach(const intent::ClusterId& cluster, hub::Reach reach) override {
    store_->SetReach(cluster, reach);
  }
  uint64_t CountApplications() const override { return store_->CountApplications(); }
  uint64_t CountApplicationsOfSet(absl::string_view set) const override {
    return store_->CountApplicationsOfSet(set);
  }
  absl::StatusOr<hub::SetState> SetState(absl::string_view set) const override {
    return store_->SetState(set);
  }

  absl::StatusOr<std::vector<intent::EntryStatus>> Statuses(
      const intent::ClusterId& cluster, const intent::EntryKey& key) const override {
    return store_->Statuses(cluster, key);
  }
  absl::StatusOr<std::optional<intent::EntryStatus>> Status(const intent::ClusterId& cluster,
                                                            const intent::EntryKey& key,
                                                            const intent::Uid& uid) const override {
    return store_->Status(cluster, key, uid);
  }
  absl::StatusOr<hub::Page<intent::EntryStatus>> StatusesOfCluster(
      const intent::ClusterId& cluster, const hub::PageRequest& request) const override {
    return store_->StatusesOfCluster(cluster, request);
  }

  absl::StatusOr<std::vector<hub::LinkRecord>> Links() const override { return store_->Links(); }

  absl::StatusOr<std::string> GetContent(const object::Sha256& digest) const override {
    return store_->GetContent(digest);
  }
  absl::StatusOr<bool> HasContent(const object::Sha256& digest) const override {
    return store_->HasContent(digest);
  }
  absl::StatusOr<hub::Page<object::Sha256>> Content(
      const hub::PageRequest& request) const override {
    return store_->Content(request);
  }

 private:
  const std::unique_ptr<hub::Store> store_;
  const OnCommit on_commit_;
};

}  // namespace leidang::testing
