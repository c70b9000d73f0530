#include "tests/integration/chaos/writer.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/process/child_process.h"

namespace leidang::chaos {
namespace {

void WriteWhole(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  CHECK(file.flush().good());
}

}  // namespace

Writer::Writer(WriterOptions options, Random& random)
    : options_(std::move(options)), random_(random), work_(options_.directory + "/work") {
  std::filesystem::create_directories(work_);
  Git({"init", "-q", "-b", "main"});
  WriteSet();
  for (const std::string& cluster : options_.clusters) {
    for (int i = 0; i < 4; ++i) {
      const bool through_api = i == 3;
      Create(NameFor(cluster, through_api), cluster, through_api);
    }
  }
  Commit();
}

void Writer::WriteSet() {
  WriteWhole(set_file(), absl::StrCat(R"(apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata:
  name: chaos
  annotations:
    leidang.dev/max-deletions: unlimited
spec:
  goTemplate: true
  generators:
    - git:
        repoURL: file://)",
                                      work_, R"(
        revision: main
        directories:
          - path: clusters/*/*
  template:
    metadata:
      name: '{{.path.basename}}'
      annotations:
        leidang.dev/max-deletions: unlimited
    spec:
      project: default
      source:
        repoURL: file://)",
                                      work_, R"(
        targetRevision: main
        path: '{{.path.path}}'
      destination:
        name: '{{index .path.segments 1}}'
        namespace: default
      syncPolicy:
        automated: {prune: true, selfHeal: true, allowEmpty: true}
)"));
}

std::string Writer::NameFor(const std::string& cluster, bool through_api) {
  return absl::StrCat(cluster, through_api ? "-api-" : "-git-", ++names_made_);
}

std::string Writer::PathOf(const std::string& name, const Wanted& wanted) const {
  return wanted.through_api ? absl::StrCat("pool/", name)
                            : absl::StrCat("clusters/", wanted.cluster, "/", name);
}

void Writer::WriteValue(const std::string& name, const Wanted& wanted) {
  WriteWhole(absl::StrCat(work_, "/", PathOf(name, wanted), "/value.yaml"),
             absl::StrCat("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ", name,
                          "\ndata:\n  value: v", wanted.value, "\n"));
  if (wanted.through_api) fresh_.push_back({name, "HEAD"});
}

void Writer::Create(const std::string& name, const std::string& cluster, bool through_api) {
  Wanted& wanted = wanted_[name];
  if (wanted.value > 0) ++counts_.recreates;
  wanted.cluster = cluster;
  wanted.through_api = through_api;
  wanted.alive = true;
  ++wanted.value;
  ++counts_.creates;
  WriteValue(name, wanted);
}

void Writer::Update(const std::string& name) {
  Wanted& wanted = wanted_.at(name);
  ++wanted.value;
  ++counts_.updates;
  WriteValue(name, wanted);
}

void Writer::Delete(const std::string& name) {
  Wanted& wanted = wanted_.at(name);
  wanted.alive = false;
  ++wanted.ends;
  ++counts_.deletes;
  std::filesystem::remove_all(absl::StrCat(work_, "/", PathOf(name, wanted)));
  if (wanted.through_api) fresh_.push_back({name, ""});
}

void Writer::WriteSome(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::string> alive;
    std::vector<std::string> dead;
    for (const auto& [name, wanted] : wanted_) (wanted.alive ? alive : dead).push_back(name);
    const uint64_t drawn = random_.Below(100);
    if (drawn < 87 && !alive.empty()) {
      Update(alive[random_.Below(alive.size())]);
    } else if (drawn < 97 || alive.empty()) {
      if (!dead.empty() && random_.Chance(1, 5)) {
        const std::string name = dead[random_.Below(dead.size())];
        Create(name, wanted_.at(name).cluster, wanted_.at(name).through_api);
      } else {
        const std::string cluster = options_.clusters[random_.Below(options_.clusters.size())];
        const bool through_api = random_.Below(100) < options_.api_percent;
        Create(NameFor(cluster, through_api), cluster, through_api);
      }
    } else {
      Delete(alive[random_.Below(alive.size())]);
    }
  }
  Commit();
}

std::string Writer::Commit() {
  Git({"add", "-A"});
  Git({"commit", "-q", "--allow-empty", "-m", absl::StrCat("change ", ++counts_.commits)});
  const std::string commit = Git({"rev-parse", "HEAD"});
  for (Call& call : fresh_) {
    if (!call.commit.empty()) call.commit = commit;
    waiting_.push_back(std::move(call));
  }
  fresh_.clear();
  return commit;
}

std::string Writer::Manifest(const Call& call) const {
  const Wanted& wanted = wanted_.at(call.name);
  return absl::StrCat(R"(apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: )",
                      call.name, R"(
  annotations:
    leidang.dev/max-deletions: unlimited
spec:
  project: default
  source:
    repoURL: file://)",
                      work_, "\n    targetRevision: ", call.commit,
                      "\n    path: ", PathOf(call.name, wanted),
                      "\n  destination:\n    name: ", wanted.cluster, R"(
    namespace: default
  syncPolicy:
    automated: {prune: true, selfHeal: true, allowEmpty: true}
)");
}

bool Writer::Deliver(size_t calls) {
  for (; calls > 0 && !waiting_.empty(); --calls) {
    const Call& call = waiting_.front();
    ++counts_.api_calls;
    Answer answer;
    if (call.commit.empty()) {
      // Without a finalizer its objects would stay.
      answer = Leidang({"delete", "application", call.name, "--cascade", "foreground"});
      // An answer that was lost may have been a yes.
      if (answer.code == 3) answer.code = 0;
    } else {
      const std::string file = options_.directory + "/application.yaml";
      WriteWhole(file, Manifest(call));
      answer = Leidang({"apply", "-f", file});
    }
    if (answer.code != 0) {
      ++counts_.api_retries;
      last_error_ = absl::StrCat(call.name, ": ", answer.err, answer.out);
      return false;
    }
    waiting_.erase(waiting_.begin());
  }
  return waiting_.empty();
}

Writer::Answer Writer::Leidang(std::vector<std::string> arguments) {
  ChildCommand command;
  command.argv = {options_.bin + "/leidang",
                  "--hub",
                  options_.hub_address,
                  "--ca-file",
                  options_.ca_file,
                  "--token-file",
                  options_.token_file,
                  "--timeout",
                  "5"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {"PATH=/usr/bin:/bin", "HOME=" + options_.directory};
  command.deadline = absl::Seconds(10);
  command.output_bytes_max = 16 << 20;
  const absl::StatusOr<ChildResult> result = RunChild(command, clock_, nullptr);
  if (!result.ok()) return {127, "", std::string(result.status().message())};
  return {result->end == ChildResult::End::kExited ? result->code : 124, result->out, result->err};
}

std::string Writer::Git(const std::vector<std::string>& arguments) {
  ChildCommand command;
  command.argv = {
      "/usr/bin/git", "-c",       "user.name=chaos", "-c", "user.email=chaos@leidang.invalid",
      "-c",           "gc.auto=0"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {"PATH=/usr/bin:/bin", "HOME=" + options_.directory,
                         "GIT_CONFIG_NOSYSTEM=1"};
  command.directory = work_;
  const absl::StatusOr<ChildResult> result = RunChild(command, clock_, nullptr);
  CHECK(result.ok());
  if (!result->Succeeded()) std::fprintf(stderr, "git: %s\n", result->err.c_str());
  CHECK(result->Succeeded());
  return std::string(absl::StripAsciiWhitespace(result->out));
}

}  // namespace leidang::chaos
