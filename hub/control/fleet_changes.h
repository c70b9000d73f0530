#pragma once

#include <string>

#include "common/intent/intent.h"

namespace leidang::hub {

// What deletions of an entry are counted under (DeletionCount::entry_key).
std::string CountedAs(const intent::ClusterId& cluster, const intent::EntryKey& key);

}  // namespace leidang::hub
