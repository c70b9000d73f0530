#include <utility>

#include "common/base/check.h"
#include "common/time/sim_loop.h"
#include "hub/ledger/ledger_contract.h"
#include "hub/store/memory_rows.h"

namespace leidang::hub {
namespace {

class MemoryLedgerHarness final : public LedgerHarness {
 public:
  explicit MemoryLedgerHarness(const LedgerOptions& options) : options_(options) {
    options_.commit_delay = absl::Milliseconds(1);
    Open();
  }

  Ledger& ledger() override { return *ledger_; }
  EventLoop* loop() override { return &loop_; }
  bool Wait(const std::function<bool()>& done) override {
    return loop_.RunUntil(done, absl::Minutes(1));
  }
  void Settle() override { loop_.RunFor(absl::Milliseconds(100)); }

  void KillAndReopen() override {
    ledger_.reset();
    disk_.DropUnsynced();
    loop_.Clear();
    Open();
  }

 private:
  void Open() {
    absl::StatusOr<std::unique_ptr<Ledger>> ledger = OpenLedger(&disk_, &loop_, options_);
    CHECK(ledger.ok());
    ledger_ = *std::move(ledger);
  }

  LedgerOptions options_;
  SimLoop loop_;
  MemoryRows disk_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace

std::vector<LedgerKind> LedgerKinds() {
  return {{"Memory", [](const LedgerOptions& options) {
             return std::make_unique<MemoryLedgerHarness>(options);
           }}};
}

}  // namespace leidang::hub
