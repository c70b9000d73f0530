#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/time/event_loop.h"
#include "hub/ledger/ledger.h"
#include "hub/store/rows.h"

namespace leidang::hub {

struct LedgerOptions {
  absl::Duration commit_delay;  // What a sync takes, in virtual time; 0 with a real disk.
  // How much of the past lists and watches can ask for, since the ledger was opened.
  size_t history_events_max = 10'000;
  size_t history_bytes_max = 32 << 20;
};

// The Ledger on rows: in memory (store/memory_rows.h, for simulation and tests) or in RocksDB
// (store/rocks/rocks_database.h). `rows` and `commit_loop` must outlive it. kDataLoss for damage.
//
// Keys under `audit/` are in a family of their own: a list or a watch sees them only if its prefix
// begins with `audit/`. Leases have their whole life again after a restart. To kill the hub,
// destroy the ledger: nothing more is answered, what was not committed is gone.
absl::StatusOr<std::unique_ptr<Ledger>> OpenLedger(Rows* rows, EventLoop* commit_loop,
                                                   const LedgerOptions& options = {});

}  // namespace leidang::hub
