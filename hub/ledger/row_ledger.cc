#include "hub/ledger/row_ledger.h"

#include <utility>

#include "common/base/status_macros.h"
#include "hub/ledger/ledger_core.h"
#include "hub/ledger/limits.h"

namespace leidang::hub {
namespace {

constexpr size_t kRequestBytes = 256;

size_t BytesOf(const LedgerTxn& txn) {
  size_t bytes = kRequestBytes;
  for (const LedgerOp& op : txn.ops) {
    bytes += op.key.size() + (op.value.has_value() ? op.value->size() : 0);
  }
  return bytes;
}

class RowLedger final : public Ledger {
 public:
  explicit RowLedger(std::shared_ptr<LedgerCore> core) : core_(std::move(core)) {}
  ~RowLedger() override { core_->Close(); }

  void Commit(LedgerTxn txn, EventLoop* loop, CommitDone done) override {
    if (absl::Status status = CheckLimits(txn); !status.ok()) {
      loop->Post([done = std::move(done), status = std::move(status)] { done(status); });
      return;
    }
    const size_t bytes = BytesOf(txn);
    LedgerCore::Request request;
    request.txn = std::move(txn);
    request.loop = loop;
    request.done = std::move(done);
    core_->Push(std::move(request), bytes);
  }

  void Get(std::string key, LedgerRevision at_least, EventLoop* loop, GetDone done) override {
    core_->WhenReached(
        at_least, [weak = std::weak_ptr<LedgerCore>(core_), key = std::move(key), loop,
                   done = std::move(done)](const absl::Status& reached) mutable {
          const auto core = weak.lock();
          if (core == nullptr) return;
          absl::StatusOr<LedgerEntry> entry =
              reached.ok() ? core->Get(key) : absl::StatusOr<LedgerEntry>(reached);
          loop->Post([done = std::move(done), entry = std::move(entry)] { done(entry); });
        });
  }

  void List(LedgerListRequest request, EventLoop* loop, ListDone done) override {
    loop->Post([done = std::move(done), page = core_->List(request)] { done(page); });
  }

  WatchId Watch(std::string prefix, LedgerRevision from, EventLoop* loop,
                OnWatch on_change) override {
    return core_->Watch(std::move(prefix), from, loop, std::move(on_change));
  }
  void CancelWatch(WatchId id) override { core_->CancelWatch(id); }

  void GrantLease(absl::Duration life, EventLoop* loop, LeaseDone done) override {
    LedgerCore::Request request;
    request.kind = LedgerCore::Request::Kind::kGrant;
    request.life = life;
    request.loop = loop;
    request.done = std::move(done);
    core_->Push(std::move(request), kRequestBytes);
  }
  void KeepAlive(LeaseId lease, EventLoop* loop, std::function<void(absl::Status)> done) override {
    PushLease(LedgerCore::Request::Kind::kKeepAlive, lease, loop, std::move(done));
  }
  void RevokeLease(LeaseId lease, EventLoop* loop,
                   std::function<void(absl::Status)> done) override {
    PushLease(LedgerCore::Request::Kind::kRevoke, lease, loop, std::move(done));
  }

 private:
  void PushLease(LedgerCore::Request::Kind kind, LeaseId lease, EventLoop* loop,
                 std::function<void(absl::Status)> done) {
    LedgerCore::Request request;
    request.kind = kind;
    request.lease = lease;
    request.loop = loop;
    request.done = [done = std::move(done)](const absl::StatusOr<uint64_t>& answer) {
      done(answer.status());
    };
    core_->Push(std::move(request), kRequestBytes);
  }

  const std::shared_ptr<LedgerCore> core_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Ledger>> OpenLedger(Rows* rows, EventLoop* commit_loop,
                                                   const LedgerOptions& options) {
  auto core = std::make_shared<LedgerCore>(rows, commit_loop, options);
  RETURN_IF_ERROR(core->Load());
  return std::unique_ptr<Ledger>(std::make_unique<RowLedger>(std::move(core)));
}

}  // namespace leidang::hub
