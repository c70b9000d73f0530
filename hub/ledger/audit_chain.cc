#include "hub/ledger/audit_chain.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace leidang::hub {
namespace {

// With the head, below the limit of a transaction.
constexpr size_t kEntriesPerTxn = 64;
constexpr size_t kBytesPerTxn = kLedgerBytesMax / 2;
constexpr int kTriesMax = 20;  // Against other hubs that append.

size_t BytesOf(const AuditEntry& entry) {
  return 256 + entry.who.size() + entry.from.size() + entry.what.size() + entry.outcome.size();
}

}  // namespace

// Shared with the call that is under way.
struct AuditChain::State : std::enable_shared_from_this<AuditChain::State> {
  struct Waiting {
    AuditEntry entry;
    Done done;
  };

  State(Ledger* l, EventLoop* lp) : ledger(l), loop(lp) {}

  void Start() {
    if (busy || waiting.empty()) return;
    busy = true;
    tries = 0;
    ReadHead();
  }

  void ReadHead() {
    ledger->Get(AuditHeadKey(), 0, loop,
                [weak = weak_from_this()](const absl::StatusOr<LedgerEntry>& entry) {
                  if (const auto self = weak.lock()) self->OnHead(entry);
                });
  }

  void OnHead(const absl::StatusOr<LedgerEntry>& entry) {
    AuditHead head;
    LedgerRevision modified = 0;
    if (entry.ok()) {
      absl::StatusOr<AuditHead> decoded = Decode<AuditHead>(*entry);
      if (!decoded.ok()) return Fail(decoded.status());
      head = *decoded;
      modified = entry->modified;
    } else if (!absl::IsNotFound(entry.status())) {
      return Fail(entry.status());
    }
    LedgerTxn txn;
    txn.GuardModified(AuditHeadKey(), modified);
    in_flight = 0;
    size_t bytes = 0;
    while (in_flight < waiting.size() && in_flight < kEntriesPerTxn) {
      AuditEntry& next = waiting[in_flight].entry;
      bytes += BytesOf(next);
      if (in_flight > 0 && bytes > kBytesPerTxn) break;
      next.sequence = head.sequence + 1;
      next.previous = head.hash;
      head = AuditHead{next.sequence, HashOf(next)};
      txn.Put(LedgerKeyOf(next), Encode(next));
      ++in_flight;
    }
    txn.Put(AuditHeadKey(), Encode(head, entry.ok() ? entry->value : ""));
    ledger->Commit(std::move(txn), loop,
                   [weak = weak_from_this()](const absl::StatusOr<LedgerRevision>& revision) {
                     if (const auto self = weak.lock()) self->OnCommit(revision.status());
                   });
  }

  void OnCommit(const absl::Status& status) {
    if (absl::IsFailedPrecondition(status) && ++tries < kTriesMax) return ReadHead();
    if (!status.ok()) return Fail(status);
    Answer(in_flight, status);
  }

  void Fail(const absl::Status& status) {
    Answer(in_flight > 0 ? in_flight : waiting.size(), status);
  }

  void Answer(size_t count, const absl::Status& status) {
    std::vector<Done> answered;
    for (size_t i = 0; i < count; ++i) {
      answered.push_back(std::move(waiting.front().done));
      waiting.pop_front();
    }
    in_flight = 0;
    busy = false;
    Start();
    for (const Done& done : answered) done(status);
  }

  Ledger* const ledger;
  EventLoop* const loop;
  std::deque<Waiting> waiting;
  size_t in_flight = 0;  // Of `waiting`, from the front.
  bool busy = false;
  int tries = 0;
};

AuditChain::AuditChain(Ledger* ledger, EventLoop* loop)
    : state_(std::make_shared<State>(ledger, loop)) {}
AuditChain::~AuditChain() = default;

void AuditChain::Append(AuditEntry entry, Done done) {
  if (state_->waiting.size() >= kWaitingMax) {
    state_->loop->Post([done = std::move(done)] {
      done(absl::ResourceExhaustedError("too many audit entries are waiting to be written"));
    });
    return;
  }
  state_->waiting.push_back({std::move(entry), std::move(done)});
  state_->Start();
}

absl::StatusOr<AuditHead> VerifyAudit(const std::vector<AuditEntry>& entries,
                                      const AuditHead& before) {
  AuditHead head = before;
  for (const AuditEntry& entry : entries) {
    if (entry.sequence != head.sequence + 1) {
      return absl::DataLossError(absl::StrCat("audit entry ", head.sequence + 1,
                                              " is missing: the next one is ", entry.sequence));
    }
    if (entry.previous != head.hash) {
      return absl::DataLossError(absl::StrCat("audit entry ", head.sequence, " was altered: entry ",
                                              entry.sequence, " names another hash of it"));
    }
    head = AuditHead{entry.sequence, HashOf(entry)};
  }
  return head;
}

}  // namespace leidang::hub
