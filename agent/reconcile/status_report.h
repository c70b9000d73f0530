#pragma once

// What a look at an entry found and did, as the status that is reported. Pure; thread-safe.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/apply/desired.h"
#include "agent/apply/plan.h"
#include "agent/apply/sync_policy.h"
#include "agent/reconcile/sync_run.h"
#include "agent/state/transaction.h"
#include "common/conditions/reason.h"
#include "common/intent/status.h"
#include "common/object/key.h"

namespace leidang::agent {

struct EntryFindings {
  Entry entry;
  absl::Status failure;                // Why there is no plan, or only one of what was good before.
  std::string progress;                // What it waits for, in words; no failure.
  const SyncPolicy* policy = nullptr;  // The rest is nullptr or empty where it was not reached.
  const DesiredSet* desired = nullptr;
  const Plan* plan = nullptr;            // Of the last look.
  const SyncOutcome* outcome = nullptr;  // Of everything that was carried out.
  std::vector<SeenObject> live;
  size_t inventory = 0;
  std::map<object::ObjectKey, absl::Duration> rested;
  // Why it cannot be told of some objects what may be applied; they are left as they are.
  std::vector<std::string> unsure;
  bool running = false;   // More is to be carried out.
  std::string operation;  // What a sync that is running waits for.
  // When this look began, and the sync that it is part of where that has a record of its own.
  absl::Time looked_at;
  std::optional<absl::Time> sync_started;
  // How the sync of this very content ended, if it failed.
  std::string sync_failure;
  // What the cluster's policy does not allow: the rule by which changes wait, and objects with the
  // rules that refuse them.
  std::optional<conditions::Reason> limited_by;
  std::string limit;
  std::vector<std::string> refused;
  bool withheld = false;             // Something was to be done, and was not for that.
  std::vector<std::string> held_up;  // Objects that are being deleted, with what holds them.
  std::vector<intent::ObjectStatus> hook_results;                         // Of the last sync.
  enum class Hooks : uint8_t { kRun, kLeftOut } hooks = Hooks::kLeftOut;  // On this target.
  bool skipped = false;  // The Application asks to be left alone; `progress` says so.
  bool gone = false;     // The deletion is complete.
};

// True if the cluster equals what the entry wants and nothing waits: what MarkApplied tells.
bool IsApplied(const EntryFindings& findings);

// `before` is the status reported last; `now` the time for conditions that are new.
intent::EntryStatus MakeStatus(const EntryFindings& findings,
                               const std::optional<intent::EntryStatus>& before, absl::Time now);

// Equal but for the time of observation.
bool SameStatus(intent::EntryStatus a, const intent::EntryStatus& b);

// Adds up.
void Merge(SyncOutcome& total, SyncOutcome more);

// "ConfigMap a/b, Secret a/c and 3 more".
std::string ListShown(const std::vector<object::ObjectKey>& keys);

}  // namespace leidang::agent
