#include "agent/link/content_fetcher.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace leidang::agent {
namespace {

// Answers that another attempt would only repeat.
bool IsFinalAnswer(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsPermissionDenied(status) ||
         absl::IsInvalidArgument(status);
}

}  // namespace

// One digest that is wanted.
class ContentFetcher::Item final : public FetchObserver {
 public:
  Item(ContentFetcher& fetcher, const object::Sha256& digest)
      : fetcher_(fetcher),
        loop_(fetcher.loop_),
        digest_(digest),
        backoff_(fetcher.random_, fetcher.options_.backoff) {}
  ~Item() override {
    *alive_ = false;
    loop_.Cancel(timer_);
  }

  bool running = false;  // Holds one of the concurrent places, also while it waits to resume.
  std::map<WantId, Done> wants;

  void Begin() { fetch_ = fetcher_.source_.Start(digest_, bytes_.size(), this); }

  void OnChunk(std::string data, uint64_t total) override {
    if (total > 0) total_ = total;
    if (total_ > State::kContentBytesMax || bytes_.size() + data.size() > State::kContentBytesMax) {
      return End(absl::InvalidArgumentError(absl::StrCat("content ", digest_.Hex(),
                                                         " has more than ", State::kContentBytesMax,
                                                         " bytes, the limit of agents")));
    }
    bytes_.append(data);
    backoff_.Reset();
  }

  void OnFetched(absl::Status status) override {
    fetch_.reset();
    if (IsFinalAnswer(status)) return End(status);
    if (!status.ok()) return Retry();
    if (bytes_.size() < total_) return Retry();
    if (object::Sha256::Of(bytes_) != digest_) {
      bytes_.clear();
      return Retry();
    }
    fetcher_.state_.PutContent(digest_, std::move(bytes_),
                               [this, alive = alive_](const absl::Status& stored) {
                                 if (*alive) End(stored);
                               });
  }

 private:
  void Retry() {
    timer_ = loop_.After(backoff_.Next(), [this] { Begin(); });
  }

  void End(const absl::Status& status) {
    fetch_.reset();
    fetcher_.Finished(digest_, status);
  }

  ContentFetcher& fetcher_;
  EventLoop& loop_;  // An ended item may outlive its fetcher.
  const object::Sha256 digest_;
  Backoff backoff_;
  EventLoop::TimerId timer_ = 0;
  std::unique_ptr<Fetch> fetch_;
  std::string bytes_;
  uint64_t total_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

ContentFetcher::ContentFetcher(EventLoop& loop, Random& random, State& state, ContentSource& source,
                               Options options)
    : loop_(loop), random_(random), state_(state), source_(source), options_(options) {}

ContentFetcher::~ContentFetcher() { *alive_ = false; }

ContentFetcher::WantId ContentFetcher::Want(const object::Sha256& digest, Done done) {
  const WantId id = next_id_++;
  absl::Status at_once = absl::OkStatus();
  const absl::StatusOr<bool> held = state_.HasContent(digest);
  if (!held.ok()) {
    at_once = held.status();
  } else if (!*held) {
    if (wants_.size() < options_.waiting_max) {
      wants_.emplace(id, digest);
      std::unique_ptr<Item>& item = items_[digest];
      if (item == nullptr) {
        item = std::make_unique<Item>(*this, digest);
        queue_.push_back(digest);
      }
      item->wants.emplace(id, std::move(done));
      StartSome();
      return id;
    }
    at_once = absl::ResourceExhaustedError(
        absl::StrCat("content ", digest.Hex(), ": ", options_.waiting_max, " are wanted already"));
  }
  // Registered without an item, so that Forget finds it until then.
  wants_.emplace(id, object::Sha256());
  loop_.Post([this, alive = alive_, id, at_once = std::move(at_once), done = std::move(done)] {
    if (*alive && wants_.erase(id) > 0) done(at_once);
  });
  return id;
}

void ContentFetcher::Forget(WantId id) {
  const auto want = wants_.find(id);
  if (want == wants_.end()) return;
  const object::Sha256 digest = want->second;
  wants_.erase(want);
  const auto item = items_.find(digest);
  if (item == items_.end()) return;
  item->second->wants.erase(id);
  if (!item->second->wants.empty()) return;
  if (item->second->running) --running_;
  items_.erase(item);
  StartSome();
}

void ContentFetcher::StartSome() {
  while (running_ < options_.concurrent_max && !queue_.empty()) {
    const object::Sha256 digest = queue_.front();
    queue_.pop_front();
    const auto item = items_.find(digest);
    if (item == items_.end() || item->second->running) continue;
    item->second->running = true;
    ++running_;
    item->second->Begin();
  }
}

void ContentFetcher::Finished(const object::Sha256& digest, const absl::Status& status) {
  const auto found = items_.find(digest);
  if (found == items_.end()) return;
  // The item may be the caller: it goes when the stack is gone.
  const std::shared_ptr<Item> item = std::move(found->second);
  items_.erase(found);
  --running_;
  loop_.Post([item] {});
  const auto alive = alive_;
  for (auto& [id, done] : std::exchange(item->wants, {})) {
    if (!*alive) return;
    if (wants_.erase(id) > 0) done(status);
  }
  if (*alive) StartSome();
}

}  // namespace leidang::agent
