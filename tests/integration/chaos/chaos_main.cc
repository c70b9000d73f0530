// chaos_test: a real hub and real agents, killed, stopped and cut off while their intent changes.
// docs/TESTING.md says how to run the long form.

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"

#include "CLI/CLI.hpp"
#include "common/random/random.h"
#include "tests/integration/chaos/faults.h"
#include "tests/integration/chaos/fleet.h"
#include "tests/integration/chaos/witness.h"
#include "tests/integration/chaos/writer.h"

namespace leidang::chaos {
namespace {

constexpr uint64_t kEnough = 1'000;      // Writes, for their shares to be what they are drawn as.
constexpr uint64_t kFaultsEnough = 200;  // For each kind to be among them.

struct Options {
  size_t agents = 20;
  double seconds = 60;
  double writes_per_second = 20;
  double faults_per_second = 4;
  uint64_t seed = 0;
  uint64_t writes_min = 0;
  uint64_t faults_min = 0;
  double patience_s = 180;
  // About four times what ten minutes take: docs/BENCHMARKS.md. With a sanitizer give more.
  double hub_mb_max = 250;
  double agent_mb_max = 100;
  bool kills_only = false;
  bool keep = false;
};

class Run {
 public:
  explicit Run(Options options)
      : options_(std::move(options)),
        directory_(std::filesystem::temp_directory_path().string() + "/leidang-chaos-XXXXXX") {}

  int Go() {
    if (::mkdtemp(directory_.data()) == nullptr) return 1;
    std::printf("chaos: %zu agents, %.0f s, seed %llu, in %s\n", options_.agents, options_.seconds,
                static_cast<unsigned long long>(options_.seed), directory_.c_str());
    std::fflush(stdout);
    Execute();
    fleet_.reset();
    if (problems_.empty() && !options_.keep) std::filesystem::remove_all(directory_);
    for (const std::string& problem : problems_) std::printf("FAILED: %s\n", problem.c_str());
    if (!problems_.empty()) {
      std::printf(
          "logs and stores are in %s\nrepeat: chaos_test --agents %zu --seconds %.0f --seed %llu\n",
          directory_.c_str(), options_.agents, options_.seconds,
          static_cast<unsigned long long>(options_.seed));
    }
    return problems_.empty() ? 0 : 1;
  }

 private:
  void Problem(std::string text) { problems_.push_back(std::move(text)); }

  void Execute() {
    const char* bin = std::getenv("LEIDANG_BIN_DIR");
    SeededRandom writes(options_.seed * 2 + 1);
    SeededRandom faults(options_.seed * 2);
    const std::string programs =
        std::filesystem::absolute(bin != nullptr ? bin : "build/release/bin").string();
    fleet_ = std::make_unique<Fleet>(programs, directory_, options_.agents, writes);
    std::vector<std::string> directories;
    for (const std::string& cluster : fleet_->clusters())
      directories.push_back(fleet_->cluster_directory(cluster));
    Witness witness(directories);
    if (const absl::Status started = fleet_->Start(); !started.ok())
      return Problem(std::string(started.message()));
    if (!AwaitLive("before the chaos")) return;
    Faults chaos(*fleet_, faults, options_.kills_only ? Level::kKills : Level::kAll);
    GoWrong(chaos);
    chaos.Heal();
    const absl::Time healed = absl::Now();
    if (!WaitUntil(absl::Seconds(options_.patience_s),
                   [&] { return fleet_->writer().Deliver(1000); }))
      Problem("the API does not accept: " + fleet_->writer().last_error());
    if (AwaitLive("after the chaos")) {
      std::printf("all as wanted %.1f s after the last fault\n",
                  absl::ToDoubleSeconds(absl::Now() - healed));
      AwaitProof();
    }
    CheckSeen(witness.seen());
    TakeMemory("at the end");
    CheckMemory();
    CheckShares(chaos);
    if (const std::string died = fleet_->Died(); !died.empty()) Problem(died);
    Print(chaos, witness.seen());
  }

