#include "hub/rpc/status_json.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leidang::hub {
namespace {

using ::testing::HasSubstr;

v1::Resource Reported() {
  v1::Resource resource;
  v1::ApplicationSummary* a = resource.mutable_application();
  a->set_cluster("one");
  a->set_cluster_connected(true);
  a->set_sync("Synced");
  a->set_health("Healthy");
  a->set_applied_commit("abc");
  a->set_phase("Succeeded");
  a->set_message("done");
  a->mutable_observed_at()->set_seconds(1'800'000'000);
  v1::ObjectState* object = a->add_resources();
  object->set_kind("ConfigMap");
  object->set_name("cart");
  object->set_sync("Synced");
  object->set_health("Healthy");
  return resource;
}

constexpr char kReport[] =
    R"("sync":{"status":"Synced","revision":"abc"},"health":{"status":"Healthy"},)"
    R"("operationState":{"phase":"Succeeded","message":"done"},)"
    R"("resources":[{"kind":"ConfigMap","name":"cart","status":"Synced",)"
    R"("health":{"status":"Healthy","message":""}}])";
constexpr char kUnknown[] = R"("sync":{"status":"Unknown"},"health":{"status":"Unknown"},)";

TEST(StatusJson, IsWhatAConnectedClusterReported) {
  EXPECT_EQ(WithStatus(R"({"kind":"Application"})", Reported()),
            absl::StrCat(R"({"kind":"Application","status":{)", kReport, R"(,"conditions":[]}})"));
}

TEST(StatusJson, OfAnOfflineClusterNothingIsGreenAndTheReportStandsApart) {
  v1::Resource resource = Reported();
  v1::ApplicationSummary* a = resource.mutable_application();
  a->set_cluster_connected(false);
  a->set_reported_sync("Synced");
  a->set_reported_health("Healthy");
  a->set_sync("Unknown");
  a->set_health("Unknown");
  a->mutable_cluster_last_seen()->set_seconds(1'800'000'060);
  v1::ResourceCondition* condition = resource.add_conditions();
  condition->set_type("ClusterOffline");
  condition->set_status("True");
  condition->mutable_since()->set_seconds(1'800'000'090);
  EXPECT_EQ(WithStatus("{}", resource),
            absl::StrCat(R"({"status":{)", kUnknown, R"("lastReported":{)", kReport,
                         R"(,"observedAt":"2027-01-15T08:00:00Z",)",
                         R"("clusterLastSeen":"2027-01-15T08:01:00Z"},)",
                         R"("conditions":[{"type":"ClusterOffline","status":"True","reason":"",)",
                         R"("message":"","lastTransitionTime":"2027-01-15T08:01:30Z"}]}})"));
  a->clear_reported_sync();
  resource.clear_conditions();
  EXPECT_EQ(WithStatus("{}", resource),
            absl::StrCat(R"({"status":{)", kUnknown, R"("conditions":[]}})"))
      << "it has never reported";
}

TEST(StatusJson, TheTimesOfTheLastSyncAreArgoCds) {
  v1::Resource resource = Reported();
  v1::ApplicationSummary* a = resource.mutable_application();
  a->set_phase("Running");
  a->set_operation_commit("def");
  a->mutable_operation_started()->set_seconds(1'800'000'000);
  const std::string running = R"("operationState":{"phase":"Running","message":"done",)"
                              R"("startedAt":"2027-01-15T08:00:00Z")";
  EXPECT_THAT(WithStatus("{}", resource),
              HasSubstr(absl::StrCat(running, R"(,"syncResult":{"revision":"def"}})")));
  a->mutable_operation_finished()->set_seconds(1'800'000'005);
  EXPECT_THAT(WithStatus("{}", resource),
              HasSubstr(absl::StrCat(running, R"(,"finishedAt":"2027-01-15T08:00:05Z",)")));
}

TEST(StatusJson, AManifestThatIsNoObjectStaysAsItIs) {
  EXPECT_EQ(WithStatus("[]", Reported()), "[]");
  EXPECT_EQ(WithStatus("{", Reported()), "{");
}

}  // namespace
}  // namespace leidang::hub
