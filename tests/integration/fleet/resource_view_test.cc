#include "hub/rpc/resource_view.h"

#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "common/time/sim_loop.h"
#include "hub/source/fake_git_source.h"
#include "tests/support/hub/test_hub.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Property;

constexpr char kCart[] = "leidang/cart";

// One Application that was Synced and Healthy when its cluster was last heard of.
class ResourceViewTest : public ::testing::Test {
 protected:
  ResourceViewTest() : hub_(loop_, git_) {
    hub_.Start();
    EXPECT_TRUE(hub_.Settle());
    EXPECT_OK(hub_.Register("one"));
    EXPECT_OK(hub_.Join("one"));
    cluster_ = hub_.IdOf("one");
    const intent::Uid uid = *intent::Uid::FromRaw(std::string(16, 'u'));
    DerivedApplication application;
    application.key = kCart;
    application.set = "leidang/shop";
    application.cluster = cluster_;
    application.uid = uid;
    application.manifest = R"({"kind":"Application"})";
    intent::EntryStatus status;
    status.key = {intent::EntryKind::kApplication, kCart};
    status.uid = uid;
    status.sync = intent::SyncState::kSynced;
    status.health = intent::HealthState::kHealthy;
    status.observed_at = absl::FromUnixSeconds(1'800'000'000);
    WriteBatch batch;
    batch.PutApplication(std::move(application));
    batch.PutStatus(cluster_, std::move(status));
    hub_.store().Commit(std::move(batch), &loop_,
                        [](const CommitResult& result) { EXPECT_OK(result.status); });
    loop_.RunFor(absl::Seconds(1));
  }

  void Connect() {
    link_.connected = true;
    hub_.store().SetReach(cluster_, Reach::kLive);
  }
  ResourceView View() {
    return ResourceView({hub_.records(), hub_.store(), hub_.owners(), hub_.repositories(),
                         [this](const intent::ClusterId&) { return link_; }});
  }
  v1::Resource Get(v1::Kind kind, const std::string& name) {
    v1::GetRequest request;
    request.set_kind(kind);
    request.set_name(name);
    const absl::StatusOr<v1::Resource> resource = View().Get(request);
    EXPECT_OK(resource);
    return resource.value_or(v1::Resource());
  }
  v1::ListResponse List(const std::string& sync) {
    v1::ListRequest request;
    request.set_kind(v1::APPLICATION);
    request.set_sync(sync);
    const absl::StatusOr<v1::ListResponse> response = View().List(request);
    EXPECT_OK(response);
    return response.value_or(v1::ListResponse());
  }

  SimLoop loop_;
  FakeGitSource git_;
  testing::TestHub hub_;
  intent::ClusterId cluster_;
  ClusterLink link_;
};

TEST_F(ResourceViewTest, AConnectedClustersReportIsItsState) {
  Connect();
  const v1::Resource cart = Get(v1::APPLICATION, "cart");
  EXPECT_EQ(cart.application().sync(), "Synced");
  EXPECT_EQ(cart.application().health(), "Healthy");
  EXPECT_EQ(cart.application().reported_sync(), "");
  EXPECT_THAT(cart.conditions(), IsEmpty());
  EXPECT_EQ(Get(v1::CLUSTER, "one").cluster().synced(), 1u);
  EXPECT_EQ(List("Synced").items_size(), 1);
}

TEST_F(ResourceViewTest, AnOfflineClustersReportIsNotItsState) {
  link_.last_seen = absl::FromUnixSeconds(1'800'000'060);
  link_.since = absl::FromUnixSeconds(1'800'000'090);
  const v1::Resource cart = Get(v1::APPLICATION, "cart");
  EXPECT_EQ(cart.application().sync(), "Unknown");
  EXPECT_EQ(cart.application().health(), "Unknown");
  EXPECT_EQ(cart.application().reported_sync(), "Synced");
  EXPECT_EQ(cart.application().reported_health(), "Healthy");
  EXPECT_EQ(cart.application().cluster_last_seen().seconds(), 1'800'000'060);
  EXPECT_THAT(cart.conditions(),
              ElementsAre(Property(&v1::ResourceCondition::type, "ClusterOffline")));
  EXPECT_THAT(cart.conditions(0).message(),
              HasSubstr("cluster one is offline, last seen 2027-01-15T08:01:00Z"));
  EXPECT_EQ(cart.conditions(0).since().seconds(), 1'800'000'090);
  EXPECT_THAT(cart.manifest(), HasSubstr(R"("lastReported")"));

  EXPECT_EQ(Get(v1::CLUSTER, "one").cluster().synced(), 0u);
  EXPECT_EQ(Get(v1::CLUSTER, "one").cluster().healthy(), 0u);
  EXPECT_EQ(List("Synced").items_size(), 0);
  EXPECT_EQ(List("Unknown").items_size(), 1);
  EXPECT_EQ(List("").counts().offline(), 1u);
  EXPECT_EQ(List("").items(0).application().sync(), "Unknown");
}

TEST_F(ResourceViewTest, OfAClusterThatWasNeverSeenItSaysSo) {
  EXPECT_THAT(Get(v1::APPLICATION, "cart").conditions(0).message(),
              HasSubstr("this hub does not know since when"));
  ASSERT_OK(hub_.Register("two"));
  WriteBatch batch;
  DerivedApplication application;
  application.key = "leidang/pay";
  application.cluster = hub_.IdOf("two");
  application.uid = *intent::Uid::FromRaw(std::string(16, 'p'));
  application.manifest = "{}";
  batch.PutApplication(std::move(application));
  hub_.store().Commit(std::move(batch), &loop_, [](const CommitResult&) {});
  loop_.RunFor(absl::Seconds(1));
  const v1::Resource pay = Get(v1::APPLICATION, "pay");
  EXPECT_THAT(pay.conditions(0).message(), HasSubstr("cluster two has not joined yet"));
  EXPECT_EQ(pay.application().reported_sync(), "") << "nothing was ever reported";
}

}  // namespace
}  // namespace leidang::hub
