#pragma once

// What the contract test runs a store on: opens it, waits for commits, kills it and opens it again.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/intent/intent.h"
#include "hub/store/store.h"

namespace leidang::hub {

class StoreHarness {
 public:
  virtual ~StoreHarness() = default;

  virtual Store& store() = 0;
  // Commits and waits for the result.
  virtual CommitResult Commit(WriteBatch batch) = 0;
  // Commits without waiting; the results in the order of the calls.
  virtual std::vector<CommitResult> CommitAll(std::vector<WriteBatch> batches) = 0;
  // As after SIGKILL of the hub: closed in no order, opened again.
  virtual void KillAndReopen() = 0;
  // As CommitAll, while the thread that commits is busy until all of them wait.
  virtual std::vector<CommitResult> CommitTogether(std::vector<WriteBatch> batches) = 0;
  // How often the disk was made to sync, by all that this one opened.
  virtual uint64_t syncs() const = 0;
  // The loop that subscribers use, and a way to let it run.
  virtual EventLoop* loop() = 0;
  virtual void Settle() = 0;
};

using MakeHarness = std::function<std::unique_ptr<StoreHarness>()>;

struct HarnessKind {
  std::string name;
  MakeHarness make;
};

// What the test program that is linked tests.
std::vector<HarnessKind> HarnessKinds();

inline intent::ClusterId TestCluster(uint8_t n) {
  intent::ClusterId::Bytes bytes{};
  bytes[0] = 0xc0;
  bytes[15] = n;
  return intent::ClusterId(bytes);
}

inline intent::HubId TestHub() {
  intent::HubId::Bytes bytes{};
  bytes[0] = 0xab;
  return intent::HubId(bytes);
}

inline intent::Authority TestAuthority(uint64_t epoch = 1) {
  return {TestHub(), epoch, 70 + epoch};
}

inline intent::EntryKey AppKey(const std::string& name) {
  return {intent::EntryKind::kApplication, "leidang/" + name};
}

inline intent::Uid TestUid(const std::string& name, uint64_t deletions = 0) {
  return intent::ComputeUid(TestHub(), AppKey(name), deletions);
}

inline intent::Assignment TestAssignment(const std::string& name, const std::string& value,
                                         uint64_t deletions = 0) {
  intent::Assignment assignment;
  assignment.key = AppKey(name);
  assignment.uid = TestUid(name, deletions);
  assignment.body = "{\"spec\":{\"value\":\"" + value + "\"}}";
  intent::Source source;
  source.repo_url = "https://git.example/apps.git";
  source.target_revision = "main";
  source.commit = std::string(40, 'a');
  source.path = "apps/" + name;
  source.tree = object::Sha256::Of(value);
  assignment.sources.push_back(source);
  return assignment;
}

inline intent::Tombstone TestTombstone(const std::string& name, uint64_t deletions = 0) {
  return {AppKey(name), TestUid(name, deletions), intent::DeletionPolicy::kForeground};
}

}  // namespace leidang::hub