  void GoWrong(Faults& chaos) {
    begun_ = fleet_->writer().counts();
    TakeMemory("at the beginning");
    std::atomic<bool> writing{true};
    std::thread writer([&] {
      double owed = 0;
      absl::Time last = absl::Now();
      while (writing) {
        const absl::Time now = absl::Now();
        owed += absl::ToDoubleSeconds(now - last) * options_.writes_per_second;
        last = now;
        if (owed >= 1) {
          fleet_->writer().WriteSome(static_cast<size_t>(owed));
          owed -= static_cast<double>(static_cast<size_t>(owed));
        }
        fleet_->writer().Deliver(3);
        absl::SleepFor(absl::Milliseconds(200));
      }
    });
    const absl::Time begin = absl::Now();
    const absl::Time until = begin + absl::Seconds(options_.seconds);
    absl::Time next = absl::Now();
    while (absl::Now() < until) {
      chaos.Tick();
      if (const std::string died = fleet_->Died(); !died.empty()) {
        Problem(died);
        break;
      }
      if (memory_.size() == 1 && absl::Now() >= begin + absl::Seconds(options_.seconds / 2))
        TakeMemory("in the middle");
      if (absl::Now() >= next) {
        chaos.Next();
        next += absl::Seconds(1 / options_.faults_per_second);
      }
      absl::SleepFor(absl::Milliseconds(20));
    }
    writing = false;
    writer.join();
  }

  std::string FileOf(const std::string& name, const Wanted& wanted) const {
    return absl::StrCat(fleet_->cluster_directory(wanted.cluster), "/default.configmap.core.", name,
                        ".yaml");
  }

  // What is not as it shall be: "name has v3, not v4".
  std::vector<std::string> Differences() const {
    std::vector<std::string> differences;
    size_t alive = 0;
    for (const auto& [name, wanted] : fleet_->writer().wanted()) {
      const std::optional<uint64_t> value = Witness::ValueOf(FileOf(name, wanted));
      const std::optional<uint64_t> right =
          wanted.alive ? std::optional<uint64_t>(wanted.value) : std::nullopt;
      alive += wanted.alive ? 1 : 0;
      if (value == right) continue;
      const auto text = [](const std::optional<uint64_t>& v) {
        return v.has_value() ? absl::StrCat("v", *v) : std::string("no file");
      };
      differences.push_back(absl::StrCat(name, " has ", text(value), ", not ", text(right)));
    }
    size_t files = 0;
    for (const std::string& cluster : fleet_->clusters()) {
      for (const auto& entry :
           std::filesystem::directory_iterator(fleet_->cluster_directory(cluster)))
        files += entry.path().extension() == ".yaml" ? 1 : 0;
    }
    if (differences.empty() && files != alive)
      differences.push_back(absl::StrCat("there are ", files, " files for ", alive, " names"));
    return differences;
  }

  bool AwaitLive(const std::string& when) {
    if (WaitUntil(absl::Seconds(options_.patience_s), [&] { return Differences().empty(); }))
      return true;
    const std::vector<std::string> differences = Differences();
    Problem(absl::StrCat(when, ": ", differences.size(), " names are not as wanted after ",
                         options_.patience_s, " s"));
    for (size_t i = 0; i < differences.size() && i < 10; ++i) Problem(differences[i]);
    return false;
  }

  // The hub says the same, with proof.
  void AwaitProof() {
    std::string table;
    const bool proven = WaitUntil(absl::Seconds(options_.patience_s), [&] {
      const Writer::Answer answer = fleet_->writer().Leidang({"get", "applications"});
      table = answer.out;
      const std::vector<std::string> lines = absl::StrSplit(table, '\n', absl::SkipEmpty());
      size_t synced = 0;
      for (const std::string& line : lines) {
        const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
        if (words.size() > 3 && words[2] == "Synced" && words[3] == "Healthy") ++synced;
      }
      size_t alive = 0;
      for (const auto& [name, wanted] : fleet_->writer().wanted()) alive += wanted.alive ? 1 : 0;
      return answer.code == 0 && synced == alive && lines.size() == alive + 1;
    });
    if (!proven) {
      Problem("the hub does not show all Applications, and no other, as Synced and Healthy");
      std::printf("%s\n", table.c_str());
    }
  }

