#include "hub/ledger/list_all.h"

#include <memory>
#include <utility>

namespace leidang::hub {
namespace {

using Done = std::function<void(absl::StatusOr<LedgerSnapshot>)>;

// One run; keeps itself alive through the call that is under way.
class AllPages : public std::enable_shared_from_this<AllPages> {
 public:
  AllPages(Ledger* ledger, std::string prefix, EventLoop* loop, Done done)
      : ledger_(ledger), prefix_(std::move(prefix)), loop_(loop), done_(std::move(done)) {}

  void Next(std::string token) {
    LedgerListRequest request;
    request.prefix = prefix_;
    request.token = std::move(token);
    request.at = snapshot_.revision;
    ledger_->List(std::move(request), loop_,
                  [self = shared_from_this()](absl::StatusOr<LedgerPage> page) {
                    self->OnPage(std::move(page));
                  });
  }

 private:
  static constexpr int kStartsMax = 4;

  void OnPage(absl::StatusOr<LedgerPage> page) {
    if (absl::IsOutOfRange(page.status()) && starts_ < kStartsMax) {
      ++starts_;
      snapshot_ = LedgerSnapshot();
      Next("");
      return;
    }
    if (!page.ok()) {
      done_(page.status());
      return;
    }
    snapshot_.revision = page->revision;
    for (LedgerEntry& entry : page->entries) snapshot_.entries.push_back(std::move(entry));
    if (page->next.empty()) {
      done_(std::move(snapshot_));
    } else {
      Next(std::move(page->next));
    }
  }

  Ledger* const ledger_;
  const std::string prefix_;
  EventLoop* const loop_;
  const Done done_;
  int starts_ = 1;
  LedgerSnapshot snapshot_;
};

}  // namespace

void ListAll(Ledger* ledger, std::string prefix, EventLoop* loop, Done done) {
  std::make_shared<AllPages>(ledger, std::move(prefix), loop, std::move(done))->Next("");
}

}  // namespace leidang::hub
