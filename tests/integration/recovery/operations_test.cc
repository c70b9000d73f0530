// docs/OPERATIONS.md: each command in it does what it says, in a fleet of real programs.

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"

#include "tests/integration/recovery/recovery_fixture_test.h"

namespace leidang::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kHandbook[] = "docs/OPERATIONS.md";

// The lines of each block of commands.
std::set<std::string> BlocksOf(const std::string& text) {
  std::set<std::string> blocks;
  const std::vector<std::string> parts = absl::StrSplit(text, "\n```sh\n");
  for (size_t i = 1; i < parts.size(); ++i)
    blocks.insert(parts[i].substr(0, parts[i].find("\n```")));
  return blocks;
}

// "leidang-hub identity export" of "leidang-hub identity export FILE".
std::string CommandOf(absl::string_view line) {
  std::vector<std::string> words;
  for (const absl::string_view word : absl::StrSplit(line, ' ', absl::SkipEmpty())) {
    if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != absl::string_view::npos ||
        absl::StartsWith(word, "-"))
      break;
    words.emplace_back(word);
  }
  return absl::StrJoin(words, " ");
}

class OperationsTest : public RecoveryFixture {
 protected:
  OperationsTest() : blocks_(BlocksOf(ReadFile(kHandbook))) {}

  // Runs the block that begins like this, with this machine's paths, and gives what it printed.
  std::string RunBlock(const std::string& begin) {
    const auto block = blocks_.lower_bound(begin);
    if (block == blocks_.end() || !absl::StartsWith(*block, begin)) {
      ADD_FAILURE() << kHandbook << " has no block that begins with " << begin;
      return "";
    }
    const RunningFleet::Answer answer = fleet_->Shell(absl::StrReplaceAll(
        *block, {{"/var/lib/leidang-hub", fleet_->hub_directory()},
                 {"/var/lib/leidang-agent", fleet_->AgentDirectory("production")},
                 {"/etc/leidang/passphrase", fleet_->folder() + "/passphrase"},
                 {"/backup", fleet_->folder() + "/backup"},
                 {"127.0.0.1:7480", fleet_->http_address()},
                 {"hub.example.com:7444", fleet_->hub_address()},
                 {"HUB_ID", hub_id_},
                 {"TOKEN", token_},
                 {"sha256:PIN", pin_}}));
    EXPECT_EQ(answer.code, 0) << *block << "\n" << answer.out << answer.err;
    run_.insert(*block);
    return answer.out;
  }

  // What the agent had of the hub before is of no uid of this one.
  void DecideAboutUnclaimed() {
    fleet_->LeidangUntil({"unclaimed", "list"}, "leidang/shop-production", kPatience);
    fleet_->LeidangUntil({"unclaimed", "list"}, "leidang/cart-production", kPatience);
    const std::string unclaimed = RunBlock("leidang unclaimed list");
    EXPECT_THAT(unclaimed, HasSubstr("the hub's Application of this name here has another uid"));
    EXPECT_THAT(unclaimed, HasSubstr("shop-production on cluster production goes over to"));
    EXPECT_THAT(unclaimed, HasSubstr("cart-production on cluster production is released"));
    EXPECT_TRUE(WaitUntil(
        [this] {
          const std::string list = fleet_->Leidang({"unclaimed", "list"}).out;
          return !absl::StrContains(list, "leidang/shop-") &&
                 !absl::StrContains(list, "leidang/cart-");
        },
        kPatience));
  }

  const std::set<std::string> blocks_;
  std::set<std::string> run_;
  std::string hub_id_;
  std::string token_;
  std::string pin_;
};

