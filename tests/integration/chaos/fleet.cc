#include "tests/integration/chaos/fleet.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"

namespace leidang::chaos {
namespace {

std::map<std::string, int> ReadPorts(const std::string& path) {
  std::map<std::string, int> ports;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const size_t equals = line.find('=');
    if (equals != std::string::npos)
      ports[line.substr(0, equals)] = std::atoi(line.c_str() + equals + 1);
  }
  return ports;
}

std::string WordAfter(const std::string& text, absl::string_view flag) {
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::ByAnyChar(" \n\\"), absl::SkipEmpty());
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == flag) return words[i + 1];
  }
  return "";
}

}  // namespace

bool WaitUntil(absl::Duration patience, const std::function<bool()>& holds) {
  const absl::Time until = absl::Now() + patience;
  while (!holds()) {
    if (absl::Now() > until) return false;
    absl::SleepFor(absl::Milliseconds(50));
  }
  return true;
}

Fleet::Fleet(std::string bin, std::string directory, size_t agents, Random& random)
    : bin_(std::move(bin)), directory_(std::move(directory)), random_(random) {
  for (size_t i = 0; i < agents; ++i) {
    clusters_.push_back(absl::StrCat("c", i));
    std::filesystem::create_directories(cluster_directory(clusters_.back()));
  }
}

std::string Fleet::cluster_directory(const std::string& cluster) const {
  return absl::StrCat(directory_, "/clusters/", cluster);
}

std::vector<std::string> Fleet::HubCommand(int agents_port, int users_port) const {
  return {bin_ + "/leidang-hub",
          "--data-dir",
          directory_ + "/hub",
          "--agent-listen",
          absl::StrCat("127.0.0.1:", agents_port),
          "--user-listen",
          absl::StrCat("127.0.0.1:", users_port),
          "--admin-token-file",
          directory_ + "/admin.token",
          "--ports-file",
          directory_ + "/ports",
          "--poll-interval",
          "1",
          "--poll-jitter",
          "0"};
}

absl::Status Fleet::StartHub() {
  hub_ = std::make_unique<testing::Program>(HubCommand(0, 0), directory_ + "/hub.log");
  hub_->Start();
  const std::string file = directory_ + "/ports";
  const bool there = WaitUntil(absl::Seconds(60),
                               [&] { return std::filesystem::exists(file) || !hub_->IsRunning(); });
  if (!there || !hub_->IsRunning())
    return absl::UnavailableError(absl::StrCat("the hub did not start: ", hub_->died()));
  std::map<std::string, int> ports = ReadPorts(file);
  // The same ones from now on.
  hub_->set_argv(HubCommand(ports["agents"], ports["users"]));
  proxy_ = std::make_unique<testing::FaultyProxy>(clusters_.size(), ports["agents"]);
  WriterOptions options;
  options.bin = bin_;
  options.directory = directory_ + "/writer";
  options.hub_address = absl::StrCat("127.0.0.1:", ports["users"]);
  options.ca_file = directory_ + "/hub/ca/ca.crt";
  options.token_file = directory_ + "/admin.token";
  options.clusters = clusters_;
  std::filesystem::create_directories(options.directory);
  writer_ = std::make_unique<Writer>(std::move(options), random_);
  return absl::OkStatus();
}

absl::Status Fleet::StartAgent(size_t index) {
  const std::string& cluster = clusters_[index];
  const Writer::Answer answer = writer_->Leidang(
      {"cluster", "register", cluster, "--annotation", "leidang.dev/max-deletions=unlimited"});
  const std::string token = WordAfter(answer.out, "--join-token");
  if (answer.code != 0 || token.empty())
    return absl::InternalError(absl::StrCat("registering ", cluster, ": ", answer.err, answer.out));
  agents_.push_back(std::make_unique<testing::Program>(
      std::vector<std::string>{bin_ + "/leidang-agent", "--hub", WordAfter(answer.out, "--hub"),
                               "--join-token", token, "--ca-pin", WordAfter(answer.out, "--ca-pin"),
                               "--data-dir", absl::StrCat(directory_, "/agents/", cluster),
                               "--directory", cluster_directory(cluster), "--agent-hub",
                               absl::StrCat("127.0.0.1:", proxy_->port(index))},
      absl::StrCat(directory_, "/agent-", cluster, ".log")));
  agents_.back()->Start();
  return absl::OkStatus();
}

absl::Status Fleet::Start() {
  RETURN_IF_ERROR(StartHub());
  std::filesystem::create_directories(directory_ + "/agents");
  for (size_t i = 0; i < clusters_.size(); ++i) RETURN_IF_ERROR(StartAgent(i));
  const Writer::Answer applied = writer_->Leidang({"apply", "-f", writer_->set_file()});
  if (applied.code != 0)
    return absl::InternalError(absl::StrCat("applying the set: ", applied.err, applied.out));
  if (!WaitUntil(absl::Seconds(240), [&] { return writer_->Deliver(1000); }))
    return absl::InternalError("the API refuses: " + writer_->last_error());
  return absl::OkStatus();
}

void Fleet::Stop() {
  for (const std::unique_ptr<testing::Program>& agent : agents_) agent->Kill();
  if (hub_ != nullptr) hub_->Kill();
}

std::string Fleet::Died() {
  std::string died;
  if (!hub_->IsRunning() && !hub_->died().empty())
    died = absl::StrCat("the hub ended: ", hub_->died());
  for (size_t i = 0; i < agents_.size(); ++i) {
    if (!agents_[i]->IsRunning() && !agents_[i]->died().empty())
      absl::StrAppend(&died, " the agent of ", clusters_[i], " ended: ", agents_[i]->died());
  }
  return died;
}

}  // namespace leidang::chaos
