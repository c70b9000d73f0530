#include "hub/rpc/watch_call.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace leidang::hub {
namespace {

// Times of reports change with every heartbeat and are no change that somebody waits for.
object::Sha256 DigestOf(v1::Resource resource) {
  if (resource.has_application()) {
    resource.mutable_application()->clear_observed_at();
    resource.mutable_application()->clear_cluster_last_seen();
    resource.mutable_application()->clear_cluster_last_applied_at();
  }
  if (resource.has_cluster()) {
    resource.mutable_cluster()->clear_last_seen();
    resource.mutable_cluster()->clear_proven_at();
    resource.mutable_cluster()->clear_last_received_at();
    resource.mutable_cluster()->clear_last_applied_at();
  }
  return object::Sha256::Of(resource.SerializeAsString());
}

std::string KeyOf(const v1::Resource& resource) {
  // A namesake that is being deleted is another row than the one that lives.
  return absl::StrCat(resource.namespace_(), "/", resource.name(), "/",
                      resource.application().uid());
}

}  // namespace

void WatchCall::Tick(const ResourceView& view) {
  if (ended_ || writing_ || !outgoing_.empty()) return;
  Compare(view);
  WriteNext();
}

void WatchCall::Compare(const ResourceView& view) {
  v1::ListRequest request;
  request.set_kind(request_.kind());
  request.set_cluster(request_.cluster());
  request.set_set(request_.set());
  request.set_page_size(1000);
  std::set<std::string> present;
  do {
    absl::StatusOr<v1::ListResponse> page = view.List(request);
    if (!page.ok()) {
      return End(grpc::Status(static_cast<grpc::StatusCode>(page.status().code()),
                              std::string(page.status().message())));
    }
    for (v1::Resource& resource : *page->mutable_items()) {
      const std::string key = KeyOf(resource);
      present.insert(key);
      const object::Sha256 digest = DigestOf(resource);
      auto& [known, identity] = sent_[key];
      if (known == digest) continue;
      v1::WatchEvent& event = outgoing_.emplace_back();
      event.set_type(known.IsNone() ? v1::WatchEvent::ADDED : v1::WatchEvent::MODIFIED);
      known = digest;
      identity.set_kind(resource.kind());
      identity.set_namespace_(resource.namespace_());
      identity.set_name(resource.name());
      *event.mutable_resource() = std::move(resource);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  for (auto it = sent_.begin(); it != sent_.end();) {
    if (present.contains(it->first)) {
      ++it;
      continue;
    }
    v1::WatchEvent& event = outgoing_.emplace_back();
    event.set_type(v1::WatchEvent::DELETED);
    *event.mutable_resource() = std::move(it->second.second);
    it = sent_.erase(it);
  }
  if (!bookmarked_) {
    bookmarked_ = true;
    outgoing_.emplace_back().set_type(v1::WatchEvent::BOOKMARK);
  }
}

void WatchCall::WriteNext() {
  if (ended_ || writing_ || outgoing_.empty()) return;
  writing_ = true;
  StartWrite(&outgoing_.front());
}

void WatchCall::End(const grpc::Status& status) {
  if (ended_) return;
  ended_ = true;
  Finish(status);
}

void WatchCall::OnWriteDone(bool ok) {
  loop_.Post([this, ok] {
    writing_ = false;
    if (!outgoing_.empty()) outgoing_.pop_front();
    if (!ok) return End(grpc::Status(grpc::StatusCode::CANCELLED, "the watcher has gone"));
    WriteNext();
  });
}

void WatchCall::OnCancel() {
  loop_.Post([this] { End(grpc::Status(grpc::StatusCode::CANCELLED, "the watcher has gone")); });
}

void WatchCall::OnDone() {
  // Behind every callback that was posted before, so none of them finds this gone.
  loop_.Post([this] { on_done_(this); });
}

}  // namespace leidang::hub
