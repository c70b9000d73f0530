#include "agent/reconcile/desired_source.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "agent/render/render_error.h"
#include "common/base/status_macros.h"

namespace leidang::agent {

DesiredSource::DesiredSource(EventLoop& loop, State& state, ContentPort& content, Workers& workers,
                             const Renderer& renderer, const ClusterClient& cluster, Ready ready,
                             DesiredSourceOptions options)
    : loop_(loop),
      state_(state),
      content_(content),
      workers_(workers),
      renderer_(renderer),
      cluster_(cluster),
      ready_(std::move(ready)),
      options_(options) {}

DesiredSource::~DesiredSource() {
  *alive_ = false;
  for (const auto& [entry, wants] : wants_) {
    for (const auto& [digest, id] : wants.running) content_.Forget(id);
  }
}

void DesiredSource::Get(const EntryRef& entry, const Application& application, Done done) {
  RenderRequest request;
  request.app = application.app;
  request.project = application.project;
  request.ns = application.ns;
  request.source = application.source;
  request.spec = application.spec;
  const object::Sha256 key =
      object::Sha256::Of(absl::StrCat(RenderKey(request).Raw(), application.ns));

  const auto post = [this, &done](absl::StatusOr<Set> answer) {
    loop_.Post([alive = alive_, done = std::move(done), answer = std::move(answer)] {
      if (*alive) done(answer);
    });
  };
  if (const auto kept = kept_.find(entry); kept != kept_.end() && kept->second.key == key) {
    kept->second.used = ++uses_;
    return post(kept->second.set);
  }
  absl::StatusOr<std::shared_ptr<const SourceTree>> tree = Load(entry, application.source.tree);
  if (!tree.ok()) return post(tree.status());
  request.tree = *std::move(tree);
  workers_.Run([this, &loop = loop_, &renderer = renderer_, alive = alive_, entry, application, key,
                request = std::move(request), done = std::move(done)] {
    absl::StatusOr<std::vector<object::Value>> objects = renderer.Render(request);
    loop.Post([this, alive, entry, application, key, done, objects = std::move(objects)] {
      if (*alive) Rendered(entry, application, key, objects, done);
    });
  });
}

void DesiredSource::Rendered(const EntryRef& entry, const Application& application,
                             const object::Sha256& key,
                             absl::StatusOr<std::vector<object::Value>> objects, const Done& done) {
  if (!objects.ok()) return done(objects.status());
  absl::StatusOr<DesiredSet> set =
      MakeDesiredSet(*std::move(objects), application.app, application.ns,
                     [this](absl::string_view group, absl::string_view kind) {
                       return cluster_.ScopeOf(group, kind);
                     });
  if (!set.ok()) return done(RenderError(RenderReason::kInvalidYaml, set.status().message()));
  Set shared = std::make_shared<const DesiredSet>(*std::move(set));
  Keep(entry, key, shared);
  done(std::move(shared));
}

void DesiredSource::Keep(const EntryRef& entry, const object::Sha256& key, Set set) {
  size_t bytes = 0;
  for (const DesiredObject& object : set->objects) bytes += object.manifest.size() + sizeof object;
  Kept& kept = kept_[entry];
  kept_bytes_ += bytes - kept.bytes;
  kept = {key, std::move(set), bytes, ++uses_};
  while (kept_bytes_ > options_.kept_bytes_max && kept_.size() > 1) {
    auto oldest = kept_.begin();
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      if (at->second.used < oldest->second.used) oldest = at;
    }
    kept_bytes_ -= oldest->second.bytes;
    kept_.erase(oldest);
  }
}

absl::Status DesiredSource::Require(const EntryRef& entry,
                                    const std::set<object::Sha256>& digests) {
  size_t missing = 0;
  for (const object::Sha256& digest : digests) {
    ASSIGN_OR_RETURN(const bool has, state_.HasContent(digest));
    if (has) continue;
    ++missing;
    Wants& wants = wants_[entry];
    if (wants.running.contains(digest)) continue;
    wants.running[digest] = content_.Want(
        digest,
        [this, entry, digest](const absl::Status& status) { Arrived(entry, digest, status); });
  }
  if (missing == 0) return absl::OkStatus();
  return RenderError(RenderReason::kContentMissing,
                     absl::StrCat("waiting for ", missing, missing == 1 ? " file" : " files",
                                  " of the source from the hub"));
}

