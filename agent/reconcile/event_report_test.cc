// What `kubectl get events` shows of an Application's life.

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/support/agent/test_agent.h"

namespace leidang::agent {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr char kCart[] = "leidang/cart";

class EventReportTest : public ::testing::Test {
 protected:
  EventReportTest() {
    agent_.options.syncs = ReconcileOptions::Syncs::kPhases;
    agent_.options.events_namespace = "leidang-agent";
    agent_.Restart();
  }

  static TestApp App(const std::string& colour) {
    TestApp app;
    app.name = kCart;
    app.files["app/a.yaml"] = ConfigMapText("a", colour);
    return app;
  }
  // "reason namespace/Kind/name", of all since the last call.
  std::set<std::string> Told() {
    std::set<std::string> told;
    const auto& events = agent_.cluster.events();
    for (; seen_ < events.size(); ++seen_) {
      const object::Value& event = events[seen_];
      told.insert(absl::StrCat(object::FindString(event, {"reason"}), " ",
                               object::FindString(event, {"involvedObject", "namespace"}), "/",
                               object::FindString(event, {"involvedObject", "kind"}), "/",
                               object::FindString(event, {"involvedObject", "name"})));
      message_ = std::string(object::FindString(event, {"message"}));
    }
    return told;
  }

  TestAgent agent_;
  size_t seen_ = 0;
  std::string message_;  // Of the last.
};

TEST_F(EventReportTest, ASyncIsToldAtItsBeginningAndItsEnd) {
  agent_.Put(App("red"));
  agent_.Settle();
  EXPECT_THAT(Told(), IsSupersetOf({"SyncStarted leidang-agent/Application/cart",
                                    "SyncSucceeded leidang-agent/Application/cart"}));
  agent_.Settle(absl::Hours(1));
  EXPECT_THAT(Told(), IsEmpty()) << "nothing happens, nothing is told";
}

TEST_F(EventReportTest, ACorrectionIsToldOfTheObject) {
  agent_.Put(App("red"));
  agent_.Settle();
  Told();
  agent_.Edit("a", "colour", "by hand");
  agent_.Settle();
  EXPECT_THAT(Told(), Contains("DriftCorrected shop/ConfigMap/a"));
}

TEST_F(EventReportTest, AFailureIsAWarningAndToldOnceWhileItLasts) {
  agent_.cluster.SetFault([](MemoryCluster::Operation operation, const object::ObjectKey& key) {
    return operation == MemoryCluster::Operation::kApply && key.name == "a"
               ? absl::InvalidArgumentError("the server does not like it")
               : absl::OkStatus();
  });
  agent_.Put(App("red"));
  agent_.Settle(absl::Minutes(30));
  EXPECT_THAT(Told(), IsSupersetOf({"SyncFailed leidang-agent/Application/cart",
                                    "SyncError leidang-agent/Application/cart"}));
  agent_.cluster.SetFault(nullptr);
  agent_.Put(App("blue"));
  agent_.Settle();
  EXPECT_THAT(Told(), Contains("SyncSucceeded leidang-agent/Application/cart"));
}

TEST_F(EventReportTest, TheEndOfAnApplicationIsTold) {
  agent_.Put(App("red"));
  agent_.Settle();
  Told();
  agent_.Delete(kCart);
  agent_.Settle();
  EXPECT_THAT(Told(), Contains("Deleted leidang-agent/Application/cart"));
}

TEST_F(EventReportTest, AFolderHasNoEvents) {
  agent_.options = {};
  agent_.Restart();
  agent_.Put(App("red"));
  agent_.Settle();
  EXPECT_THAT(Told(), IsEmpty());
}

}  // namespace
}  // namespace leidang::agent
