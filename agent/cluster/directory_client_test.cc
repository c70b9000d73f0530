#include "agent/cluster/directory_client.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>

#include "agent/cluster/cluster_contract.h"
#include "agent/cluster/directory_names.h"
#include "common/manifest/manifest.h"
#include "common/manifest/tracking.h"
#include "common/time/sim_loop.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

std::string NameOf(const ObjectKey& key) {
  absl::StatusOr<std::string> name = FileName(key);
  EXPECT_THAT(name, IsOk());
  return name.ok() ? *name : "";
}

// Without a watch: the rescans of virtual time stand in.
class DirectoryUnderTest final : public ClusterUnderTest {
 public:
  DirectoryUnderTest() { Restart(); }
  ~DirectoryUnderTest() override { loop_.Clear(); }

  ClusterClient& client() override { return *client_; }
  void Restart() override {
    client_.reset();
    client_ = std::make_unique<DirectoryClient>(
        loop_, loop_,
        DirectoryOptions{.path = path(), .watching = DirectoryOptions::Watching::kRescansOnly});
  }
  void Settle() override { loop_.RunFor(absl::Seconds(5)); }
  void PutOutside(const object::Value& manifest) override {
    testing::WriteFile(path() + "/" + NameOf(*manifest::KeyOf(manifest)),
                       object::PrettyJson(manifest));
  }
  void RemoveOutside(const ObjectKey& key) override {
    std::filesystem::remove(path() + "/" + NameOf(key));
  }

  std::string path() const { return parent_ / "target"; }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path())) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  testing::TempDir parent_;
  SimLoop loop_;
  std::unique_ptr<DirectoryClient> client_;
};

INSTANTIATE_TEST_SUITE_P(Directory, ClusterContractTest,
                         ::testing::Values(ClusterKind{
                             "directory", [] { return std::make_unique<DirectoryUnderTest>(); }}),
                         [](const auto& info) { return info.param.name; });

const ObjectKey kKey{"", "ConfigMap", "shop", "a"};

object::Value Tracked(const ObjectKey& key, absl::string_view app) {
  object::Value value = object::Object();
  object::Object& object = value.as_object();
  object["apiVersion"] = key.group.empty() ? "v1" : key.group + "/v1";
  object["kind"] = key.kind;
  object["metadata"] = {{"name", key.name}};
  if (!key.ns.empty()) manifest::SetNamespace(value, key.ns);
  manifest::Track(value, app, key);
  return value;
}

absl::StatusOr<Applied> Apply(DirectoryUnderTest& cluster, const ObjectKey& key,
                              std::optional<std::string> if_version = std::nullopt) {
  absl::StatusOr<Applied> answer = absl::InternalError("no answer");
  cluster.client().Apply({key, Tracked(key, "leidang/cart"), std::move(if_version)},
                         [&answer](absl::StatusOr<Applied> a) { answer = std::move(a); });
  cluster.Settle();
  return answer;
}

std::vector<LiveObject> OfApp(DirectoryUnderTest& cluster) {
  std::vector<LiveObject> objects;
  cluster.client().Read({.app = "leidang/cart"}, [&objects](auto answer) {
    EXPECT_THAT(answer, IsOk());
    if (answer.ok()) objects = *answer;
  });
  cluster.Settle();
  return objects;
}

TEST(DirectoryClient, ForeignFilesStayAsTheyAre) {
  DirectoryUnderTest cluster;
  cluster.Settle();
  testing::WriteFile(cluster.path() + "/notes.txt", "mine");
  testing::WriteFile(cluster.path() + "/other.yaml", "not: [closed");
  testing::WriteFile(cluster.path() + "/sub/x.yaml", "a: 1");
  ASSERT_OK(Apply(cluster, kKey));
  EXPECT_THAT(cluster.Files(),
              ElementsAre("notes.txt", "other.yaml", "shop.configmap.core.a.yaml", "sub"));
  EXPECT_EQ(testing::ReadFile(cluster.path() + "/other.yaml"), "not: [closed");
}

TEST(DirectoryClient, LeftOverTemporaryFilesAreRemovedAtTheStart) {
  DirectoryUnderTest cluster;
  cluster.Settle();
  testing::WriteFile(cluster.path() + "/.leidang-7-1.tmp", "half");
  cluster.Restart();
  cluster.Settle();
  EXPECT_THAT(cluster.Files(), IsEmpty());
}

