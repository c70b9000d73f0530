#include "hub/rpc/application_query.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ApplicationQuery, NamesStatesInAnyCase) {
  v1::ListRequest request;
  request.set_sync("outofsync");
  request.set_health("Degraded");
  request.set_project("p");
  ASSERT_OK_AND_ASSIGN(const ApplicationFilter filter, QueryOf(request));
  EXPECT_EQ(filter.sync, intent::SyncState::kOutOfSync);
  EXPECT_EQ(filter.health, intent::HealthState::kDegraded);
  EXPECT_EQ(filter.project, "p");
  EXPECT_FALSE(filter.set.has_value());
}

TEST(ApplicationQuery, AnUnknownStateIsRefusedWithThoseThatThereAre) {
  v1::ListRequest request;
  request.set_sync("Green");
  EXPECT_THAT(QueryOf(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("Unknown, Synced, OutOfSync")));
  request.set_sync("");
  request.set_health("Sick");
  EXPECT_THAT(QueryOf(request), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("\"Sick\" is no health: use one of Unknown, "
                                                   "Healthy")));
}

TEST(ApplicationQuery, ATokenIsReadBackAndAForeignOneRefused) {
  EXPECT_EQ(*KeyOfToken(TokenOf("ns/app")), "ns/app");
  EXPECT_EQ(*KeyOfToken(""), "");
  EXPECT_THAT(KeyOfToken("ns/app"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ApplicationQuery, CountsHaveEveryStateByName) {
  ApplicationCounts counts;
  counts.total = 5;
  counts.sync[static_cast<size_t>(intent::SyncState::kSynced)] = 3;
  counts.health[static_cast<size_t>(intent::HealthState::kMissing)] = 2;
  v1::ApplicationCounts shown;
  FillCounts(counts, &shown);
  EXPECT_EQ(shown.total(), 5u);
  ASSERT_EQ(shown.sync_size(), 3);
  EXPECT_EQ(shown.sync(1).state(), "Synced");
  EXPECT_EQ(shown.sync(1).applications(), 3u);
  ASSERT_EQ(shown.health_size(), 6);
  EXPECT_EQ(shown.health(5).state(), "Missing");
  EXPECT_EQ(shown.health(5).applications(), 2u);
}

}  // namespace
}  // namespace leidang::hub
