#include "hub/control/repositories.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "hub/source/repository_url.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kRetryMin = absl::Seconds(10);
constexpr absl::Duration kPaceMin = absl::Seconds(10);

}  // namespace

struct Repositories::Entry {
  struct Wanted {
    std::optional<absl::StatusOr<PinnedCommit>> answer;  // Once there is one.
    std::set<Consumer> consumers;                        // None yet of a restored pin.
  };

  std::string url;
  std::map<std::string, Wanted> revisions;
  bool fetching = false;
  bool again = false;  // Something was asked for while a fetch was under way.
  int failures = 0;
  EventLoop::TimerId timer = 0;
  absl::Duration due;  // Of the timer, monotonic.
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
  for (const auto& [input, pin] : pins) EntryFor(input.url).revisions[input.revision].answer = pin;
  PublishView();
}

void Repositories::DropUnwanted() {
  std::vector<std::string> urls;
  for (auto& [url, entry] : entries_) {
    std::erase_if(entry->revisions, [](const auto& r) { return r.second.consumers.empty(); });
    urls.push_back(url);
  }
  for (const std::string& url : urls) DropIfUnused(url);
  PublishView();
}

void Repositories::SetWanted(const Consumer& consumer, const std::set<GitInput>& inputs,
                             std::optional<absl::Duration> pace) {
  const std::set<GitInput> before = WantedBy(consumer);
  for (const GitInput& input : inputs) Want(consumer, input);
  SetPace(consumer, inputs.empty() ? std::nullopt : pace);
  if (before == inputs) return;
  bool dropped = false;
  for (const GitInput& input : before) {
    if (!inputs.contains(input) && Unwant(consumer, input)) dropped = true;
  }
  if (inputs.empty()) {
    wanted_.erase(consumer);
  } else {
    wanted_[consumer] = inputs;
  }
  if (dropped) PublishView();
}

// In force from the next fetch on, and at once where that would be too late. Its inputs are wanted.
void Repositories::SetPace(const Consumer& consumer, std::optional<absl::Duration> pace) {
  if (!pace) {
    paces_.erase(consumer);
    return;
  }
  paces_[consumer] = std::max(*pace, kPaceMin);
  for (auto& [url, entry] : entries_) {
    const bool wants =
        std::any_of(entry->revisions.begin(), entry->revisions.end(),
                    [&consumer](const auto& r) { return r.second.consumers.contains(consumer); });
    if (!wants || entry->timer == 0 || entry->failures > 0) continue;
    const absl::Duration delay = DelayAfter(*entry);
    if (loop_.clock().Monotonic() + delay < entry->due) Schedule(*entry, delay);
  }
}

void Repositories::Want(const Consumer& consumer, const GitInput& input) {
  Entry& entry = EntryFor(input.url);
  Entry::Wanted& wanted = entry.revisions[input.revision];
  wanted.consumers.insert(consumer);
  // A restored pin is used at once, but the repository has not been looked at in this run.
  if (!wanted.answer || (entry.timer == 0 && !entry.fetching)) Fetch(entry);
}

bool Repositories::Unwant(const Consumer& consumer, const GitInput& input) {
  Entry& entry = EntryFor(input.url);
  const auto wanted = entry.revisions.find(input.revision);
  wanted->second.consumers.erase(consumer);
  if (!wanted->second.consumers.empty()) return false;
  entry.revisions.erase(wanted);
  DropIfUnused(input.url);
  return true;
}

// Nobody wants anything of it; a fetch that is under way is waited for.
void Repositories::DropIfUnused(const std::string& url) {
  const auto found = entries_.find(url);
  if (found == entries_.end() || !found->second->revisions.empty() || found->second->fetching)
    return;
  if (found->second->timer != 0) loop_.Cancel(found->second->timer);
  entries_.erase(found);
}

