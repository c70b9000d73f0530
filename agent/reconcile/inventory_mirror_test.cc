#include "agent/reconcile/inventory_mirror.h"

#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "agent/cluster/kubernetes_client.h"
#include "agent/cluster/memory_api_server.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

EntryRef Ref(uint8_t uid) {
  return {{intent::EntryKind::kApplication, "leidang/cart"},
          *intent::Uid::FromRaw(std::string(16, static_cast<char>(uid)))};
}

class InventoryMirrorTest : public ::testing::Test {
 protected:
  absl::Status Write(const EntryRef& entry, const InventoryMirror::Items& items) {
    std::optional<absl::Status> answer;
    mirror_.Write(entry, items, [&](const absl::Status& status) { answer = status; });
    loop_.RunUntil([&] { return answer.has_value(); }, absl::Minutes(1));
    return answer.value_or(absl::InternalError("no answer"));
  }
  absl::StatusOr<std::optional<InventoryMirror::Items>> Read(const EntryRef& entry) {
    std::optional<absl::StatusOr<std::optional<InventoryMirror::Items>>> answer;
    mirror_.Read(entry, [&](auto items) { answer = std::move(items); });
    loop_.RunUntil([&] { return answer.has_value(); }, absl::Minutes(1));
    return answer.has_value() ? *answer : absl::InternalError("no answer");
  }

  SimLoop loop_;
  MemoryApiServer server_{loop_};
  MemoryApiConnection connection_{server_};
  KubernetesClient client_{loop_, connection_};
  InventoryMirror mirror_{client_, "leidang-agent"};
};

const InventoryMirror::Items kItems = {
    {{"", "ConfigMap", "shop", "a"}, "u-1", "1 - 0 prune prune h"},
    {{"apps", "Deployment", "shop", "w"}, "u-2", "x"}};

TEST_F(InventoryMirrorTest, WhatWasWrittenIsReadAgain) {
  ASSERT_OK_AND_ASSIGN(std::optional<InventoryMirror::Items> items, Read(Ref(1)));
  EXPECT_FALSE(items.has_value());
  ASSERT_OK(Write(Ref(1), kItems));
  ASSERT_OK_AND_ASSIGN(items, Read(Ref(1)));
  EXPECT_EQ(items, kItems);
}

TEST_F(InventoryMirrorTest, WhatAnAgentReadsWhenItBeginsComesByOneList) {
  const auto ref = [](int i) {
    EntryRef entry = Ref(1);
    entry.key.name = absl::StrCat("leidang/app", i);
    return entry;
  };
  constexpr int kApplications = 60;  // More than a page.
  for (int i = 0; i < kApplications; ++i) ASSERT_OK(Write(ref(i), kItems));
  const size_t before = server_.requests().size();
  InventoryMirror again(client_, "leidang-agent");
  int read = 0;
  for (int i = 0; i < kApplications; ++i) {
    again.Read(ref(i), [&](const absl::StatusOr<std::optional<InventoryMirror::Items>>& items) {
      ASSERT_OK(items);
      EXPECT_EQ(*items, kItems);
      ++read;
    });
  }
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(read, kApplications);
  EXPECT_EQ(server_.requests().size() - before, 2u) << "pages";
  // Later ones are asked for as they are then.
  ASSERT_OK(Write(ref(7), {}));
  std::optional<InventoryMirror::Items> later;
  again.Read(ref(7), [&](const auto& items) { later = *items; });
  loop_.RunFor(absl::Seconds(1));
  EXPECT_EQ(later, InventoryMirror::Items());
}

TEST_F(InventoryMirrorTest, AnotherIncarnationHasNone) {
  ASSERT_OK(Write(Ref(1), kItems));
  ASSERT_OK_AND_ASSIGN(const std::optional<InventoryMirror::Items> items, Read(Ref(2)));
  EXPECT_FALSE(items.has_value());
}

TEST_F(InventoryMirrorTest, WhatCannotBeReadIsNoInventory) {
  EXPECT_THAT(DecodeInventory(Ref(1), "{"), StatusIs(absl::StatusCode::kInvalidArgument));
  std::string text = EncodeInventory(Ref(1), kItems);
  text.replace(text.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_THAT(DecodeInventory(Ref(1), text),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("another format")));
}

TEST_F(InventoryMirrorTest, TooManyObjectsAreRefused) {
  InventoryMirror::Items many;
  for (int i = 0; i < 10'000; ++i) {
    many.push_back({{"", "ConfigMap", "shop", "c" + std::to_string(i)}, "u", std::string(64, 'h')});
  }
  EXPECT_THAT(Write(Ref(1), many), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace leidang::agent
