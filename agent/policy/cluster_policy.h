#pragma once

// ClusterPolicy: what the owner of a cluster lets the agent do there, whatever the hub says.
//
//   pause: storage is being moved        # a reason, or true: nothing is written
//   namespaces: {allow: [shop, "team-*"], deny: [kube-system]}
//   kinds: {deny: ["rbac.authorization.k8s.io/*", Secret]}
//   clusterScoped: {allow: [Namespace]}
//   freeze:
//     - name: nights
//       days: [mon, tue, wed, thu, fri]  # of the beginning; all unless given
//       from: "22:00"
//       until: "06:00"                   # on the next day where it is not later than `from`
//       timeZone: Europe/Oslo            # UTC unless given
//     - name: end of the year
//       from: "2026-12-20T00:00:00Z"
//       until: "2027-01-03T00:00:00Z"
//       corrections: false               # not even drift is undone
//
// Patterns are globs. Kinds are written as "apps/Deployment", those of the core group without a
// group. What both lists of a rule name is refused. With `namespaces.allow`, objects without a
// namespace are refused unless `clusterScoped` allows their kind, but for Namespaces of an allowed
// name. What is not written limits nothing; a file that limits nothing is `{}`.
//
// Immutable; thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/match/glob.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

class ClusterPolicy {
 public:
  // How much may be changed.
  enum class Changes : uint8_t {
    kAll,
    kCorrections,  // Drift is undone; nothing new, and nothing is deleted.
    kNone,
  };
  struct Limit {
    Changes changes = Changes::kAll;
    enum class Why : uint8_t { kNothing, kPause, kWindow } why = Why::kNothing;
    std::string rule;                           // In words; empty with kAll.
    absl::Time until = absl::InfiniteFuture();  // When it may be another one.
  };

  // Limits nothing.
  ClusterPolicy() = default;

  // kInvalidArgument that begins with `where` and names the field, if something is unknown, of the
  // wrong type or cannot hold.
  static absl::StatusOr<ClusterPolicy> Parse(const object::Value& settings,
                                             absl::string_view where);

  Limit At(absl::Time now) const;

  // The rule that refuses the object, in words; nullopt if none does. One with a pattern that can
  // not be decided refuses.
  std::optional<std::string> Refuses(const object::ObjectKey& key) const;

 private:
  friend class PolicyReader;

  struct Pattern {
    std::string text;
    match::Glob glob;
  };
  struct Names {
    std::string rule;  // As it is written: "namespaces".
    std::optional<std::vector<Pattern>> allow;
    std::vector<Pattern> deny;
    // The rule that refuses, nullopt if none does: by its `deny` alone, and by both.
    std::optional<std::string> Denies(const std::string& name) const;
    std::optional<std::string> Refuses(const std::string& name) const;
  };
  // Either dates, or times of a day.
  struct Window {
    std::string name;
    Changes changes = Changes::kCorrections;
    absl::Time from, until;
    bool daily = false;
    absl::Duration starts, length;  // After midnight.
    std::vector<absl::Weekday> days;
    absl::TimeZone zone;
    // While it is open: until when. Else nullopt, and `next` is the earlier of itself and the next
    // beginning.
    std::optional<absl::Time> OpenUntil(absl::Time now, absl::Time& next) const;
  };

  std::optional<std::string> pause_;
  Names namespaces_{"namespaces", {}, {}};
  Names kinds_{"kinds", {}, {}};
  Names cluster_scoped_{"clusterScoped", {}, {}};
  std::vector<Window> freeze_;
};

}  // namespace leidang::agent
