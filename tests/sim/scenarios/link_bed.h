#pragma once

// LinkBed: the world of the link for a scenario that makes its own way through a run. Checks look
// on all the while. Loop-bound.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "tests/sim/run_request.h"
#include "tests/sim/run_result.h"
#include "tests/sim/sim_world.h"

namespace leidang::sim {

class LinkBed {
 public:
  LinkBed(const RunRequest& request, const Shape& shape);

  SimWorld& world() { return world_; }
  SimHub& hub() { return world_.hub(); }
  SimNetwork& network() { return world_.network(); }
  Writer& writer() { return world_.writer(); }
  Checks& checks() { return world_.checks(); }
  Random& random() { return world_.random(); }
  size_t agents() const { return world_.agents().size(); }
  SimAgent& agent(size_t n) { return *world_.agents()[n]; }
  SimAgent& AnyAgent() { return agent(random().Below(agents())); }

  absl::Duration Now() { return world_.loop().clock().Monotonic(); }
  absl::Duration Between(absl::Duration low, absl::Duration high);
  // A rule is broken: nothing more needs to be tried.
  bool failed() { return checks().violation().has_value(); }
  void Expect(bool holds, absl::string_view rule, const std::string& what);
  void Note(absl::string_view what) { world_.trace().Note(what, {}); }

  void Pass(absl::Duration time) { world_.RunUntil(Now() + time); }
  // Changes for so long, one every `pace` or so.
  void WriteFor(absl::Duration time, absl::Duration pace);
  // True if it holds within `limit`; looked at every 100 ms.
  bool Await(const std::function<bool()>& holds, absl::Duration limit);
  // Each agent is proven in sync.
  bool AllInSync();
  // It has received all that its hub has, as the hub knows.
  bool CaughtUp(SimAgent& agent);

  // All heals, hub and agents are up; then within a bounded time the world must be at rest.
  void Calm();
  RunResult Result() { return world_.Result(); }

 private:
  SimWorld world_;
};

// A scenario's run: `script` begins with a hub that has entries for each cluster, and agents in
// sync with it; the calm follows it.
std::function<RunResult(const RunRequest&)> OnLink(const std::function<Shape(uint64_t seed)>& shape,
                                                   const std::function<void(LinkBed&)>& script);
// 2 to 4 clusters of 3 to 8 names.
std::function<RunResult(const RunRequest&)> OnLink(const std::function<void(LinkBed&)>& script);

}  // namespace leidang::sim