void DesiredSource::Arrived(const EntryRef& entry, const object::Sha256& digest,
                            const absl::Status& status) {
  const auto wants = wants_.find(entry);
  if (wants == wants_.end()) return;
  wants->second.running.erase(digest);
  if (!status.ok() && wants->second.failed.ok()) {
    wants->second.failed = RenderError(
        RenderReason::kContentMissing,
        absl::StrCat("the hub does not give the content ", digest.Hex(), ": ", status.message()));
  }
  if (wants->second.running.empty()) ready_(entry);
}

absl::StatusOr<tree::TreeManifest> DesiredSource::LoadManifest(const EntryRef& entry,
                                                               const object::Sha256& tree) {
  RETURN_IF_ERROR(Require(entry, {tree}));
  ASSIGN_OR_RETURN(const std::string bytes, state_.GetContent(tree));
  absl::StatusOr<tree::TreeManifest> manifest = tree::Parse(bytes);
  if (!manifest.ok()) {
    return RenderError(RenderReason::kRenderFailed, manifest.status().message());
  }
  if (manifest->TotalBytes() > SourceTree::kBytesMax) {
    return RenderError(RenderReason::kTooLarge,
                       absl::StrCat("the source has more than ", SourceTree::kBytesMax >> 20,
                                    " MiB; narrow it to what the Application needs"));
  }
  return manifest;
}

absl::StatusOr<std::shared_ptr<const SourceTree>> DesiredSource::Load(const EntryRef& entry,
                                                                      const object::Sha256& tree) {
  if (wants_[entry].of != tree) ForgetWants(entry);
  wants_[entry].of = tree;
  // Told once; the next call asks the hub again.
  RETURN_IF_ERROR(std::exchange(wants_[entry].failed, absl::OkStatus()));
  ASSIGN_OR_RETURN(const tree::TreeManifest manifest, LoadManifest(entry, tree));
  std::set<object::Sha256> digests;
  for (const tree::TreeFile& file : manifest.files) digests.insert(file.digest);
  RETURN_IF_ERROR(Require(entry, digests));
  wants_.erase(entry);
  std::map<object::Sha256, std::shared_ptr<const std::string>> contents;
  for (const object::Sha256& digest : digests) {
    ASSIGN_OR_RETURN(std::string content, state_.GetContent(digest));
    contents[digest] = std::make_shared<const std::string>(std::move(content));
  }
  SourceTree::Files files;
  for (const tree::TreeFile& file : manifest.files) {
    files.emplace_hint(files.end(), file.path,
                       SourceTree::File{file.mode, contents.at(file.digest)});
  }
  return std::make_shared<const SourceTree>(std::move(files));
}

DesiredSource::Set DesiredSource::LastGood(const EntryRef& entry) const {
  const auto kept = kept_.find(entry);
  return kept == kept_.end() ? nullptr : kept->second.set;
}

bool DesiredSource::OnItsWay(const EntryRef& entry) const {
  const auto wants = wants_.find(entry);
  return wants != wants_.end() && !wants->second.running.empty();
}

void DesiredSource::Refresh(const EntryRef& entry) {
  if (const auto kept = kept_.find(entry); kept != kept_.end()) kept->second.key = {};
}

void DesiredSource::ForgetWants(const EntryRef& entry) {
  const auto wants = wants_.find(entry);
  if (wants == wants_.end()) return;
  for (const auto& [digest, id] : wants->second.running) content_.Forget(id);
  wants_.erase(wants);
}

void DesiredSource::Forget(const EntryRef& entry) {
  ForgetWants(entry);
  const auto kept = kept_.find(entry);
  if (kept == kept_.end()) return;
  kept_bytes_ -= kept->second.bytes;
  kept_.erase(kept);
}

}  // namespace leidang::agent
