#pragma once

#include "hub/store/check_report.h"
#include "hub/store/rows.h"

namespace leidang::hub {

// Reads every row that hub/store owns and holds it against docs/formats/store.md: that it can be
// decoded, that the change logs keep their invariants, that log and assignments, Applications and
// their index belong together, and that digests are those of what they stand for. Adds what it
// finds to `report`; goes on after damage, as far as can be. Takes the memory of the largest
// cluster's log and 32 bytes for each content. Reads only; any thread.
void CheckStore(const RowView& rows, CheckReport* report);

}  // namespace leidang::hub
