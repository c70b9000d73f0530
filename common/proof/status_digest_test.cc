#include "common/proof/status_digest.h"

#include <functional>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace leidang::proof {
namespace {

intent::EntryStatus Cart() {
  return {.key = {intent::EntryKind::kApplication, "leidang/cart"},
          .uid = *intent::Uid::FromHex("00112233445566778899aabbccddeeff"),
          .observed_at = absl::FromUnixSeconds(1'700'000'000)};
}

TEST(StatusDigestTest, EveryFieldMakesAnotherElement) {
  using Edit = std::function<void(intent::EntryStatus&)>;
  const std::vector<Edit> edits = {
      [](auto&) {},
      [](auto& s) { s.key.name = "leidang/car"; },
      [](auto& s) { s.uid = {}; },
      [](auto& s) { s.received = 1; },
      [](auto& s) { s.applied = 1; },
      [](auto& s) { s.applied_element = object::Sha256::Of("x"); },
      [](auto& s) { s.sync = intent::SyncState::kSynced; },
      [](auto& s) { s.health = intent::HealthState::kHealthy; },
      [](auto& s) { s.operation = intent::OperationPhase::kRunning; },
      [](auto& s) { s.message = "m"; },
      [](auto& s) { s.applied_commit = "m"; },
      [](auto& s) { s.objects = 1; },
      [](auto& s) { s.drift_corrections = 1; },
      [](auto& s) { s.deleting = true; },
      [](auto& s) { s.gone = true; },
      [](auto& s) { s.unclaimed = true; },
      [](auto& s) { s.observed_at += absl::Milliseconds(1); },
      [](auto& s) { s.conditions = {{"a", "b", "c", {}}}; },
      [](auto& s) { s.conditions = {{"a", "b", "", {}}}; },
      [](auto& s) { s.conditions = {{"a", "", "", {}}}; },
      [](auto& s) { s.conditions = {{"a", "b", "c", absl::FromUnixSeconds(1)}}; },
      [](auto& s) { s.resources = {{}}; },
      [](auto& s) { s.resources = {{}, {}}; },
      [](auto& s) { s.resources = {{.key = {"g", "", "", ""}}}; },
      [](auto& s) { s.resources = {{.key = {"", "g", "", ""}}}; },
      [](auto& s) { s.resources = {{.key = {"", "", "g", ""}}}; },
      [](auto& s) { s.resources = {{.key = {"", "", "", "g"}}}; },
      [](auto& s) { s.resources = {{.sync = intent::SyncState::kSynced}}; },
      [](auto& s) { s.resources = {{.health = intent::HealthState::kUnknown}}; },
      [](auto& s) { s.resources = {{.health = intent::HealthState::kHealthy}}; },
      [](auto& s) { s.resources = {{.hook = "PreSync"}}; },
      [](auto& s) { s.resources = {{.operation = intent::OperationPhase::kFailed}}; },
      [](auto& s) { s.resources = {{.message = "m"}}; },
  };
  std::set<object::Sha256> elements;
  for (const Edit& edit : edits) {
    intent::EntryStatus status = Cart();
    edit(status);
    elements.insert(StatusElementOf(status));
  }
  EXPECT_EQ(elements.size(), edits.size());
}

TEST(StatusDigestTest, OrderDoesNotMatterAndRemovalUndoesAdding) {
  const object::Sha256 a = object::Sha256::Of("a");
  const object::Sha256 b = object::Sha256::Of("b");
  StatusDigest one;
  one.Add(a);
  one.Add(b);
  StatusDigest other;
  other.Add(b);
  other.Add(a);
  EXPECT_EQ(one.Root(), other.Root());
  other.Remove(a);
  EXPECT_NE(one.Root(), other.Root());
  other.Remove(b);
  EXPECT_EQ(other.Root(), StatusDigest().Root());
}

}  // namespace
}  // namespace leidang::proof