  void CheckSeen(const Witness::Seen& seen) {
    if (seen.lost_hints > 0) Problem("the witness missed something: run with fewer writes");
    if (seen.inversions > 0)
      Problem(absl::StrCat(seen.inversions, " times an older value came after a newer one"));
    if (seen.repeats > 0)
      Problem(absl::StrCat(seen.repeats, " times a revision was applied again"));
    for (const std::string& example : seen.examples) Problem(example);
    for (const auto& [name, wanted] : fleet_->writer().wanted()) {
      const auto ends = seen.ends_of.find(FileOf(name, wanted));
      if (ends != seen.ends_of.end() && ends->second > wanted.ends) {
        Problem(absl::StrCat(name, " was deleted ", ends->second, " times, which was asked for ",
                             wanted.ends, " times"));
      }
    }
  }

  // What they hold now; later if the hub is down.
  void TakeMemory(const std::string& when) {
    if (!fleet_->hub().IsRunning()) return;
    double most = 0;
    double sum = 0;
    size_t up = 0;
    for (size_t i = 0; i < fleet_->size(); ++i) {
      if (!fleet_->agent(i).IsRunning()) continue;
      const double held = static_cast<double>(fleet_->agent(i).resident_bytes()) / (1 << 20);
      most = std::max(most, held);
      sum += held;
      ++up;
    }
    memory_.push_back(
        absl::StrFormat("memory %s: hub %.1f MB, %d agents %.1f MB on average, %.1f MB at most",
                        when, static_cast<double>(fleet_->hub().resident_bytes()) / (1 << 20), up,
                        up == 0 ? 0 : sum / static_cast<double>(up), most));
  }

  // That a run was what it says: of what was written and of what went wrong, each had its share.
  void CheckShares(const Faults& chaos) {
    const Writer::Counts& counts = fleet_->writer().counts();
    const auto writes = static_cast<double>(counts.writes() - begun_.writes());
    const auto share = [&](const char* what, uint64_t now, uint64_t then, double low, double high) {
      const double percent = 100 * static_cast<double>(now - then) / writes;
      std::printf("%s: %.1f %%\n", what, percent);
      if (writes >= kEnough && (percent < low || percent > high))
        Problem(absl::StrFormat("%.1f %% of the writes are %s", percent, what));
    };
    share("updates", counts.updates, begun_.updates, 82, 92);
    share("creates", counts.creates, begun_.creates, 6, 14);
    share("deletes", counts.deletes, begun_.deletes, 1, 6);
    if (writes >= kEnough && counts.recreates == begun_.recreates)
      Problem("no name was used again");
    if (writes < kEnough)
      std::printf("shares of writes: not judged, with fewer than %llu of them\n",
                  static_cast<unsigned long long>(kEnough));
    if (options_.kills_only || chaos.total() < kFaultsEnough) {
      std::printf("kinds of faults: not judged, %s\n",
                  options_.kills_only ? "as only kills were asked for"
                                      : "as there were too few for each to be among them");
      return;
    }
    for (const char* kind : {"kill-hub", "kill-agent", "stop-hub", "stop-agent", "cut", "delay",
                             "half-open", "swallow", "refuse"}) {
      if (!chaos.counts().contains(kind)) Problem(absl::StrCat("there was no ", kind));
    }
  }