TEST_F(OperationsTest, EveryCommandOfTheHandbookDoesWhatItSays) {
  Apps apps = {{"cart", "one"}, {"shop", "two"}};
  ASSERT_NO_FATAL_FAILURE(
      StartWith(apps, {"production", "staging"}, {"--http-listen", "127.0.0.1:0"}));
  fleet_->Write("passphrase", "correct horse battery\n");
  std::filesystem::create_directories(fleet_->folder() + "/backup");

  // Beside a running hub.
  RunBlock("leidang app list");
  RunBlock("leidang brake list");
  EXPECT_THAT(RunBlock("leidang repo list"), HasSubstr(" is taken\n"));
  EXPECT_THAT(RunBlock("leidang-hub check"), HasSubstr("0 damages"));
  EXPECT_THAT(RunBlock("leidang-hub backup "), HasSubstr("\n1  "));
  EXPECT_THAT(RunBlock("leidang-hub identity export"), HasSubstr("is sealed in"));
  const auto before = fleet_->Files();
  fleet_->KillHub();
  EXPECT_THAT(RunBlock("leidang-hub rebuild"), HasSubstr("derived data is dropped"));
  fleet_->StartHub();
  fleet_->WaitForProof(kPatience);
  EXPECT_EQ(ChangedSince(before), "");

  const std::string pages = RunBlock("curl");
  EXPECT_THAT(pages, HasSubstr("ok\n"));
  for (const char* metric :
       {"leidang_hub_store_sync_seconds_count ", "leidang_hub_disk_sync_p99_seconds ",
        "leidang_hub_store_bytes ", "leidang_hub_clusters 2", "leidang_hub_clusters_connected ",
        "leidang_hub_clusters_recovering 0", "leidang_hub_applications ",
        "leidang_hub_pending_deletions 0"})
    EXPECT_THAT(pages, HasSubstr(metric));

  // The ledger is damaged: a backup, and Git has gone on.
  fleet_->KillHub();
  RunBlock("mv /var/lib/leidang-hub /var/lib/leidang-hub.damaged\nleidang-hub restore");
  std::filesystem::remove_all(fleet_->hub_directory() + ".damaged");
  apps["extra"] = "three";
  repository_.Commit(apps);
  fleet_->StartHub();
  Recovering(": add application:leidang/extra-", 2);
  EXPECT_EQ(ChangedSince(before), "");
  EXPECT_THAT(RunBlock("leidang recover"), HasSubstr("1 clusters go on"));
  WaitForApps(apps);

  // Without a backup.
  const auto then = fleet_->Files();
  fleet_->KillHub();
  RunBlock("mv /var/lib/leidang-hub /var/lib/leidang-hub.lost");
  std::filesystem::remove_all(fleet_->hub_directory() + ".lost");
  fleet_->StartHub();
  WaitForRecovery();
  EXPECT_EQ(ChangedSince(then), "");

  // Another hub.
  LoseHub();
  fleet_->StartHub();
  const std::string log = fleet_->HubLog();
  hub_id_ = log.substr(log.rfind(" hub=") + 5, 32);
  const auto registered = fleet_->Leidang({"cluster", "register", "production"});
  const std::vector<std::string> words =
      absl::StrSplit(registered.out, absl::ByAnyChar(" \n\\"), absl::SkipEmpty());
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--join-token") token_ = words[i + 1];
    if (words[i] == "--ca-pin") pin_ = words[i + 1];
  }
  fleet_->agent("production").Kill();
  RunBlock("leidang-agent trust-hub");
  fleet_->agent("production").Start();
  fleet_->LeidangUntil({"get", "clusters"}, "  proven ", kPatience);
  EXPECT_EQ(ChangedSince(then), "");
  DecideAboutUnclaimed();
  EXPECT_EQ(ChangedSince(then), "");

  for (const std::string& block : blocks_) EXPECT_TRUE(run_.contains(block)) << block;
}

TEST(HandbookTest, EveryCommandThatItMentionsIsInABlock) {
  const std::string text = ReadFile(kHandbook);
  ASSERT_NE(text, "");
  std::set<std::string> shown;
  for (const std::string& block : BlocksOf(text)) {
    for (const absl::string_view line : absl::StrSplit(block, '\n')) shown.insert(CommandOf(line));
  }
  const std::vector<std::string> spans = absl::StrSplit(text, '`');
  for (size_t i = 1; i < spans.size(); i += 2) {
    if (!absl::StartsWith(spans[i], "leidang")) continue;
    const std::string command = CommandOf(spans[i]);
    if (!absl::StrContains(command, ' ')) continue;
    EXPECT_TRUE(shown.contains(command)) << spans[i];
  }
}

}  // namespace
}  // namespace leidang::testing