TEST(DirectoryClient, SecretsAreForTheirOwnerOnly) {
  DirectoryUnderTest cluster;
  ASSERT_OK(Apply(cluster, {"", "Secret", "shop", "s"}));
  struct stat info{};
  ASSERT_EQ(::stat((cluster.path() + "/shop.secret.core.s.yaml").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(DirectoryClient, ABrokenFileIsStillKnownByItsKeyAndCanBeRestored) {
  DirectoryUnderTest cluster;
  ASSERT_OK_AND_ASSIGN(const Applied applied, Apply(cluster, kKey));
  testing::WriteFile(cluster.path() + "/shop.configmap.core.a.yaml", "broken: [");
  cluster.Settle();
  std::vector<LiveObject> live;
  cluster.client().Read({.keys = {kKey}}, [&live](auto answer) { live = *answer; });
  cluster.Settle();
  ASSERT_EQ(live.size(), 1u);
  EXPECT_NE(live[0].hash, applied.hash);
  ASSERT_OK(Apply(cluster, kKey, live[0].version));
  ASSERT_EQ(OfApp(cluster).size(), 1u);
  EXPECT_EQ(OfApp(cluster)[0].hash, applied.hash);
}

TEST(DirectoryClient, ASymbolicLinkIsReplacedNotFollowed) {
  DirectoryUnderTest cluster;
  ASSERT_OK(Apply(cluster, kKey));
  const std::string file = cluster.path() + "/shop.configmap.core.a.yaml";
  const std::string elsewhere = cluster.path() + "/../elsewhere";
  testing::WriteFile(elsewhere, "theirs");
  std::filesystem::remove(file);
  std::filesystem::create_symlink(elsewhere, file);
  cluster.Settle();
  ASSERT_OK(Apply(cluster, kKey));
  EXPECT_EQ(testing::ReadFile(elsewhere), "theirs");
  EXPECT_FALSE(std::filesystem::is_symlink(file));
}

TEST(DirectoryClient, TwoObjectsOfOneFileAreRefusedNamingBoth) {
  DirectoryUnderTest cluster;
  ASSERT_OK(Apply(cluster, {"rbac.authorization.k8s.io", "ClusterRole", "", "Admin"}));
  EXPECT_THAT(Apply(cluster, {"rbac.authorization.k8s.io", "ClusterRole", "", "admin"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::AllOf(HasSubstr("ClusterRole admin"),
                                        HasSubstr("ClusterRole Admin of leidang/cart"))));
}

TEST(DirectoryClient, ADirectoryInPlaceOfAFileIsAnErrorThatNamesIt) {
  DirectoryUnderTest cluster;
  cluster.Settle();
  std::filesystem::create_directory(cluster.path() + "/shop.configmap.core.a.yaml");
  EXPECT_THAT(Apply(cluster, kKey),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("configmap.core.a.yaml")));
}

TEST(DirectoryClient, AMissingParentIsUnavailableUntilItIsThere) {
  testing::TempDir temp;
  SimLoop loop;
  DirectoryClient client(
      loop, loop,
      {.path = temp / "no/target", .watching = DirectoryOptions::Watching::kRescansOnly});
  std::optional<absl::Status> status;
  const auto read = [&] {
    client.Read({.app = "leidang/cart"}, [&status](auto answer) { status = answer.status(); });
    loop.RunFor(absl::Seconds(5));
  };
  read();
  EXPECT_THAT(*status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no/target")));
  std::filesystem::create_directory(temp / "no");
  read();
  EXPECT_THAT(*status, IsOk());
  loop.Clear();
}

TEST(DirectoryClient, ALostDirectoryIsMadeAgainAndItsObjectsReported) {
  DirectoryUnderTest cluster;
  std::vector<std::string> seen;
  cluster.client().Watch([&seen](const ObjectEvent& event) { seen.push_back(event.key.name); });
  ASSERT_OK(Apply(cluster, kKey));
  std::filesystem::remove_all(cluster.path());
  cluster.Settle();
  EXPECT_THAT(seen, ElementsAre("a"));
  EXPECT_THAT(OfApp(cluster), IsEmpty());
  EXPECT_THAT(Apply(cluster, kKey, ""), IsOk());
}

TEST(DirectoryClient, ACopyOfAFileIsNobodysObject) {
  DirectoryUnderTest cluster;
  ASSERT_OK(Apply(cluster, kKey));
  std::filesystem::copy_file(cluster.path() + "/shop.configmap.core.a.yaml",
                             cluster.path() + "/backup.yaml");
  cluster.Settle();
  EXPECT_EQ(OfApp(cluster).size(), 1u);
}

}  // namespace
}  // namespace leidang::agent
