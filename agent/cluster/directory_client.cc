#include "agent/cluster/directory_client.h"

#include <set>
#include <utility>

#include "agent/cluster/directory_files.h"
#include "agent/cluster/directory_names.h"
#include "agent/cluster/directory_watch.h"

namespace leidang::agent {

// The loop's side. Loop-bound.
struct DirectoryClient::Ends {
  bool alive = true;
  Watcher watcher;
};

// The disk's side. Bound to io_loop.
class DirectoryClient::Disk : public std::enable_shared_from_this<Disk> {
 public:
  Disk(EventLoop& loop, EventLoop& io_loop, DirectoryOptions options, std::shared_ptr<Ends> ends)
      : loop_(loop),
        io_loop_(io_loop),
        options_(std::move(options)),
        ends_(std::move(ends)),
        files_(options_.path) {}

  DirectoryFiles& files() { return files_; }

  // Opens and scans, and goes on scanning. What the first scan finds is news to nobody.
  void Start() {
    const absl::Status opened = Open();
    RescanIn(opened.ok() && watch_ != nullptr ? options_.rescan : options_.rescan_unwatched);
  }

  // Open already, or open now.
  absl::Status Ready() { return open_ ? absl::OkStatus() : Open(); }

 private:
  absl::Status Open() {
    watch_.reset();
    absl::Status opened = files_.Open();
    if (!opened.ok()) return opened;
    if (options_.watching == DirectoryOptions::Watching::kInotify) StartWatch();
    const absl::StatusOr<std::set<DirectoryFiles::Change>> changes = files_.Rescan();
    if (!changes.ok()) return changes.status();
    if (was_open_) Report(*changes);
    open_ = true;
    was_open_ = true;
    return absl::OkStatus();
  }

  void StartWatch() {
    absl::StatusOr<std::unique_ptr<DirectoryWatch>> watch = DirectoryWatch::Start(
        options_.path, [weak = weak_from_this(), &io_loop = io_loop_](DirectoryHint hint) {
          io_loop.Post([weak, hint = std::move(hint)] {
            if (const std::shared_ptr<Disk> self = weak.lock()) self->OnHint(hint);
          });
        });
    if (watch.ok()) watch_ = *std::move(watch);  // Otherwise frequent rescans stand in.
  }

  void OnHint(const DirectoryHint& hint) {
    if (hint.lost) {
      open_ = false;
      return Rescan();
    }
    if (hint.everything) return Rescan();
    for (const std::string& name : hint.names) {
      const absl::StatusOr<std::set<DirectoryFiles::Change>> changes = files_.Refresh(name);
      if (!changes.ok()) return Rescan();
      Report(*changes);
    }
  }

  void Rescan() {
    if (!open_) {
      // An error shows in the next request; until then the timer tries again.
      if (!Open().ok()) open_ = false;
      return;
    }
    const absl::StatusOr<std::set<DirectoryFiles::Change>> changes = files_.Rescan();
    if (changes.ok()) return Report(*changes);
    open_ = false;
  }

  void RescanIn(absl::Duration delay) {
    io_loop_.After(delay, [weak = weak_from_this()] {
      const std::shared_ptr<Disk> self = weak.lock();
      if (self == nullptr) return;
      self->Rescan();
      const bool watched = self->open_ && self->watch_ != nullptr;
      self->RescanIn(watched ? self->options_.rescan : self->options_.rescan_unwatched);
    });
  }

  void Report(const std::set<DirectoryFiles::Change>& changes) {
    if (changes.empty()) return;
    loop_.Post([ends = ends_, changes] {
      for (const DirectoryFiles::Change& change : changes) {
        if (!ends->alive || !ends->watcher) return;
        ends->watcher({ObjectEvent::Kind::kObject, change.key, change.app_label});
      }
    });
  }

  EventLoop& loop_;
  EventLoop& io_loop_;
  const DirectoryOptions options_;
  const std::shared_ptr<Ends> ends_;
  DirectoryFiles files_;
  std::unique_ptr<DirectoryWatch> watch_;
  bool open_ = false;
  bool was_open_ = false;
};

DirectoryClient::DirectoryClient(EventLoop& loop, EventLoop& io_loop, DirectoryOptions options)
    : loop_(loop),
      io_loop_(io_loop),
      ends_(std::make_shared<Ends>()),
      disk_(std::make_shared<Disk>(loop, io_loop, std::move(options), ends_)) {
  io_loop_.Post([disk = disk_] { disk->Start(); });
}

DirectoryClient::~DirectoryClient() {
  ends_->alive = false;
  ends_->watcher = nullptr;
}

void DirectoryClient::Watch(Watcher watcher) { ends_->watcher = std::move(watcher); }

// Runs `work` on the disk's side and `done` with its result on the loop.
template <typename Result, typename Work, typename Done>
void DirectoryClient::OnDisk(Work work, Done done) {
  io_loop_.Post([&loop = loop_, disk = disk_, ends = ends_, work = std::move(work),
                 done = std::move(done)]() mutable {
    const absl::Status ready = disk->Ready();
    absl::StatusOr<Result> result =
        ready.ok() ? work(disk->files()) : absl::StatusOr<Result>(ready);
    loop.Post([ends, done = std::move(done), result = std::move(result)]() mutable {
      if (ends->alive) done(std::move(result));
    });
  });
}

void DirectoryClient::Read(Selection selection, ReadDone done) {
  OnDisk<std::vector<LiveObject>>(
      [selection = std::move(selection)](DirectoryFiles& files) { return files.Read(selection); },
      std::move(done));
}

void DirectoryClient::Apply(ApplyRequest request, ApplyDone done) {
  OnDisk<Applied>(
      [request = std::move(request)](DirectoryFiles& files) { return files.Write(request); },
      std::move(done));
}

void DirectoryClient::ReadWhole(const object::ObjectKey& key, const WholeDone& done) {
  OnDisk<object::Value>([key](DirectoryFiles& files) { return files.ReadWhole(key); }, done);
}

void DirectoryClient::Preview(const ApplyRequest& request, const WholeDone& done) {
  done(request.manifest);
}

void DirectoryClient::Delete(DeleteRequest request, DeleteDone done) {
  OnDisk<Deleted>(
      [request = std::move(request)](DirectoryFiles& files) { return files.Remove(request); },
      std::move(done));
}

std::optional<manifest::Scope> DirectoryClient::ScopeOf(absl::string_view group,
                                                        absl::string_view kind) const {
  return manifest::KnownScope(group, kind);
}

absl::Status DirectoryClient::CheckKeys(const std::vector<object::ObjectKey>& keys) const {
  return CheckFileNames(keys);
}

}  // namespace leidang::agent
