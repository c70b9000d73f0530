// What becomes of a fleet whose hub lost its disk: with its identity and Git, from a backup, and
// where a foreign hub takes its place. Real programs throughout.

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"

#include "tests/integration/recovery/recovery_fixture_test.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RecoveryTest : public RecoveryFixture {};

TEST_F(RecoveryTest, TwentyClustersSurviveAHubThatLostItsDiskButNotItsIdentity) {
  const Apps apps = {{"cart", "one"}, {"shop", "two"}, {"mail", "three"}};
  std::vector<std::string> clusters;
  for (int i = 0; i < 20; ++i) clusters.push_back(absl::StrCat("c", i));
  ASSERT_NO_FATAL_FAILURE(StartWith(apps, clusters));
  const std::string bundle = fleet_->folder() + "/identity.sealed";
  const auto exported = fleet_->LeidangHub({"identity", "export", bundle});
  ASSERT_EQ(exported.code, 0) << exported.err;
  // What the bundle does not know: Applications that were deleted and made again.
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "one"}, {"shop", "two"}}));
  ASSERT_NO_FATAL_FAILURE(Become(apps));
  const auto before = fleet_->Files();
  EXPECT_GE(before.size(), 3 * clusters.size());

  LoseHub();
  const auto imported = fleet_->LeidangHub({"identity", "import", bundle});
  ASSERT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("with 20 clusters"));
  fleet_->StartHub();
  const auto shown = Recovering(": adopt application:leidang/mail-", clusters.size());
  for (const char* other : {": add ", ": change ", ": remove ", ": keep "})
    EXPECT_THAT(shown.out, Not(HasSubstr(other)));
  EXPECT_EQ(ChangedSince(before), "") << "before a person has seen it";

  const auto accepted = fleet_->Leidang({"recover", "--accept"});
  ASSERT_EQ(accepted.code, 0) << accepted.err;
  EXPECT_THAT(accepted.out, HasSubstr("20 clusters go on"));
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "") << "no deletes, no rewrites";
  WaitForRecovery();

  // And the fleet works on, with those that were adopted.
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "four"}, {"shop", "two"}}));
  const auto check = fleet_->LeidangHub({"check"});
  EXPECT_EQ(check.code, 0) << check.out << check.err;
}

TEST_F(RecoveryTest, ARestoredBackupGoesOnByItselfWhereNothingDiffersAndWaitsElsewhere) {
  ASSERT_NO_FATAL_FAILURE(StartWith({{"cart", "one"}, {"shop", "two"}}, {"east", "west"}));
  const std::string backups = fleet_->folder() + "/backups";
  const auto backup = fleet_->LeidangHub({"backup", "--to", backups});
  ASSERT_EQ(backup.code, 0) << backup.err;
  EXPECT_THAT(backup.out, HasSubstr("backup 1 in " + backups));
  EXPECT_THAT(fleet_->LeidangHub({"backups", "--in", backups}).out, HasSubstr("\n1  "));

  // The agents learn more than the backup has: other content, and one that ends.
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "changed"}}));
  const auto before = fleet_->Files();
  LoseHub();
  const auto restored = fleet_->LeidangHub({"restore", "--from", backups});
  ASSERT_EQ(restored.code, 0) << restored.err;
  fleet_->StartHub();
  // Git says what the agents hold, so that nothing differs once the sets have been expanded again.
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "");
  EXPECT_THAT(fleet_->HubLog(), HasSubstr("a cluster has recovered"));

  // The same once more, but Git went on while the hub was away.
  LoseHub();
  ASSERT_EQ(fleet_->LeidangHub({"restore", "--from", backups, "--id", "1"}).code, 0);
  const Apps newer = {{"cart", "newer"}, {"extra", "new"}};
  repository_.Commit(newer);
  fleet_->StartHub();
  Recovering(": add application:leidang/extra-", 2);
  Recovering(": change application:leidang/cart-", 2);
  EXPECT_THAT(fleet_->Leidang({"get", "clusters"}).out, HasSubstr("recovering"));
  EXPECT_EQ(ChangedSince(before), "") << "held back";
  ASSERT_EQ(fleet_->Leidang({"recover", "--accept", "--cluster", "east"}).code, 0);
  ASSERT_TRUE(WaitUntil(
      [&] { return absl::StrContains(ReadFile(PathOf("east", "cart")), "newer"); }, kPatience));
  EXPECT_THAT(ReadFile(PathOf("west", "cart")), HasSubstr("changed"));
  ASSERT_EQ(fleet_->Leidang({"recover", "--accept"}).code, 0);
  WaitForApps(newer);
}

