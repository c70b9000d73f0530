// How KubernetesClient finds out which kinds there are, which of them have objects of ours, and
// which cannot be read: one that cannot must never hold up the others.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "agent/cluster/api_errors.h"
#include "agent/cluster/kubernetes_client.h"
#include "agent/cluster/kubernetes_client_jobs.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

constexpr absl::string_view kRoom = "agent/cluster";
constexpr absl::Duration kDiscoveryRest = absl::Seconds(2);
constexpr absl::Duration kDiscoveryRetry = absl::Seconds(2);
// What has not answered by then is looked for apart from the rest.
constexpr absl::Duration kSweepPatience = absl::Seconds(10);
// Of a list that finds one object at most.
constexpr char kSweepTimeout[] = "30s";
constexpr absl::Duration kLookAgainFirst = absl::Seconds(2);
constexpr absl::Duration kLookAgainMax = absl::Minutes(2);
// A server that begins anew is back before.
constexpr absl::Duration kBrokenForGood = absl::Seconds(10);
constexpr char kMetadataList[] =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

void KubernetesClient::WhenReady(std::function<void()> ready) {
  Ready([this, ready = std::move(ready)](const absl::Status& status) {
    if (status.ok()) return ready();
    Say(unready_, "", "the API server cannot be asked which kinds it has; will try again", status);
    loop_.After(kDiscoveryRetry, Alive([this, ready] { WhenReady(ready); }));
  });
}

bool KubernetesClient::DiscoveredJustNow() const {
  return loop_.clock().Monotonic() - discovered_ < kDiscoveryRest;
}

// What the server serves is known, and so is which kinds have objects of ours.
void KubernetesClient::Ready(Then then) {
  if (!resources_.has_value()) {
    return Discover([this, then = std::move(then)](const absl::Status& status) {
      if (!status.ok()) return then(status);
      Sweep(then);
    });
  }
  Sweep(std::move(then));
}

void KubernetesClient::Discover(Then then) {
  discovering_.push_back(std::move(then));
  if (discovering_.size() > 1) return;
  const auto found = std::make_shared<ApiResources>();
  const auto ask = [this](std::string path, std::function<void(absl::StatusOr<Value>)> next) {
    ApiRequest request;
    request.path = std::move(path);
    request.accept = ApiResources::kAccept;
    gate_.Send(std::move(request), Alive([next = std::move(next)](absl::StatusOr<ApiResponse> a) {
                 next(AnswerObject(std::move(a)));
               }));
  };
  ask("/api", [this, ask, found](absl::StatusOr<Value> core) {
    if (!core.ok()) return OnDiscovered(core.status());
    if (absl::Status added = found->Add(*core); !added.ok()) return OnDiscovered(added);
    ask("/apis", [this, found](absl::StatusOr<Value> groups) {
      if (!groups.ok()) return OnDiscovered(groups.status());
      if (absl::Status added = found->Add(*groups); !added.ok()) return OnDiscovered(added);
      resources_ = *found;
      discovered_ = loop_.clock().Monotonic();
      SayIncomplete();
      OnDiscovered(absl::OkStatus());
    });
  });
}

void KubernetesClient::OnDiscovered(const absl::Status& status) {
  const std::vector<Then> waiting = std::exchange(discovering_, {});
  const std::shared_ptr<bool> alive = alive_;
  for (const Then& then : waiting) {
    if (*alive) then(status);
  }
}

// Each only once, until it is different.
void KubernetesClient::Say(std::map<std::string, std::string>& said, const std::string& kind,
                           absl::string_view message, const absl::Status& why) {
  std::string& last = said[kind];
  if (last == why.message()) return;
  last = std::string(why.message());
  log_.Warning(kRoom, message, {{"kind", kind}, {"error", why.message()}});
}

void KubernetesClient::SayIncomplete() {
  const std::string groups = absl::StrJoin(resources_->incomplete(), ", ");
  if (std::exchange(incomplete_, groups) == groups) return;
  if (groups.empty()) return log_.Info(kRoom, "all API groups can be told again");
  log_.Warning(kRoom,
               "the API server cannot tell what these groups have, for their own servers do not "
               "answer it; the others are looked after meanwhile",
               {{"groups", groups}});
}

// One short list of each kind: whoever lost its memory finds its objects again.
struct KubernetesClient::SweepRound {
  size_t left = 1;
  bool some_answered = false;
  absl::Status failure;
  std::set<std::string> unanswered;
};

void KubernetesClient::Sweep(Then then) {
  if (sweeping_ == Sweeping::kDone) return then(absl::OkStatus());
  sweep_waiting_.push_back(std::move(then));
  if (sweeping_ == Sweeping::kRunning) return;
  sweeping_ = Sweeping::kRunning;
  SweepRest();
}

void KubernetesClient::SweepRest() {
  const auto round = std::make_shared<SweepRound>();
  const std::set<std::string> everywhere = {""};
  for (const ApiResource& resource : resources_->Listed()) {
    for (const std::string& ns : namespaces_.empty() ? everywhere : namespaces_) {
      if (!IsOurs(resource, ns) || swept_.contains({{resource.group, resource.kind}, ns})) continue;
      ++round->left;
      round->unanswered.insert(resource.Name());
      ListOne(resource, ns, [this, round, resource, ns](const absl::Status& status) {
        round->unanswered.erase(resource.Name());
        OnListedOne(resource, ns, status);
        if (status.ok()) {
          round->some_answered = true;
        } else {
          round->failure = status;
        }
        EndSweepRound(round);
      });
    }
  }
  loop_.After(kSweepPatience, Alive([this, round] {
                if (sweeping_ != Sweeping::kRunning || !round->some_answered) return;
                for (const std::string& kind : round->unanswered) {
                  Say(unlisted_, kind, "a kind cannot be listed; going on without it",
                      absl::UnavailableError(
                          absl::StrCat("no answer within ", absl::FormatDuration(kSweepPatience))));
                }
                EndSweep(absl::OkStatus());
              }));
  EndSweepRound(round);
}

