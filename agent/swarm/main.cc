// leidang-swarm: flags and wiring. What it does is in swarm.h.

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "agent/swarm/floor.h"
#include "agent/swarm/options.h"
#include "agent/swarm/swarm.h"
#include "agent/swarm/targets.h"
#include "common/base/library_mutexes.h"
#include "common/base/status_macros.h"
#include "common/object/value.h"

namespace leidang::agent {
namespace {

// A folder that goes with the program, or the one that was asked for, which stays.
class Folder {
 public:
  explicit Folder(std::string asked) : path_(std::move(asked)), keep_(!path_.empty()) {}
  ~Folder() {
    std::error_code ignored;
    if (!keep_ && !path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  absl::Status Make() {
    if (keep_) {
      std::error_code error;
      std::filesystem::create_directories(path_, error);
      if (!error && std::filesystem::is_empty(path_, error) && !error) {
        path_ = std::filesystem::absolute(path_).string();
        return absl::OkStatus();
      }
      return absl::InvalidArgumentError(
          absl::StrCat("--data-dir ", path_, " is not an empty folder that can be written"));
    }
    const char* base = std::getenv("TMPDIR");
    std::string name = absl::StrCat(base != nullptr ? base : "/tmp", "/leidang-swarm-XXXXXX");
    if (::mkdtemp(name.data()) == nullptr)
      return absl::InternalError(absl::StrCat("cannot make the folder ", name));
    path_ = name;
    return absl::OkStatus();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  const bool keep_;
};

object::Value Asked(const SwarmOptions& options) {
  object::Object asked;
  asked["agents"] = options.agents;
  asked["apps"] = options.apps;
  asked["sets"] = options.sets;
  asked["apply_s"] = absl::ToDoubleSeconds(options.apply_max);
  asked["flooding"] = options.flooding;
  asked["stalled"] = options.stalled;
  asked["idle_s"] = absl::ToDoubleSeconds(options.idle);
  asked["changes"] = options.changes;
  asked["status_rounds"] = options.status_rounds;
  asked["herds"] = options.herds;
  asked["version"] = LEIDANG_VERSION;
  return asked;
}

absl::Status WriteJson(const SwarmOptions& options, const object::Value& json) {
  if (options.json.empty()) return absl::OkStatus();
  std::ofstream file(options.json, std::ios::trunc);
  file << object::PrettyJson(json) << "\n";
  file.close();
  if (file.fail()) return absl::InternalError(absl::StrCat("cannot write ", options.json));
  return absl::OkStatus();
}

absl::Status RunOne(const SwarmOptions& options, const std::string& self, Figures* figures) {
  Swarm swarm(options, self, [](const Figure& figure) {
    std::printf("%s\n", figure.Line().c_str());
    std::fflush(stdout);
  });
  const absl::Status status = swarm.Run();
  *figures = swarm.figures();
  return status;
}

// Both runs, whatever becomes of the first; what was not measured is not met.
absl::Status RunTargets(const SwarmOptions& options, const std::string& self) {
  SwarmOptions agents = ManyAgents(options);
  SwarmOptions assignments = ManyAssignments(options);
  agents.directory += "/agents";
  assignments.directory += "/assignments";
  Figures of_agents;
  Figures of_assignments;
  absl::Status status;
  for (auto [run, figures] :
       {std::pair(&agents, &of_agents), std::pair(&assignments, &of_assignments)}) {
    std::error_code error;
    std::filesystem::create_directories(run->directory, error);
    status.Update(RunOne(*run, self, figures));
  }
  const std::vector<Target> targets = Judge(of_agents, of_assignments);
  std::printf("\n%s\n%s\n%s", of_agents.Table().c_str(), of_assignments.Table().c_str(),
              TargetsTable(targets).c_str());
  object::Object json;
  json["agents"] = of_agents.Json(Asked(agents));
  json["assignments"] = of_assignments.Json(Asked(assignments));
  json["targets"] = TargetsJson(targets);
  status.Update(WriteJson(options, json));
  const auto missed = std::count_if(targets.begin(), targets.end(),
                                    [](const Target& target) { return target.met == false; });
  if (missed > 0)
    status.Update(absl::FailedPreconditionError(absl::StrCat(missed, " targets are missed")));
  return status;
}

absl::Status Load(SwarmOptions options) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  if (options.hub_program.empty()) {
    options.hub_program = (std::filesystem::path(self).parent_path() / "leidang-hub").string();
  }
  Folder folder(options.directory);
  RETURN_IF_ERROR(folder.Make());
  options.directory = folder.path();
  if (options.targets) return RunTargets(options, self);
  Figures figures;
  absl::Status status = RunOne(options, self, &figures);
  std::printf("\n%s", figures.Table().c_str());
  status.Update(WriteJson(options, figures.Json(Asked(options))));
  return status;
}

int Main(int argc, char** argv) {
  SwarmOptions options;
  if (const std::optional<int> code = ParseOptions(argc, argv, &options)) return *code;
  StopTracingLibraryMutexes();
  std::signal(SIGPIPE, SIG_IGN);
  const absl::Status status =
      options.serve_floor.empty() ? Load(std::move(options)) : ServeFloor(options.serve_floor);
  if (status.ok()) return 0;
  std::fprintf(stderr, "leidang-swarm: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace leidang::agent

int main(int argc, char** argv) { return leidang::agent::Main(argc, argv); }
