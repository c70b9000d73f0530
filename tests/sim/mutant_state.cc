#include "tests/sim/mutant_state.h"

#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

namespace leidang::sim {

MutantState::MutantState(SimLoop& loop, agent::State& inner, Mutant mutant)
    : loop_(loop), inner_(inner), mutant_(mutant) {}

MutantState::~MutantState() { *alive_ = false; }

bool MutantState::ForgetsWhomItObeys() const {
  return mutant_ == Mutant::kAcceptOlderRevision || mutant_ == Mutant::kTrustAnyone;
}

const agent::Allegiance& MutantState::allegiance() const {
  if (!ForgetsWhomItObeys()) return inner_.allegiance();
  shown_ = inner_.allegiance();
  if (mutant_ == Mutant::kTrustAnyone) {
    shown_.authority = {};
    return shown_;
  }
  // It knows whom it obeys, but not of when that authority is: any of its hub counts as newer.
  shown_.authority.epoch = 0;
  shown_.authority.incarnation = 0;
  return shown_;
}

agent::Transaction MutantState::Mutate(agent::Transaction transaction) {
  agent::Transaction mutated;
  for (agent::Mutation& mutation : transaction) {
    if (const auto* obey = std::get_if<agent::Obey>(&mutation);
        obey != nullptr && ForgetsWhomItObeys()) {
      mutated.push_back(agent::TrustHub{obey->authority.hub});
    }
    if (auto* receive = std::get_if<agent::Receive>(&mutation);
        receive != nullptr && mutant_ == Mutant::kDeleteOnCompare) {
      intent::Revision revision =
          receive->changes.empty() ? receive->to : receive->changes.back().revision;
      for (const agent::EntryRef& ref : std::exchange(receive->unclaimed, {})) {
        receive->changes.push_back({++revision, intent::Tombstone{.key = ref.key, .uid = ref.uid}});
      }
    }
    if (auto* receive = std::get_if<agent::Receive>(&mutation);
        receive != nullptr && mutant_ == Mutant::kDropTombstones) {
      std::erase_if(receive->changes, [](const intent::Change& change) {
        return std::holds_alternative<intent::Tombstone>(change.what);
      });
    }
    if (auto* put = std::get_if<agent::PutStatus>(&mutation);
        put != nullptr && mutant_ == Mutant::kUnboundedOutbox && !put->status.gone) {
      // Every report beside the former ones instead of in their place.
      agent::PutStatus more = *put;
      absl::StrAppend(&more.status.key.name, "#", reports_++);
      mutated.push_back(std::move(more));
    }
    mutated.push_back(std::move(mutation));
  }
  return mutated;
}

void MutantState::Commit(agent::Transaction transaction, Done done) {
  transaction = Mutate(std::move(transaction));
  if (mutant_ != Mutant::kAckBeforeFsync)
    return inner_.Commit(std::move(transaction), std::move(done));
  loop_.Post([alive = alive_, done = std::move(done)] {
    if (*alive) done(absl::OkStatus());
  });
  inner_.Commit(std::move(transaction), [](absl::Status) {});
}

}  // namespace leidang::sim
