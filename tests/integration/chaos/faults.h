#pragma once

// Faults: what goes wrong in a fleet, drawn from one seed, and how often each kind did.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/random/random.h"
#include "tests/integration/chaos/fleet.h"

namespace leidang::chaos {

enum class Level {
  kKills,  // SIGKILL of hub and agents only.
  kAll,
};

// Thread-compatible.
class Faults {
 public:
  Faults(Fleet& fleet, Random& random, Level level);

  // One fault, and what it needs later: a program that is started again, one that goes on.
  void Next();
  // Does what is due.
  void Tick();
  // Everything runs and nothing is in the way.
  void Heal();

  const std::map<std::string, uint64_t>& counts() const { return counts_; }
  uint64_t total() const;
  // Programs that did not end in good order when they were asked to.
  uint64_t bad_ends() const { return bad_ends_; }

 private:
  enum class Later { kStart, kContinue };
  struct Due {
    absl::Time at;
    Later what;
    testing::Program* program;
  };

  void Kill(testing::Program& program, const std::string& kind, absl::Duration pause);
  void Suspend(testing::Program& program, const std::string& kind);
  void OnNetwork(size_t agent);
  bool IsBusy(const testing::Program& program) const;
  absl::Duration Between(absl::Duration low, absl::Duration high);

  Fleet& fleet_;
  Random& random_;
  const Level level_;
  std::map<std::string, uint64_t> counts_;
  std::vector<Due> due_;
  uint64_t bad_ends_ = 0;
};

}  // namespace leidang::chaos
