#include "tests/support/program/running_fleet.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>

#include "common/object/value.h"
#include "common/process/child_process.h"
#include "tests/support/kustomize_program.h"

namespace leidang::testing {
namespace {

constexpr absl::Duration kStartPatience = absl::Minutes(1);
constexpr absl::Duration kQuestionsApart = absl::Milliseconds(100);
constexpr size_t kLogShown = 6'000;

std::string PathOf(const std::string& program) {
  const char* folder = std::getenv("LEIDANG_BIN_DIR");
  return std::filesystem::absolute(
             absl::StrCat(folder != nullptr ? folder : "build/dev/bin", "/", program))
      .string();
}

std::string EndOf(const std::string& log) {
  return log.substr(log.size() > kLogShown ? log.size() - kLogShown : 0);
}

}  // namespace

void PauseBetweenQuestions() { absl::SleepFor(kQuestionsApart); }

RunningFleet::RunningFleet(std::vector<std::string> hub_flags) : hub_flags_(std::move(hub_flags)) {
  for (const char* folder : {"agents", "clusters"})
    std::filesystem::create_directories(folder_ / folder);
  hub_ = std::make_unique<Program>(HubCommand(), folder_ / "hub.log");
  StartHub();
}

RunningFleet::~RunningFleet() {
  for (const auto& [cluster, agent] : agents_) {
    agent->IsRunning();
    EXPECT_EQ(agent->died(), "") << cluster;
    agent->Kill();
    if (::testing::Test::HasFailure())
      std::cerr << "the log of " << cluster << " ends:\n" << EndOf(AgentLog(cluster));
  }
  hub_->IsRunning();
  EXPECT_EQ(hub_->died(), "");
  hub_->Kill();
  if (::testing::Test::HasFailure()) std::cerr << "the hub's log ends:\n" << EndOf(HubLog());
}

std::vector<std::string> RunningFleet::HubCommand() const {
  std::vector<std::string> argv = {PathOf("leidang-hub"),
                                   "--data-dir",
                                   hub_directory(),
                                   "--agent-listen",
                                   "127.0.0.1:" + agents_port_,
                                   "--user-listen",
                                   "127.0.0.1:" + users_port_,
                                   "--admin-token-file",
                                   folder_ / "token",
                                   "--ports-file",
                                   folder_ / "ports",
                                   "--poll-interval",
                                   "1",
                                   "--poll-jitter",
                                   "0"};
  argv.insert(argv.end(), hub_flags_.begin(), hub_flags_.end());
  return argv;
}

void RunningFleet::StartHub() {
  const std::string file = folder_ / "ports";
  std::filesystem::remove(file);
  hub_->set_argv(HubCommand());
  hub_->Start();
  WaitUntil([&] { return std::filesystem::exists(file) || !hub_->IsRunning(); }, kStartPatience);
  for (const absl::string_view line : absl::StrSplit(ReadFile(file), '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, '=');
    if (parts.first == "agents") agents_port_ = parts.second;
    if (parts.first == "users") users_port_ = parts.second;
    if (parts.first == "http") http_address_ = "127.0.0.1:" + parts.second;
  }
  hub_address_ = "127.0.0.1:" + users_port_;
  EXPECT_TRUE(hub_->IsRunning() && users_port_ != "0") << "the hub did not start: " << HubLog();
}

std::string RunningFleet::Directory(const std::string& cluster) const {
  return folder_ / ("clusters/" + cluster);
}

std::string RunningFleet::AgentDirectory(const std::string& cluster) const {
  return folder_ / ("agents/" + cluster);
}

std::string RunningFleet::AgentLog(const std::string& cluster) const {
  return ReadFile(AgentDirectory(cluster) + ".log");
}

void RunningFleet::AddCluster(const std::string& name, const std::string& label) {
  std::filesystem::create_directories(Directory(name));
  AddClusterWith(name, label, {"--directory", Directory(name)});
}

void RunningFleet::AddClusterWith(const std::string& name, const std::string& label,
                                  const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {"cluster", "register", name, "-o", "json"};
  if (!label.empty()) arguments.insert(arguments.end(), {"--label", label});
  const Answer registered = Leidang(arguments);
  const absl::StatusOr<object::Value> answer = object::ParseJson(registered.out);
  ASSERT_TRUE(answer.ok()) << registered.err;
  std::vector<std::string> argv = {PathOf("leidang-agent"),
                                   "--hub",
                                   hub_address_,
                                   "--join-token",
                                   std::string(object::FindString(*answer, {"token"})),
                                   "--ca-pin",
                                   std::string(object::FindString(*answer, {"caPin"})),
                                   "--data-dir",
                                   AgentDirectory(name),
                                   "--kustomize",
                                   KustomizeProgram()};
  argv.insert(argv.end(), options.begin(), options.end());
  agents_[name] = std::make_unique<Program>(std::move(argv), AgentDirectory(name) + ".log");
  agents_[name]->Start();
}

std::map<std::string, FileFacts> RunningFleet::Files() const {
  std::map<std::string, FileFacts> files;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder_ / "clusters")) {
    if (!file.is_regular_file()) continue;
    const std::string path = file.path().string();
    struct stat facts{};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
    files[std::filesystem::relative(path, folder_ / "clusters").string()] = {
        facts.st_ino, facts.st_mtim.tv_sec * int64_t{1'000'000'000} + facts.st_mtim.tv_nsec,
        ReadFile(path)};
  }
  return files;
}

RunningFleet::Answer RunningFleet::Run(std::vector<std::string> argv,
                                       const std::vector<std::string>& environment) const {
  ChildCommand command;
  command.argv = std::move(argv);
  const char* path = std::getenv("PATH");
  command.environment = {absl::StrCat("PATH=", PathOf(""), ":",
                                      path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin"),
                         absl::StrCat("HOME=", folder_.path())};
  command.environment.insert(command.environment.end(), environment.begin(), environment.end());
  command.directory = folder_.path();
  command.deadline = absl::Minutes(2);
  const absl::StatusOr<ChildResult> result = RunChild(command, clock_, nullptr);
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok()) return {};
  return {result->code, result->out, result->err};
}

std::vector<std::string> RunningFleet::ClientEnvironment() const {
  return {absl::StrCat("LEIDANG_HUB=", hub_address_),
          absl::StrCat("LEIDANG_CA_FILE=", hub_directory(), "/ca/ca.crt"),
          absl::StrCat("LEIDANG_TOKEN=", absl::StripAsciiWhitespace(ReadFile(folder_ / "token")))};
}

RunningFleet::Answer RunningFleet::Leidang(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), PathOf("leidang"));
  return Run(std::move(arguments), ClientEnvironment());
}

