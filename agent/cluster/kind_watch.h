#pragma once

// KindWatch: the labelled objects of one kind in one cluster, or in one namespace of it, held up to
// date by a watch.
//
// It begins with a list that the watch itself sends where the server can do that, else with a list
// in pages. A watch that the server ends in order goes on where it was, and what it holds counts as
// current meanwhile. One whose connection breaks, or that is too old, or is refused otherwise,
// begins anew, and what it missed is found by comparison: after a break nobody knows since when
// nothing came, and a watch that goes on where it was does not say when all that it missed has
// come, as only a list does. Objects are deleted by what is held here. Only what our selector finds
// is held, without managedFields, and without the content of ConfigMaps and Secrets.
//
// It is broken once it has failed twice in a row, or is forbidden, or breaks again and again soon
// after it could be listed: what it holds is not current, and nobody waits for it. It is tried
// again with a backoff that only a watch that lasts takes back, for ever.
//
// Loop-bound.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "agent/cluster/api_gate.h"
#include "agent/cluster/api_resources.h"
#include "agent/cluster/api_transport.h"
#include "agent/cluster/cluster_client.h"
#include "agent/cluster/event_skim.h"
#include "common/object/key.h"
#include "common/object/value.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// An object as the API server has it, made to what the agent keeps of it.
struct KeptObject {
  LiveObject live;
  std::string label;  // Value of the Application's label; empty if it has none.
};

// Reads an object of an answer; `resource` stands in for the kind that items of lists do not say.
// kInvalidArgument if it has no identity.
absl::StatusOr<KeptObject> KeepObject(const ApiResource& resource, object::Value object);

// -1, 0 or 1 as `a` is older than, equal to or newer than `b`; versions that are no numbers are
// only equal or newer.
int CompareVersions(absl::string_view a, absl::string_view b);

// Whether servers send a list as the beginning of a watch, as found out so far; shared by the
// watches of one cluster. That one kind's cannot is no proof: it may be broken.
struct WatchAbilities {
  enum class Lists : uint8_t { kPerhaps, kNo } lists = Lists::kPerhaps;
};

class KindWatch {
 public:
  using Changed = std::function<void(const object::ObjectKey&, const std::string& label)>;
  using Synced = std::function<void(const absl::Status&)>;
  // Why it is broken; OK: it is current again.
  using Turned = std::function<void(const absl::Status&)>;

  // References must outlive it. `changed` is told what others changed since it was known, unless
  // it is neither of ours nor what health and deletion are judged by.
  // An empty `ns` is all of them.
  KindWatch(EventLoop& loop, ApiTransport& transport, ApiGate& gate, WatchAbilities& abilities,
            ApiResource resource, std::string ns, Changed changed, Turned turned);
  ~KindWatch();

  const ApiResource& resource() const { return resource_; }

  // Once what is held is current; with an error if it is broken, at once if it is that already.
  void WhenSynced(Synced synced);
  // Why it is broken; OK: it is current, or on its way.
  const absl::Status& failure() const { return failure_; }

  const std::map<object::ObjectKey, KeptObject>& objects() const { return objects_; }
  const KeptObject* Find(const object::ObjectKey& key) const;

  // Around each write of ours: what the watch says of the object meanwhile waits for the answer, as
  // it may be that very write. One EndWrite for each BeginWrite.
  void BeginWrite(const object::ObjectKey& key) { ++writing_[key]; }
  void EndWrite(const object::ObjectKey& key);

  // What our own writes answered: known before the watch says so, and no news.
  void Wrote(KeptObject object);
  void Deleted(const object::ObjectKey& key, const std::string& uid);

 private:
  // kUnserved: the server does not have the kind (any more), and so no objects of it.
  enum class State : uint8_t { kStarting, kLive, kUnserved };
  // kLine: what was put there, as it was said; in most cases it is what our write then answers.
  struct Held {
    enum class What : uint8_t { kLine, kPut, kRemoved } what = What::kPut;
    KeptObject object;
    std::string line;
  };

  void Begin();
  void ListPage(const std::string& continuation);
  void OnPage(absl::StatusOr<ApiResponse> answer);
  void OpenWatch();
  void MindSilence();
  void OnOpen();
  void OnLine(const std::string& line);
  void ReadLine(const std::string& line);
  // Of what is held already, or is being written: nothing of it has to be read now.
  bool IsTaken(const std::string& line);
  bool IsKnown(const object::ObjectKey& key, const SkimmedEvent& event) const;
  void OnBookmark(const object::Value& object);
  void OnError(const object::Value& object);
  void OnEnd(absl::StatusOr<ApiResponse> answer);
  void Put(KeptObject object);
  void Remove(const KeptObject& object);
  void EndOfList(const std::string& version);
  void Live();
  // `least`: the server asks to wait so long.
  void Failed(const absl::Status& status, absl::Duration least = absl::ZeroDuration());
  void Unserved();
  void BeginLater(absl::Duration least);
  absl::Duration NextWait(absl::Duration least);
  void TellWaiting(const absl::Status& status);
  std::string WatchPath() const;

  EventLoop& loop_;
  ApiTransport& transport_;
  ApiGate& gate_;
  WatchAbilities& abilities_;
  const ApiResource resource_;
  const std::string ns_;
  const Changed changed_;
  const Turned turned_;

  State state_ = State::kStarting;
  bool listing_ = false;  // The watch is sending what there was.
  bool open_ = false;     // The server has taken it.
  bool ever_live_ = false;
  bool fell_back_ = false;  // The watch could send no list; plain ones are tried.
  int failures_ = 0;        // In a row.
  absl::Status failure_;
  absl::Duration heard_;     // When the watch said something last.
  absl::Duration followed_;  // Since when it is current and open, if it is both.
  std::string version_;      // Where a watch can go on; empty: nowhere.
  ApiTransport::StreamId stream_ = 0;
  absl::Duration backoff_;
  std::map<object::ObjectKey, KeptObject> objects_;
  std::map<object::ObjectKey, std::string> listed_;   // Seen in this list, with their versions.
  std::map<object::ObjectKey, std::string> deleted_;  // By us, with the uid; the watch lags behind.
  std::map<object::ObjectKey, int> writing_;          // How many writes are under way.
  std::map<object::ObjectKey, Held> held_;            // The last word on each of them.
  std::vector<Synced> waiting_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with callbacks.
};

}  // namespace leidang::agent
