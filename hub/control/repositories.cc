#include "hub/control/repositories.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kRetryMin = absl::Seconds(10);

// The fetch worked, or at least said something about the repository itself: worth resolving from.
bool IsAnswer(const absl::Status& status) { return status.ok(); }

}  // namespace

struct Repositories::Entry {
  std::string url;
  // Revisions somebody wants, each with its answer once there is one.
  std::map<std::string, std::optional<absl::StatusOr<PinnedCommit>>> revisions;
  bool fetching = false;
  bool again = false;  // Something was asked for while a fetch was under way.
  int failures = 0;
  EventLoop::TimerId timer = 0;
  RepositoryState state;
};

struct Repositories::FetchOutcome {
  absl::Status status;
  std::map<std::string, absl::StatusOr<GitId>> commits;  // By revision; only if `status` is OK.
};

Repositories::Repositories(EventLoop& loop, Workers& workers, GitSource& source, Random& random,
                           const Options& options, Credentials credentials, OnChange on_change)
    : loop_(loop),
      workers_(workers),
      source_(source),
      random_(random),
      options_(options),
      credentials_(std::move(credentials)),
      on_change_(std::move(on_change)) {}

Repositories::~Repositories() {
  *alive_ = false;
  for (auto& [url, entry] : entries_) {
    if (entry->timer != 0) loop_.Cancel(entry->timer);
  }
}

Repositories::Entry& Repositories::EntryFor(const std::string& url) {
  std::unique_ptr<Entry>& entry = entries_[url];
  if (!entry) {
    entry = std::make_unique<Entry>();
    entry->url = url;
    entry->state.url = WithoutCredentials(url);
  }
  return *entry;
}

void Repositories::Restore(const std::map<GitInput, PinnedCommit>& pins) {
  for (const auto& [input, pin] : pins) EntryFor(input.url).revisions[input.revision] = pin;
  PublishView();
}

void Repositories::SetWanted(const Consumer& consumer, const std::set<GitInput>& inputs) {
  if (inputs.empty()) {
    wanted_.erase(consumer);
  } else {
    wanted_[consumer] = inputs;
  }
  for (const GitInput& input : inputs) {
    Entry& entry = EntryFor(input.url);
    const bool known = entry.revisions.try_emplace(input.revision).first->second.has_value();
    // A restored pin is used at once, but the repository has not been looked at in this run.
    if (!known || (entry.timer == 0 && !entry.fetching)) Fetch(entry);
  }
  std::set<GitInput> all;
  for (const auto& [name, wants] : wanted_) all.insert(wants.begin(), wants.end());
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = *it->second;
    std::erase_if(entry.revisions,
                  [&](const auto& r) { return !all.contains({entry.url, r.first}); });
    if (entry.revisions.empty() && !entry.fetching) {
      if (entry.timer != 0) loop_.Cancel(entry.timer);
      it = entries_.erase(it);
    } else {
      ++it;
    }
  }
  PublishView();
}

size_t Repositories::Refresh(const std::optional<std::string>& url) {
  size_t count = 0;
  for (auto& [key, entry] : entries_) {
    if (url && *url != key && !SameRepository(*url, key)) continue;
    Fetch(*entry);
    ++count;
  }
  return count;
}

void Repositories::Fetch(Entry& entry) {
  if (entry.fetching) {
    entry.again = true;
    return;
  }
  if (entry.timer != 0) loop_.Cancel(std::exchange(entry.timer, 0));
  entry.fetching = true;
  std::vector<std::string> revisions;
  for (const auto& [revision, pin] : entry.revisions) revisions.push_back(revision);
  workers_.Run([this, alive = alive_, &loop = loop_, &source = source_, limits = options_.limits,
                repository = credentials_(entry.url), url = entry.url,
                revisions = std::move(revisions)] {
    FetchOutcome outcome;
    FetchOptions fetch{.limits = limits, .commits = {}};
    for (const std::string& revision : revisions) {
      if (GitId::FromHex(revision)) fetch.commits.push_back(revision);
    }
    outcome.status = source.Fetch(repository, fetch).status();
    if (outcome.status.ok()) {
      for (const std::string& revision : revisions) {
        absl::StatusOr<ResolvedRevision> resolved =
            source.Resolve(url, {.text = revision, .tag_prefix = ""});
        outcome.commits.emplace(revision, resolved.ok() ? absl::StatusOr<GitId>(resolved->commit)
                                                        : absl::StatusOr<GitId>(resolved.status()));
      }
    }
    loop.Post([this, alive, url, outcome = std::move(outcome)] {
      if (*alive) OnFetched(url, outcome);
    });
  });
}

