#include "tests/support/program/running_fleet.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"

#include "common/object/value.h"
#include "tests/support/kustomize_program.h"

namespace leidang::testing {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

std::string Program(const std::string& name) {
  const char* folder = std::getenv("LEIDANG_BIN_DIR");
  return absl::StrCat(folder != nullptr ? folder : "build/dev/bin", "/", name);
}

std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).string(); }

std::vector<std::string> Environment(const std::string& home) {
  const char* path = std::getenv("PATH");
  return {absl::StrCat("PATH=", path != nullptr ? path : "/usr/bin:/bin"),
          absl::StrCat("HOME=", home)};
}

}  // namespace

RunningFleet::RunningFleet() {
  StartProgram({Absolute(Program("leidang-hub")), "--data-dir", folder_ / "hub", "--agent-listen",
                "127.0.0.1:0", "--user-listen", "127.0.0.1:0", "--admin-token-file",
                folder_ / "token", "--ports-file", folder_ / "ports", "--poll-interval", "1",
                "--poll-jitter", "0"});
  const absl::Duration begin = clock_.Monotonic();
  std::string ports;
  while (clock_.Monotonic() - begin < kPatience && ports.empty()) {
    ports = ReadFile(folder_ / "ports");
    absl::SleepFor(absl::Milliseconds(20));
  }
  for (const absl::string_view line : absl::StrSplit(ports, '\n')) {
    if (absl::StartsWith(line, "users=")) hub_address_ = absl::StrCat("127.0.0.1:", line.substr(6));
  }
  EXPECT_NE(hub_address_, "") << "the hub did not start";
}

RunningFleet::~RunningFleet() {
  stop_.Cancel();
  workers_.Stop();
}

void RunningFleet::StartProgram(std::vector<std::string> argv) {
  workers_.Run([this, argv = std::move(argv)] {
    ChildCommand command;
    command.argv = argv;
    command.environment = Environment(folder_.path());
    command.directory = folder_.path();
    command.deadline = absl::Minutes(10);
    command.output_bytes_max = 64 << 20;
    const absl::StatusOr<ChildResult> result = RunChild(command, clock_, &stop_);
    EXPECT_TRUE(result.ok()) << result.status();
    if (result.ok()) {
      EXPECT_EQ(result->end, ChildResult::End::kCancelled) << argv[0] << ": " << result->err;
      if (::testing::Test::HasFailure()) std::cerr << argv[0] << " said:\n" << result->err;
    }
  });
}

std::string RunningFleet::Directory(const std::string& cluster) const {
  return folder_ / ("clusters/" + cluster);
}

void RunningFleet::AddCluster(const std::string& name, const std::string& label) {
  std::filesystem::create_directories(Directory(name));
  AddClusterWith(name, label, {"--directory", Directory(name)});
}

void RunningFleet::AddClusterWith(const std::string& name, const std::string& label,
                                  const std::vector<std::string>& options) {
  const Answer registered = Leidang({"cluster", "register", name, "--label", label, "-o", "json"});
  const absl::StatusOr<object::Value> answer = object::ParseJson(registered.out);
  ASSERT_TRUE(answer.ok()) << registered.err;
  std::vector<std::string> command = {Absolute(Program("leidang-agent")),
                                      "--hub",
                                      hub_address_,
                                      "--join-token",
                                      std::string(object::FindString(*answer, {"token"})),
                                      "--ca-pin",
                                      std::string(object::FindString(*answer, {"caPin"})),
                                      "--data-dir",
                                      folder_ / ("agents/" + name),
                                      "--kustomize",
                                      KustomizeProgram()};
  command.insert(command.end(), options.begin(), options.end());
  StartProgram(std::move(command));
}

RunningFleet::Answer RunningFleet::Leidang(std::vector<std::string> arguments) const {
  ChildCommand command;
  command.argv = {Absolute(Program("leidang"))};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = Environment(folder_.path());
  command.environment.push_back(absl::StrCat("LEIDANG_HUB=", hub_address_));
  command.environment.push_back(absl::StrCat("LEIDANG_CA_FILE=", folder_ / "hub/ca/ca.crt"));
  command.environment.push_back(
      absl::StrCat("LEIDANG_TOKEN=", absl::StripAsciiWhitespace(ReadFile(folder_ / "token"))));
  command.directory = folder_.path();
  const absl::StatusOr<ChildResult> result = RunChild(command, clock_, nullptr);
  EXPECT_TRUE(result.ok()) << result.status();
  if (!result.ok()) return {};
  return {result->code, result->out, result->err};
}

RunningFleet::Answer RunningFleet::LeidangUntil(const std::vector<std::string>& arguments,
                                                const std::string& text,
                                                absl::Duration patience) const {
  const absl::Duration begin = clock_.Monotonic();
  Answer answer;
  do {
    answer = Leidang(arguments);
    if (answer.code == 0 && absl::StrContains(answer.out, text)) return answer;
  } while (clock_.Monotonic() - begin < patience);
  ADD_FAILURE() << "no \"" << text << "\" in " << answer.out << answer.err;
  return answer;
}

std::string RunningFleet::Write(const std::string& name, const std::string& content) const {
  WriteFile(folder_ / name, content);
  return folder_ / name;
}

}  // namespace leidang::testing