TEST_F(RecoveryTest, AForeignHubChangesNothingUntilAPersonAtTheClusterTrustsIt) {
  ASSERT_NO_FATAL_FAILURE(StartWith({{"cart", "one"}}, {"east"}));
  const auto before = fleet_->Files();
  LoseHub();
  fleet_->StartHub();  // A new one, with another identity and authority.
  ASSERT_TRUE(WaitUntil(
      [&] { return absl::StrContains(fleet_->AgentLog("east"), "not connected"); }, kPatience));
  const auto registered = fleet_->Leidang({"cluster", "register", "east", "-o", "json"});
  ASSERT_EQ(registered.code, 0) << registered.err;
  const auto word = [&registered](const std::string& key) {
    const std::string begin = absl::StrCat("\"", key, "\": \"");
    const size_t at = registered.out.find(begin) + begin.size();
    return registered.out.substr(at, registered.out.find('"', at) - at);
  };
  const std::string log = fleet_->HubLog();
  const std::string hub = log.substr(log.rfind(" hub=") + 5, 32);
  const std::vector<std::string> trust = {"trust-hub",
                                          hub,
                                          "--rejoin",
                                          "--data-dir",
                                          fleet_->AgentDirectory("east"),
                                          "--hub",
                                          fleet_->hub_address(),
                                          "--join-token",
                                          word("token"),
                                          "--ca-pin",
                                          word("caPin")};
  const auto running = fleet_->LeidangAgent(trust);
  EXPECT_EQ(running.code, 4);
  EXPECT_THAT(running.err, HasSubstr("stop it to join another hub"));
  EXPECT_EQ(ChangedSince(before), "");

  fleet_->agent("east").Kill();
  const auto trusted = fleet_->LeidangAgent(trust);
  ASSERT_EQ(trusted.code, 0) << trusted.err;
  fleet_->agent("east").Start();
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "") << "the same content is not written again";
  ASSERT_NO_FATAL_FAILURE(Become({{"cart", "two"}}));

  const auto nonsense = fleet_->LeidangAgent({"trust-hub", "nonsense"});
  EXPECT_EQ(nonsense.code, 64);
  EXPECT_THAT(nonsense.err, HasSubstr("\"nonsense\" is no hub id"));
}

TEST_F(RecoveryTest, WhatCannotBeDoneToADataDirectoryIsSaid) {
  ASSERT_NO_FATAL_FAILURE(StartWith({{"cart", "one"}}, {"east"}));
  const std::string bundle = fleet_->folder() + "/identity.sealed";
  const std::string backups = fleet_->folder() + "/backups";
  ASSERT_EQ(fleet_->LeidangHub({"identity", "export", bundle}).code, 0);
  ASSERT_EQ(fleet_->LeidangHub({"backup", "--to", backups}).code, 0);

  // Under a running hub.
  EXPECT_EQ(fleet_->LeidangHub({"check"}).code, 0);
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"restore", "--from", backups},
        {"identity", "import", bundle},
        {"rebuild"}}) {
    const auto refused = fleet_->LeidangHub(command);
    EXPECT_EQ(refused.code, 4) << command[0];
    EXPECT_THAT(refused.err, HasSubstr(fleet_->hub_directory())) << command[0];
  }
  // On what is there already.
  fleet_->KillHub();
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"restore", "--from", backups}, {"identity", "import", bundle}}) {
    const auto refused = fleet_->LeidangHub(command);
    EXPECT_EQ(refused.code, 4) << command[0];
    EXPECT_THAT(refused.err, HasSubstr("exists: move it away")) << command[0];
  }
  EXPECT_EQ(fleet_->LeidangHub({"check"}).code, 0) << "and without a hub";
  EXPECT_EQ(fleet_->LeidangHub({"backup", "--to", backups}).code, 0);
  EXPECT_EQ(fleet_->LeidangHub({"rebuild"}).code, 0);
  const auto before = fleet_->Files();
  fleet_->StartHub();
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "");

  // On nothing, and of nothing.
  LoseHub();
  EXPECT_EQ(fleet_->LeidangHub({"check"}).code, 3);
  EXPECT_FALSE(std::filesystem::exists(fleet_->hub_directory())) << "looking makes nothing";
  EXPECT_EQ(fleet_->LeidangHub({"restore", "--from", fleet_->folder() + "/nothing"}).code, 3);
  EXPECT_EQ(fleet_->LeidangHub({"restore", "--from", backups, "--id", "99"}).code, 3);
  EXPECT_EQ(fleet_->LeidangHub({"identity", "import", fleet_->folder() + "/nothing"}).code, 3);
  const std::string wrong = fleet_->Write("passphrase", "wrong horse battery\n");
  const auto closed =
      fleet_->LeidangHub({"identity", "import", bundle, "--passphrase-file", wrong});
  EXPECT_EQ(closed.code, 4) << closed.err;
  EXPECT_THAT(closed.err, HasSubstr("passphrase"));
  EXPECT_EQ(fleet_->LeidangHub({"restore"}).code, 64);
  EXPECT_EQ(fleet_->LeidangHub({"backup", "--keep", "0"}).code, 64);
  ASSERT_EQ(fleet_->LeidangHub({"identity", "import", bundle}).code, 0);
  fleet_->StartHub();
  WaitForRecovery();
  EXPECT_EQ(ChangedSince(before), "");
}

}  // namespace
}  // namespace leidang::testing
