#include "agent/cluster/memory_cluster.h"

#include <memory>
#include <optional>

#include "gtest/gtest.h"

#include "agent/cluster/cluster_contract.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

class MemoryUnderTest final : public ClusterUnderTest {
 public:
  MemoryUnderTest() { Restart(); }

  ClusterClient& client() override { return *client_; }
  void Restart() override {
    client_.reset();
    client_ = std::make_unique<MemoryClient>(cluster_, loop_);
  }
  void Settle() override { loop_.RunUntilIdle(); }
  void PutOutside(const object::Value& manifest) override { cluster_.PutOutside(manifest); }
  void RemoveOutside(const object::ObjectKey& key) override { cluster_.RemoveOutside(key); }

 private:
  SimLoop loop_;
  MemoryCluster cluster_;
  std::unique_ptr<MemoryClient> client_;
};

INSTANTIATE_TEST_SUITE_P(Memory, ClusterContractTest,
                         ::testing::Values(ClusterKind{
                             "memory", [] { return std::make_unique<MemoryUnderTest>(); }}),
                         [](const auto& info) { return info.param.name; });

object::Value Parse(absl::string_view json) {
  absl::StatusOr<object::Value> value = object::ParseJson(json);
  EXPECT_OK(value);
  return value.ok() ? *value : object::Value();
}

TEST(MemoryCluster, FieldsOfOthersAreNoPartOfTheHash) {
  SimLoop loop;
  MemoryCluster cluster;
  MemoryClient client(cluster, loop);
  const object::ObjectKey key{"", "ConfigMap", "shop", "a"};
  const object::Value ours = Parse(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"},
          "data":{"x":"1"}})");
  std::optional<Applied> applied;
  client.Apply({key, ours, std::nullopt}, [&](absl::StatusOr<Applied> a) { applied = *a; });
  loop.RunUntilIdle();
  object::Value edited = ours;
  edited.at("data").as_object()["y"] = "2";
  cluster.PutOutside(edited);
  std::optional<LiveObject> live;
  client.Read({.keys = {key}}, [&](absl::StatusOr<std::vector<LiveObject>> l) { live = l->at(0); });
  loop.RunUntilIdle();
  ASSERT_TRUE(applied.has_value() && live.has_value());
  EXPECT_EQ(live->hash, applied->hash);
  EXPECT_NE(live->version, applied->version);
}

TEST(MemoryCluster, RefusesWhatItsFaultRefuses) {
  SimLoop loop;
  MemoryCluster cluster;
  MemoryClient client(cluster, loop);
  cluster.SetFault([](MemoryCluster::Operation, const object::ObjectKey&) {
    return absl::UnavailableError("down");
  });
  absl::Status status;
  client.Read({.app = "a/b"}, [&](auto result) { status = result.status(); });
  loop.RunUntilIdle();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace leidang::agent
