#pragma once

#include <compare>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/random/random.h"
#include "common/time/event_loop.h"
#include "common/time/workers.h"
#include "hub/source/git_source.h"

namespace leidang::hub {

// What somebody wants from Git: a repository as its URL is written, and a revision.
struct GitInput {
  std::string url;
  std::string revision;

  friend auto operator<=>(const GitInput&, const GitInput&) = default;
};

// What an input was resolved to. It stays until a later fetch shows another commit, whatever
// becomes of the network.
struct PinnedCommit {
  GitId commit;
  absl::Time since;

  friend bool operator==(const PinnedCommit&, const PinnedCommit&) = default;
};

// The inputs as they stand at one moment; never changes. An error is the answer of a fetch that
// worked (no such branch), or of a repository that was never reached; an input that is not there
// yet is being fetched.
struct GitView {
  std::map<GitInput, absl::StatusOr<PinnedCommit>> inputs;
  // Repositories whose last fetch failed, by URL: the pins of these may be old.
  std::map<std::string, absl::Status> failing;
};

struct RepositoryState {
  std::string url;                               // Without credentials.
  absl::Time fetched_at = absl::InfinitePast();  // Last fetch that worked.
  absl::Status error;                            // Of the last fetch.
  absl::Time failing_since = absl::InfiniteFuture();
  size_t inputs = 0;
};

// Repositories keeps every repository that somebody wants mirrored and resolved, polls each, and
// tells who is affected when an input changed. It does not read files.
//
// A failed fetch changes no pin. Polls are spread by jitter; after a failure they are repeated from
// 10 s on, doubling up to the poll interval. One fetch a repository at a time.
//
// Loop-bound; fetches run on `workers`. All references must outlive it, and `workers` must be
// stopped before it goes.
class Repositories {
 public:
  struct Options {
    absl::Duration poll_interval = absl::Seconds(180);
    absl::Duration poll_jitter = absl::Seconds(60);  // At most this is added.
    FetchLimits limits;
  };
  // Who wants inputs: the key of a set or an Application.
  using Consumer = std::string;
  // Gives the credentials for a URL as written. Called on the loop.
  using Credentials = std::function<Repository(const std::string& url)>;
  // Called on the loop with those who want an input that has a new answer, or a repository whose
  // health changed.
  using OnChange = std::function<void(const std::set<Consumer>&)>;

  Repositories(EventLoop& loop, Workers& workers, GitSource& source, Random& random,
               const Options& options, Credentials credentials, OnChange on_change);
  ~Repositories();

  // Pins of an earlier run: in force until a fetch says otherwise. They wait for somebody to want
  // them until DropUnwanted. Call before anything is wanted.
  void Restore(const std::map<GitInput, PinnedCommit>& pins);
  // Drops the restored pins that nobody has wanted yet.
  void DropUnwanted();

  // Replaces what `consumer` wants; empty ends its interest. Inputs that are new are fetched at
  // once. An input that nobody wants any more is dropped. A repository is polled as often as the
  // most eager of those that want something of it asks for, 10 s apart at least; who names no
  // `pace` asks for the poll interval.
  void SetWanted(const Consumer& consumer, const std::set<GitInput>& inputs,
                 std::optional<absl::Duration> pace = std::nullopt);
  bool IsWanted(const GitInput& input) const;

  // Fetches soon: everything, or what SameRepository says is `url`. Returns how many repositories.
  size_t Refresh(const std::optional<std::string>& url);

  std::shared_ptr<const GitView> view() const { return view_; }
  std::vector<RepositoryState> List() const;
  // Each repository that somebody wants something of was fetched in this run, and the last fetch
  // worked: no pin is one that only an earlier run has seen.
  bool AllFetched() const;
  // Empty if it wants nothing.
  const std::set<GitInput>& WantedBy(const Consumer& consumer) const;

 private:
  struct Entry;
  struct FetchOutcome;

  Entry& EntryFor(const std::string& url);
  void SetPace(const Consumer& consumer, std::optional<absl::Duration> pace);
  void Want(const Consumer& consumer, const GitInput& input);
  // True if nobody else wants it either: it was dropped.
  bool Unwant(const Consumer& consumer, const GitInput& input);
  void DropIfUnused(const std::string& url);
  void Fetch(Entry& entry);
  void OnFetched(const std::string& url, const FetchOutcome& outcome);
  absl::Duration PaceOf(const Entry& entry) const;
  absl::Duration DelayAfter(const Entry& entry);
  void Schedule(Entry& entry, absl::Duration delay);
  // The revisions whose answer is another one than before.
  std::set<std::string> TakeAnswers(Entry& entry, const FetchOutcome& outcome);
  void PublishView();

  EventLoop& loop_;
  Workers& workers_;
  GitSource& source_;
  Random& random_;
  const Options options_;
  const Credentials credentials_;
  const OnChange on_change_;

  std::map<std::string, std::unique_ptr<Entry>> entries_;  // By URL as written.
  std::map<Consumer, std::set<GitInput>> wanted_;
  std::map<Consumer, absl::Duration> paces_;  // Of those that named one.
  std::shared_ptr<const GitView> view_ = std::make_shared<GitView>();
  std::shared_ptr<bool> alive_ =
      std::make_shared<bool>(true);  // Completions ask it before they touch *this.
};

}  // namespace leidang::hub