// True if a pin or the answer of an input is another one than before; `changed` gets their
// revisions.
bool Repositories::TakePins(Entry& entry, const FetchOutcome& outcome,
                            std::set<std::string>* changed) {
  const absl::Time now = loop_.clock().Now();
  for (auto& [revision, pin] : entry.revisions) {
    const auto answer = outcome.commits.find(revision);
    if (!outcome.status.ok()) {
      // A repository that was never reached answers with its error; what is pinned stays as it is.
      if (!pin || (!pin->ok() && pin->status() != outcome.status)) {
        pin = outcome.status;
        changed->insert(revision);
      }
    } else if (answer == outcome.commits.end()) {
      continue;  // Asked for since: the next fetch brings it.
    } else if (!answer->second.ok()) {
      if (!pin || pin->ok() || pin->status() != answer->second.status()) changed->insert(revision);
      pin = answer->second.status();
    } else if (!pin || !pin->ok() || (*pin)->commit != *answer->second) {
      pin = PinnedCommit{*answer->second, now};
      changed->insert(revision);
    }
  }
  return !changed->empty();
}

void Repositories::OnFetched(const std::string& url, const FetchOutcome& outcome) {
  const auto found = entries_.find(url);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  entry.fetching = false;
  if (absl::IsCancelled(outcome.status)) return;  // The program is ending.
  const absl::Time now = loop_.clock().Now();
  const bool health_changed = entry.state.error.code() != outcome.status.code();
  if (IsAnswer(outcome.status)) {
    entry.failures = 0;
    entry.state.fetched_at = now;
    entry.state.failing_since = absl::InfiniteFuture();
  } else {
    ++entry.failures;
    entry.state.failing_since = std::min(entry.state.failing_since, now);
  }
  entry.state.error = outcome.status;

  std::set<std::string> changed;
  TakePins(entry, outcome, &changed);
  if (health_changed) {
    for (const auto& [revision, pin] : entry.revisions) changed.insert(revision);
  }
  absl::Duration delay = options_.poll_interval + options_.poll_jitter * random_.Unit();
  if (entry.failures > 0) {
    delay = std::min(delay, kRetryMin * static_cast<double>(1 << std::min(entry.failures - 1, 10)));
  }
  Schedule(entry, delay);
  if (std::exchange(entry.again, false)) Fetch(entry);
  PublishView();
  const std::set<Consumer> affected = ConsumersOf(url, changed);
  if (!affected.empty()) on_change_(affected);
}

void Repositories::Schedule(Entry& entry, absl::Duration delay) {
  if (entry.timer != 0) loop_.Cancel(entry.timer);
  entry.timer = loop_.After(delay, [this, url = entry.url] {
    const auto found = entries_.find(url);
    if (found == entries_.end()) return;
    found->second->timer = 0;
    Fetch(*found->second);
  });
}

std::set<Repositories::Consumer> Repositories::ConsumersOf(
    const std::string& url, const std::set<std::string>& revisions) const {
  std::set<Consumer> consumers;
  for (const auto& [consumer, inputs] : wanted_) {
    for (const GitInput& input : inputs) {
      if (input.url == url && revisions.contains(input.revision)) consumers.insert(consumer);
    }
  }
  return consumers;
}

void Repositories::PublishView() {
  auto view = std::make_shared<GitView>();
  for (const auto& [url, entry] : entries_) {
    for (const auto& [revision, pin] : entry->revisions) {
      if (pin) view->inputs.emplace(GitInput{url, revision}, *pin);
    }
    if (!entry->state.error.ok()) view->failing.emplace(url, entry->state.error);
  }
  view_ = std::move(view);
}

const std::set<GitInput>& Repositories::WantedBy(const Consumer& consumer) const {
  static const std::set<GitInput> kNone;
  const auto found = wanted_.find(consumer);
  return found == wanted_.end() ? kNone : found->second;
}

std::vector<RepositoryState> Repositories::List() const {
  std::vector<RepositoryState> states;
  for (const auto& [url, entry] : entries_) {
    states.push_back(entry->state);
    states.back().inputs = entry->revisions.size();
  }
  return states;
}

}  // namespace leidang::hub