RunningFleet::Answer RunningFleet::Shell(const std::string& lines) const {
  return Run({"/usr/bin/env", "bash", "-euo", "pipefail", "-c", lines}, ClientEnvironment());
}

RunningFleet::Answer RunningFleet::LeidangUntil(const std::vector<std::string>& arguments,
                                                const std::string& text,
                                                absl::Duration patience) const {
  Answer answer;
  const bool there = WaitUntil(
      [&] {
        answer = Leidang(arguments);
        return answer.code == 0 && absl::StrContains(answer.out, text);
      },
      patience);
  if (!there) ADD_FAILURE() << "no \"" << text << "\" in " << answer.out << answer.err;
  return answer;
}

RunningFleet::Answer RunningFleet::LeidangHub(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), PathOf("leidang-hub"));
  arguments.insert(arguments.end(), {"--data-dir", hub_directory()});
  return Run(std::move(arguments), {"LEIDANG_PASSPHRASE=correct horse battery"});
}

RunningFleet::Answer RunningFleet::LeidangAgent(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), PathOf("leidang-agent"));
  return Run(std::move(arguments), {});
}

void RunningFleet::WaitForProof(absl::Duration patience) const {
  Answer answer;
  const bool proven = WaitUntil(
      [&] {
        answer = Leidang({"get", "clusters"});
        size_t count = 0;
        for (const absl::string_view line : absl::StrSplit(answer.out, '\n')) {
          if (absl::StrContains(line, "  proven ")) ++count;
        }
        return count == agents_.size();
      },
      patience);
  EXPECT_TRUE(proven) << "not proven in time:\n" << answer.out << answer.err;
}

std::string RunningFleet::Write(const std::string& name, const std::string& content) const {
  WriteFile(folder_ / name, content);
  return folder_ / name;
}

}  // namespace leidang::testing
