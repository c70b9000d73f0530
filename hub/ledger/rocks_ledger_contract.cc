#include <utility>

#include "common/base/check.h"
#include "common/time/thread_loop.h"
#include "hub/ledger/ledger_contract.h"
#include "hub/store/pumped_loop.h"
#include "hub/store/rocks/rocks_database.h"
#include "tests/support/temp_dir.h"

namespace leidang::hub {
namespace {

class RocksLedgerHarness final : public LedgerHarness {
 public:
  explicit RocksLedgerHarness(const LedgerOptions& options) : options_(options) { Open(); }
  ~RocksLedgerHarness() override { Close(); }

  Ledger& ledger() override { return *ledger_; }
  EventLoop* loop() override { return &loop_; }
  bool Wait(const std::function<bool()>& done) override { return loop_.RunUntil(done); }
  void Settle() override {
    bool reached = false;
    commits_->Post([this, &reached] { loop_.Post([&reached] { reached = true; }); });
    CHECK(loop_.RunUntil([&reached] { return reached; }));
  }

  void KillAndReopen() override {
    Close();
    loop_.Clear();
    Open();
  }

 private:
  void Open() {
    DatabaseOptions options;
    options.directory = directory_ / "store";
    options.new_hub_id = *intent::HubId::FromRaw("0123456789abcdef");
    options.sync_samples = 1;
    auto database = RocksDatabase::Open(options, loop_.clock());
    CHECK(database.ok());
    database_ = *std::move(database);
    commits_ = std::make_unique<ThreadLoop>("commit");
    auto ledger = OpenLedger(database_->rows(), commits_.get(), options_);
    CHECK(ledger.ok());
    ledger_ = *std::move(ledger);
  }

  void Close() {
    commits_->Stop();
    ledger_.reset();
    commits_.reset();
    database_.reset();
  }

  const LedgerOptions options_;
  ::leidang::testing::TempDir directory_;
  PumpedLoop loop_;
  std::unique_ptr<RocksDatabase> database_;
  std::unique_ptr<ThreadLoop> commits_;
  std::unique_ptr<Ledger> ledger_;
};

}  // namespace

std::vector<LedgerKind> LedgerKinds() {
  return {{"RocksDb", [](const LedgerOptions& options) {
             return std::make_unique<RocksLedgerHarness>(options);
           }}};
}

}  // namespace leidang::hub
