// How KubernetesClient finds by one list what would take a request each.

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "agent/cluster/api_errors.h"
#include "agent/cluster/kubernetes_client.h"
#include "agent/cluster/kubernetes_client_jobs.h"

namespace leidang::agent {
namespace {

using object::ObjectKey;
using object::Value;

// Fewer are asked for one by one: clusters may have many.
constexpr size_t kGetsMax = 4;
constexpr int kNamespacesMax = 500;
// What a list has shown answers for as long as an agent takes to begin with all its Applications.
constexpr absl::Duration kSeenFor = absl::Seconds(2);
// Of objects as large as they may be.
constexpr int kWholePage = 50;

}  // namespace

void KubernetesClient::GetNamespace(const std::shared_ptr<ReadJob>& job, const ObjectKey& key) {
  if (TakeSeenNamespace(job, key)) return;
  ++job->waiting;
  namespaces_wanted_.emplace_back(job, key);
  if (looking_ != Looking::kNo) return;
  looking_ = Looking::kSoon;
  loop_.Post(Alive([this] { LookForNamespaces(); }));
}

void KubernetesClient::LookForNamespaces() {
  if (namespaces_wanted_.size() > kGetsMax) {
    looking_ = Looking::kNow;
    ApiRequest request;
    request.path = absl::StrCat("/api/v1/namespaces?limit=", kNamespacesMax);
    return gate_.SendLater(
        "namespaces", std::move(request),
        Alive([this](absl::StatusOr<ApiResponse> answer) { OnNamespaces(std::move(answer)); }));
  }
  looking_ = Looking::kNo;
  for (const auto& [job, key] : std::exchange(namespaces_wanted_, {})) {
    GetOne(job, key);
    OneRead(job, absl::OkStatus());
  }
}

// Whoever came while the list was on its way is answered by it, too. What it does not show, because
// there are too many or because we may not list them, is asked for by itself.
void KubernetesClient::OnNamespaces(absl::StatusOr<ApiResponse> answer) {
  looking_ = Looking::kNo;
  namespaces_seen_ = {};
  absl::StatusOr<Value> list = AnswerObject(std::move(answer));
  const ApiResource* resource = resources_->Find("", "Namespace");
  Value* items = list.ok() && list->is_object() ? list->get_object().if_contains("items") : nullptr;
  if (items != nullptr && items->is_array() && resource != nullptr) {
    for (Value& item : items->get_array()) {
      absl::StatusOr<KeptObject> kept = KeepObject(*resource, std::move(item));
      if (kept.ok()) namespaces_seen_.objects.emplace(kept->live.key, std::move(kept->live));
    }
    namespaces_seen_.at = loop_.clock().Monotonic();
    const bool all = object::FindString(*list, {"metadata", "continue"}).empty();
    if (all) namespaces_seen_.extent = NamespacesSeen::Extent::kAll;
  }
  for (const auto& [job, key] : std::exchange(namespaces_wanted_, {})) {
    if (!TakeSeenNamespace(job, key)) GetOne(job, key);
    OneRead(job, absl::OkStatus());
  }
}

bool KubernetesClient::TakeSeenNamespace(const std::shared_ptr<ReadJob>& job,
                                         const ObjectKey& key) {
  const absl::Duration now = loop_.clock().Monotonic();
  if (now - namespaces_seen_.at > kSeenFor) {
    namespaces_seen_ = {};
    return false;
  }
  const auto found = namespaces_seen_.objects.find(key);
  if (found != namespaces_seen_.objects.end()) {
    absent_.erase(key);
    job->found.insert_or_assign(key, found->second);
    return true;
  }
  if (namespaces_seen_.extent == NamespacesSeen::Extent::kSome) return false;
  absent_[key] = namespaces_seen_.at;
  return true;
}

void KubernetesClient::ReadAllWhole(const ObjectKey& sort, absl::string_view label,
                                    const AllWholeDone& done) {
  const std::string selector = absl::StrReplaceAll(label, {{"/", "%2F"}, {"=", "%3D"}});
  Ready(Alive([this, sort, selector, done](const absl::Status& status) {
    if (!status.ok()) return done(status);
    const ApiResource* resource = resources_->Find(sort.group, sort.kind);
    if (resource == nullptr) return done(std::vector<Value>());
    const std::string path = absl::StrCat(resource->CollectionPath(sort.ns), "?limit=", kWholePage,
                                          "&labelSelector=", selector);
    PageOfAll(resource->Name(), path, std::make_shared<std::vector<Value>>(), "", done);
  }));
}

void KubernetesClient::PageOfAll(const std::string& lane, const std::string& path,
                                 const std::shared_ptr<std::vector<Value>>& all,
                                 const std::string& continuation, const AllWholeDone& done) {
  ApiRequest request;
  request.path = path;
  if (!continuation.empty()) absl::StrAppend(&request.path, "&continue=", continuation);
  gate_.SendLater(lane, std::move(request),
                  Alive([this, lane, path, all, done](absl::StatusOr<ApiResponse> answer) {
                    absl::StatusOr<Value> list = AnswerObject(std::move(answer));
                    if (!list.ok()) return done(list.status());
                    Value* items =
                        list->is_object() ? list->get_object().if_contains("items") : nullptr;
                    if (items != nullptr && items->is_array()) {
                      for (Value& item : items->get_array()) all->push_back(std::move(item));
                    }
                    const std::string more(object::FindString(*list, {"metadata", "continue"}));
                    if (!more.empty()) return PageOfAll(lane, path, all, more, done);
                    done(std::move(*all));
                  }));
}

}  // namespace leidang::agent
