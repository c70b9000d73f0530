#pragma once

// HealthScripts: the Lua health checks that somebody has configured, in the form of Argo CD's
// settings (common/settings/health_setting.h). Other settings are not of this room and are passed
// over; `useOpenLibs` has no effect, as there is one set of libraries.
//
// Thread-safe.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/match/glob.h"
#include "common/object/value.h"

namespace leidang::agent {

struct HealthScript {
  std::string kind;    // "group/Kind" as configured, with its wildcards.
  std::string script;  // Lua.
};

class HealthScripts {
 public:
  // Reads such a map, or a ConfigMap that has it as its data. kInvalidArgument, naming `where` and
  // the key. That a script can be read is not looked at.
  static absl::StatusOr<HealthScripts> Parse(const object::Value& settings,
                                             absl::string_view where);

  // Reads them from a YAML file. kNotFound or kInvalidArgument, naming the file.
  static absl::StatusOr<HealthScripts> ReadFile(const std::string& path);

  bool empty() const { return entries_.empty(); }
  std::vector<HealthScript> All() const;

  // A check that names the kind comes before one with wildcards; of several of these the first in
  // alphabetical order. nullptr if there is none.
  const HealthScript* Find(absl::string_view group, absl::string_view kind) const;

 private:
  struct Entry {
    HealthScript script;
    match::Glob glob;
  };

  std::vector<Entry> entries_;  // In order of kind.
};

}  // namespace leidang::agent
