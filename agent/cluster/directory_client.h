#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/cluster/cluster_client.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

struct DirectoryOptions {
  std::string path;  // Its parent must exist; the directory itself is made.
  // Every file is looked at this often, whatever the watch says, and when a watch cannot be had
  // (`rescan_unwatched`).
  absl::Duration rescan = absl::Minutes(5);
  absl::Duration rescan_unwatched = absl::Seconds(2);
  enum class Watching { kInotify, kRescansOnly } watching = Watching::kInotify;
};

// A directory as the target: objects are files that something else applies (k3s, a kubelet), or
// that are carried to where no network goes. See directory_files.h for what is promised about
// files, directory_names.h for their names.
//
// It keeps no status, so LiveObject::manifest is null; kinds that Kubernetes does not ship are of
// unknown scope. A directory that vanishes is made again as soon as its parent allows, and its
// objects are then reported as changed.
//
// Loop-bound to `loop`. All I/O happens on `io_loop`, which must be stopped before the client is
// destroyed, or be the same loop (simulation).
class DirectoryClient final : public ClusterClient {
 public:
  DirectoryClient(EventLoop& loop, EventLoop& io_loop, DirectoryOptions options);
  ~DirectoryClient() override;

  void Watch(Watcher watcher) override;
  void Read(Selection selection, ReadDone done) override;
  void Apply(ApplyRequest request, ApplyDone done) override;
  void ReadWhole(const object::ObjectKey& key, const WholeDone& done) override;
  // The manifest itself: a file is replaced as a whole.
  void Preview(const ApplyRequest& request, const WholeDone& done) override;
  void Delete(DeleteRequest request, DeleteDone done) override;
  std::optional<manifest::Scope> ScopeOf(absl::string_view group,
                                         absl::string_view kind) const override;
  absl::Status CheckKeys(const std::vector<object::ObjectKey>& keys) const override;

 private:
  class Disk;
  struct Ends;

  template <typename Result, typename Work, typename Done>
  void OnDisk(Work work, Done done);

  EventLoop& loop_;
  EventLoop& io_loop_;
  const std::shared_ptr<Ends> ends_;  // What completions reach; emptied by the destructor.
  const std::shared_ptr<Disk> disk_;  // Joint with the callbacks that wait on io_loop_.
};

}  // namespace leidang::agent
