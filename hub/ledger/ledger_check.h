#pragma once

#include "hub/store/check_report.h"
#include "hub/store/rows.h"

namespace leidang::hub {

// Reads every row of the families `ledger` and `audit` and holds it against docs/formats/store.md:
// that each record can be decoded and is kept under its own key, that no revision is beyond the
// ledger's, that names belong to registrations, that each cluster's authority is not below that of
// its change log, and that the audit log is one unbroken chain that ends at its head. Adds what it
// finds to `report`; goes on after damage, as far as can be. Reads only; any thread.
void CheckLedger(const RowView& rows, CheckReport* report);

}  // namespace leidang::hub
