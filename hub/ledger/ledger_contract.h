#pragma once

// What the contract test runs a ledger on.

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "hub/ledger/ledger.h"
#include "hub/ledger/row_ledger.h"

namespace leidang::hub {

class LedgerHarness {
 public:
  virtual ~LedgerHarness() = default;

  virtual Ledger& ledger() = 0;
  // Where answers are to be posted. They run while Wait waits.
  virtual EventLoop* loop() = 0;
  // Until `done` holds; false if it does not come.
  virtual bool Wait(const std::function<bool()>& done) = 0;
  // Lets everything that is under way come to its end.
  virtual void Settle() = 0;
  virtual void KillAndReopen() = 0;
};

struct LedgerKind {
  std::string name;
  std::function<std::unique_ptr<LedgerHarness>(const LedgerOptions&)> make;
};

// What the test program that is linked tests.
std::vector<LedgerKind> LedgerKinds();

}  // namespace leidang::hub