  void CheckMemory() {
    for (const std::string& line : memory_) std::printf("%s\n", line.c_str());
    const double hub = static_cast<double>(fleet_->hub().resident_bytes_peak()) / (1 << 20);
    double most = 0;
    for (size_t i = 0; i < fleet_->size(); ++i) {
      most =
          std::max(most, static_cast<double>(fleet_->agent(i).resident_bytes_peak()) / (1 << 20));
    }
    std::printf("memory: hub %.0f MB, the largest agent %.0f MB\n", hub, most);
    if (hub > options_.hub_mb_max || most > options_.agent_mb_max)
      Problem("memory is above its bound");
  }

  void Print(const Faults& chaos, const Witness::Seen& seen) {
    const Writer::Counts& counts = fleet_->writer().counts();
    std::printf("faults: %llu", static_cast<unsigned long long>(chaos.total()));
    for (const auto& [kind, count] : chaos.counts())
      std::printf("  %s %llu", kind.c_str(), static_cast<unsigned long long>(count));
    std::printf(
        "\nwrites: %llu  updates %llu  creates %llu (%llu of names used before)  deletes "
        "%llu  commits %llu  API calls %llu, tried again %llu\n",
        static_cast<unsigned long long>(counts.writes()),
        static_cast<unsigned long long>(counts.updates),
        static_cast<unsigned long long>(counts.creates),
        static_cast<unsigned long long>(counts.recreates),
        static_cast<unsigned long long>(counts.deletes),
        static_cast<unsigned long long>(counts.commits),
        static_cast<unsigned long long>(counts.api_calls),
        static_cast<unsigned long long>(counts.api_retries));
    std::printf("seen on disk: %llu writes, %llu ends, %llu repeats, %llu inversions\n",
                static_cast<unsigned long long>(seen.writes),
                static_cast<unsigned long long>(seen.ends),
                static_cast<unsigned long long>(seen.repeats),
                static_cast<unsigned long long>(seen.inversions));
    std::printf("proxy: %llu connections, %llu bytes\n",
                static_cast<unsigned long long>(fleet_->proxy().connections()),
                static_cast<unsigned long long>(fleet_->proxy().bytes()));
    if (chaos.total() < options_.faults_min) Problem("fewer faults than asked for");
    // Without those that made the fleet.
    if (const uint64_t writes = counts.writes() - begun_.writes(); writes < options_.writes_min)
      Problem(absl::StrCat(writes, " writes, fewer than asked for"));
    if (chaos.bad_ends() > 0)
      Problem(absl::StrCat(chaos.bad_ends(), " programs did not end in good order on SIGTERM"));
  }

  const Options options_;
  std::string directory_;
  std::unique_ptr<Fleet> fleet_;
  std::vector<std::string> problems_;
  Writer::Counts begun_;
  std::vector<std::string> memory_;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("A real fleet, killed, stopped and cut off while its intent changes.", "chaos_test");
  app.add_option("--agents", options.agents)->check(CLI::Range(1, 500));
  app.add_option("--seconds", options.seconds, "How long things go wrong");
  app.add_option("--writes", options.writes_per_second, "A second");
  app.add_option("--faults", options.faults_per_second, "A second");
  app.add_option("--seed", options.seed, "Of faults and writes; their moments are the machine's");
  app.add_option("--writes-min", options.writes_min, "Fail with fewer");
  app.add_option("--faults-min", options.faults_min, "Fail with fewer");
  app.add_option("--patience", options.patience_s, "Seconds until all must be as wanted");
  app.add_option("--hub-mb", options.hub_mb_max, "Most memory of the hub");
  app.add_option("--agent-mb", options.agent_mb_max, "Most memory of an agent");
  app.add_flag("--kills-only", options.kills_only, "SIGKILL of hub and agents, nothing else");
  app.add_flag("--keep", options.keep, "Keep logs and stores");
  CLI11_PARSE(app, argc, argv);
  return Run(options).Go();
}

}  // namespace
}  // namespace leidang::chaos

int main(int argc, char** argv) { return leidang::chaos::Main(argc, argv); }