bool Repositories::IsWanted(const GitInput& input) const {
  const auto entry = entries_.find(input.url);
  if (entry == entries_.end()) return false;
  const auto wanted = entry->second->revisions.find(input.revision);
  return wanted != entry->second->revisions.end() && !wanted->second.consumers.empty();
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
  for (const auto& [revision, wanted] : entry.revisions) revisions.push_back(revision);
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

std::set<std::string> Repositories::TakeAnswers(Entry& entry, const FetchOutcome& outcome) {
  std::set<std::string> changed;
  const absl::Time now = loop_.clock().Now();
  for (auto& [revision, wanted] : entry.revisions) {
    std::optional<absl::StatusOr<PinnedCommit>>& known = wanted.answer;
    if (!outcome.status.ok()) {
      // A repository that was never reached answers with its error; what is pinned stays as it is.
      if (known && (known->ok() || known->status() == outcome.status)) continue;
      known = outcome.status;
    } else {
      const auto answer = outcome.commits.find(revision);
      if (answer == outcome.commits.end()) continue;  // Wanted since: the next fetch brings it.
      if (!answer->second.ok()) {
        if (known && !known->ok() && known->status() == answer->second.status()) continue;
        known = answer->second.status();
      } else {
        if (known && known->ok() && (*known)->commit == *answer->second) continue;
        known = PinnedCommit{*answer->second, now};
      }
    }
    changed.insert(revision);
  }
  return changed;
}

void Repositories::OnFetched(const std::string& url, const FetchOutcome& outcome) {
  const auto found = entries_.find(url);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  entry.fetching = false;
  if (absl::IsCancelled(outcome.status)) return;  // The program is ending.
  if (entry.revisions.empty()) return DropIfUnused(url);
  const absl::Time now = loop_.clock().Now();
  const bool health_changed = entry.state.error != outcome.status;
  if (outcome.status.ok()) {
    entry.failures = 0;
    entry.state.fetched_at = now;
    entry.state.failing_since = absl::InfiniteFuture();
  } else {
    ++entry.failures;
    entry.state.failing_since = std::min(entry.state.failing_since, now);
  }
  entry.state.error = outcome.status;

  const std::set<std::string> changed = TakeAnswers(entry, outcome);
  std::set<Consumer> affected;
  for (const auto& [revision, wanted] : entry.revisions) {
    if (health_changed || changed.contains(revision))
      affected.insert(wanted.consumers.begin(), wanted.consumers.end());
  }
  Schedule(entry, DelayAfter(entry));
  if (std::exchange(entry.again, false)) Fetch(entry);
  if (health_changed || !changed.empty()) PublishView();
  if (!affected.empty()) on_change_(affected);
}

absl::Duration Repositories::PaceOf(const Entry& entry) const {
  std::optional<absl::Duration> least;
  for (const auto& [revision, wanted] : entry.revisions) {
    for (const Consumer& consumer : wanted.consumers) {
      const auto named = paces_.find(consumer);
      const absl::Duration pace = named == paces_.end() ? options_.poll_interval : named->second;
      least = least ? std::min(*least, pace) : pace;
    }
  }
  return least.value_or(options_.poll_interval);
}

// Who asks for another pace gets jitter in proportion.
absl::Duration Repositories::DelayAfter(const Entry& entry) {
  const absl::Duration pace = PaceOf(entry);
  const absl::Duration jitter = pace == options_.poll_interval
                                    ? options_.poll_jitter
                                    : std::min(options_.poll_jitter, pace / 3);
  const absl::Duration poll = pace + jitter * random_.Unit();
  if (entry.failures == 0) return poll;
  return std::min(poll, kRetryMin * static_cast<double>(1 << std::min(entry.failures - 1, 10)));
}

void Repositories::Schedule(Entry& entry, absl::Duration delay) {
  if (entry.timer != 0) loop_.Cancel(entry.timer);
  entry.due = loop_.clock().Monotonic() + delay;
  entry.timer = loop_.After(delay, [this, url = entry.url] {
    const auto found = entries_.find(url);
    if (found == entries_.end()) return;
    found->second->timer = 0;
    Fetch(*found->second);
  });
}

void Repositories::PublishView() {
  auto view = std::make_shared<GitView>();
  for (const auto& [url, entry] : entries_) {
    for (const auto& [revision, wanted] : entry->revisions) {
      if (wanted.answer) view->inputs.emplace(GitInput{url, revision}, *wanted.answer);
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

bool Repositories::AllFetched() const {
  return std::all_of(entries_.begin(), entries_.end(), [](const auto& item) {
    const Entry& entry = *item.second;
    const bool wanted = std::any_of(entry.revisions.begin(), entry.revisions.end(),
                                    [](const auto& r) { return !r.second.consumers.empty(); });
    return !wanted || (entry.state.fetched_at != absl::InfinitePast() && entry.failures == 0);
  });
}

}  // namespace leidang::hub
