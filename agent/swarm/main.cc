// leidang-swarm: flags and wiring. What it does is in swarm.h.

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/swarm/floor.h"
#include "agent/swarm/options.h"
#include "agent/swarm/swarm.h"
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
  asked["idle_s"] = absl::ToDoubleSeconds(options.idle);
  asked["changes"] = options.changes;
  asked["status_rounds"] = options.status_rounds;
  asked["herds"] = options.herds;
  asked["version"] = LEIDANG_VERSION;
  return asked;
}

absl::Status WriteJson(const SwarmOptions& options, const Figures& figures) {
  if (options.json.empty()) return absl::OkStatus();
  std::ofstream file(options.json, std::ios::trunc);
  file << object::PrettyJson(figures.Json(Asked(options))) << "\n";
  file.close();
  if (file.fail()) return absl::InternalError(absl::StrCat("cannot write ", options.json));
  return absl::OkStatus();
}

absl::Status Load(SwarmOptions options) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  if (options.hub_program.empty()) {
    options.hub_program = (std::filesystem::path(self).parent_path() / "leidang-hub").string();
  }
  Folder folder(options.directory);
  RETURN_IF_ERROR(folder.Make());
  options.directory = folder.path();
  Swarm swarm(options, self, [](const Figure& figure) {
    std::printf("%s\n", figure.Line().c_str());
    std::fflush(stdout);
  });
  absl::Status status = swarm.Run();
  std::printf("\n%s", swarm.figures().Table().c_str());
  status.Update(WriteJson(options, swarm.figures()));
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