void KubernetesClient::OnListedOne(const ApiResource& resource, const std::string& ns,
                                   const absl::Status& status) {
  if (status.ok()) {
    swept_.insert({{resource.group, resource.kind}, ns});
    if (unlisted_.erase(resource.Name()) > 0) {
      log_.Info(kRoom, "a kind can be listed again", {{"kind", resource.Name()}});
    }
    return;
  }
  Say(unlisted_, resource.Name(), "a kind cannot be listed; going on without it", status);
}

// Where some kind can be listed, the others are broken, and not the server.
void KubernetesClient::EndSweepRound(const std::shared_ptr<SweepRound>& round) {
  if (--round->left > 0) return;
  const bool first = sweeping_ == Sweeping::kRunning;
  if (first && !round->some_answered && !round->failure.ok()) {
    sweeping_ = Sweeping::kNo;
    return TellSweepWaiting(round->failure);
  }
  const bool all = round->failure.ok() && resources_->incomplete().empty();
  if (!all) LookAgain();
  if (first) EndSweep(absl::OkStatus());
}

void KubernetesClient::EndSweep(const absl::Status& status) {
  sweeping_ = Sweeping::kDone;
  TellSweepWaiting(status);
}

void KubernetesClient::TellSweepWaiting(const absl::Status& status) {
  const std::vector<Then> waiting = std::exchange(sweep_waiting_, {});
  const std::shared_ptr<bool> alive = alive_;
  for (const Then& waits : waiting) {
    if (*alive) waits(status);
  }
}

// For what could not be listed or told.
void KubernetesClient::LookAgain() {
  look_again_ = std::clamp(look_again_ * 2, kLookAgainFirst, kLookAgainMax);
  loop_.After(look_again_, Alive([this] {
                if (resources_->incomplete().empty()) return SweepRest();
                Discover(Alive([this](const absl::Status&) { SweepRest(); }));
              }));
}

// Watches what has an object of ours. What we may not list, or what is not served any more, has
// none.
void KubernetesClient::ListOne(const ApiResource& resource, const std::string& ns,
                               const std::function<void(const absl::Status&)>& then) {
  ApiRequest request;
  request.path = absl::StrCat(resource.CollectionPath(ns),
                              "?limit=1&labelSelector=leidang.dev%2Fapp&timeout=", kSweepTimeout);
  request.accept = kMetadataList;
  gate_.SendLater(resource.Name(), std::move(request),
                  Alive([this, resource, ns, then](absl::StatusOr<ApiResponse> answer) {
                    const absl::StatusOr<Value> list = AnswerObject(std::move(answer));
                    const Value* items = list.ok() ? object::Find(*list, {"items"}) : nullptr;
                    if (items != nullptr && items->is_array() && !items->get_array().empty()) {
                      WatchOf(resource, ns);
                    }
                    then(MayPass(list.status()) ? list.status() : absl::OkStatus());
                  }));
}

bool KubernetesClient::IsOurs(const ApiResource& resource, const std::string& ns) const {
  return namespaces_.empty() ||
         (resource.scope == manifest::Scope::kNamespaced && namespaces_.contains(ns));
}

const KindWatch* KubernetesClient::FindWatch(const ObjectKey& key) const {
  const auto found =
      watches_.find({{key.group, key.kind}, namespaces_.empty() ? std::string() : key.ns});
  return found == watches_.end() ? nullptr : found->second.get();
}

KindWatch& KubernetesClient::WatchOf(const ApiResource& resource, const std::string& ns) {
  Watched watched{{resource.group, resource.kind}, namespaces_.empty() ? std::string() : ns};
  std::unique_ptr<KindWatch>& watch = watches_[watched];
  if (watch == nullptr) {
    watch = std::make_unique<KindWatch>(
        loop_, transport_, gate_, abilities_, resource, watched.ns,
        [this](const ObjectKey& key, const std::string& label) {
          if (watcher_) watcher_({ObjectEvent::Kind::kObject, key, label});
        },
        [this, watched, name = resource.Name()](const absl::Status& status) {
          OnTurned(watched, name, status);
        });
  }
  return *watch;
}

// Whoever has objects of a kind has to know that they are not seen, and when they are again.
void KubernetesClient::OnTurned(const Watched& watched, const std::string& name,
                                const absl::Status& status) {
  if (!status.ok()) {
    log_.Warning(kRoom, "a kind cannot be read; what has no objects of it goes on",
                 {{"kind", name}, {"error", status.message()}});
    loop_.After(kBrokenForGood, Alive([this, watched] { TellBroken(watched); }));
    return;
  }
  log_.Info(kRoom, "a kind can be read again", {{"kind", name}});
  const auto unread = unread_.find(watched);
  if (unread == unread_.end()) return;
  const std::set<std::string> labels = std::move(unread->second);
  unread_.erase(unread);
  TellAll(watched, labels);
}

void KubernetesClient::TellBroken(const Watched& watched) {
  const KindWatch& watch = *watches_.at(watched);
  if (watch.failure().ok()) return;
  std::set<std::string> labels;
  for (const auto& [key, object] : watch.objects()) labels.insert(object.label);
  TellAll(watched, labels);
}

void KubernetesClient::TellAll(const Watched& watched, const std::set<std::string>& labels) {
  const ObjectKey kind{watched.kind.first, watched.kind.second, watched.ns, ""};
  for (const std::string& label : labels) {
    if (watcher_) watcher_({ObjectEvent::Kind::kObject, kind, label});
  }
}

}  // namespace leidang::agent
