#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/intent/intent.h"
#include "common/object/sha256.h"

namespace leidang::sim {

// One object in a simulated cluster: each entry makes one, named by its key.
struct SimObject {
  intent::Uid owner;       // The entry that applied it last.
  object::Sha256 element;  // What was applied.
  std::string content;     // Of the file it was rendered from.
  bool edited = false;     // Somebody changed it by hand.
};

// What an agent acts upon. Outlives the agent's process and its disk.
using SimCluster = std::map<intent::EntryKey, SimObject>;

}  // namespace leidang::sim
