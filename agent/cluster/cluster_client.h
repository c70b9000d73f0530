#pragma once

// ClusterClient: the cluster that an agent looks after, behind one interface: a directory of files
// or an in-memory cluster today, a Kubernetes API server next to them.
//
// Promises
// - Asynchronous: every call returns at once; its completion runs exactly once, on the loop that
//   the implementation was given and never inside the call. When the client is destroyed,
//   completions that have not run are dropped, and their writes may or may not have happened.
// - Writes are atomic: an object is seen as before or as after, never in between, and a write that
//   was completed survives a power cut of the machine that stores it.
// - Reads show the writes that were completed before them.
//
// Errors, chosen so that the code says what to do: kUnavailable and kDeadlineExceeded try again
// later; kAborted the object is not what the precondition says, read again and decide anew;
// kInvalidArgument and kFailedPrecondition the object itself must change; kPermissionDenied and
// kResourceExhausted a person must act. Messages name the object.
//
// Loop-bound. Callers bound how many calls they have in flight.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/manifest/manifest.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

// An object as the cluster has it.
struct LiveObject {
  object::ObjectKey key;
  // "namespace/name" of the Application whose tracking id names this very object; empty if none.
  std::string owner;
  std::string uid;      // Differs for a re-created namesake. Empty where the target has none.
  std::string version;  // Changes with every change of the object.
  // Of that part of it that was applied: equal to Applied::hash for as long as nobody changed it.
  std::string hash;
  // Who changed it last, other than this agent, as the target knows them; empty if nobody did.
  std::string rival;
  // Null where the target keeps no status, or the object cannot be read.
  std::shared_ptr<const object::Value> manifest;
};

// What to read: the objects that carry the label of `app` ("namespace/name"; empty: none), and
// those of `keys` that exist, whoever owns them.
struct Selection {
  std::string app;
  std::vector<object::ObjectKey> keys;
};

struct ApplyRequest {
  object::ObjectKey key;
  object::Value manifest;
  // The version that must be there, "" for none; absent: apply over whatever is there. What has
  // gone meanwhile may be created anew.
  std::optional<std::string> if_version;
  // kReplace: the object becomes the manifest; what others set in it does not stay.
  enum class Way : uint8_t { kMerge, kReplace } way = Way::kMerge;
  // kMakeAnew: an object of which the target says that what differs cannot be changed in place is
  // deleted and created, if the target would create it; not one that holds others (namespaces,
  // definitions), nor another object than the one that was seen, nor one of another Application
  // unless `if_version` names it.
  enum class Refused : uint8_t { kFail, kMakeAnew } refused = Refused::kFail;
  // Of the object that was seen, "" if none was; absent: nobody has looked.
  std::optional<std::string> seen_uid;
  // kTakeOver: what another tool applied and this manifest does not name goes.
  enum class Former : uint8_t { kLeave, kTakeOver } former = Former::kLeave;
};

struct Applied {
  std::string uid;
  std::string version;
  std::string hash;
  enum class Effect { kCreated, kChanged, kUnchanged } effect = Effect::kChanged;
};

enum class Propagation { kForeground, kBackground, kOrphan };

struct DeleteRequest {
  object::ObjectKey key;
  std::string uid;                        // Must be the object's, unless empty.
  std::optional<std::string> if_version;  // Must be the object's, unless absent.
  Propagation propagation = Propagation::kForeground;
};

enum class Deleted {
  kGone,     // Not there (any more).
  kPending,  // Marked, and held by finalisers or dependents; an event says when it is gone.
};

// Something may have changed: a hint that asks for a look, nothing to act upon by itself.
struct ObjectEvent {
  enum class Kind { kObject, kEverything };
  Kind kind = Kind::kObject;  // kEverything: changes may have been missed; the rest is empty.
  object::ObjectKey key;
  std::string app_label;  // Value of the label that the object carries or last carried.
};

class ClusterClient {
 public:
  using ReadDone = std::function<void(absl::StatusOr<std::vector<LiveObject>>)>;
  using ApplyDone = std::function<void(absl::StatusOr<Applied>)>;
  using DeleteDone = std::function<void(absl::StatusOr<Deleted>)>;
  using Watcher = std::function<void(const ObjectEvent&)>;

  virtual ~ClusterClient() = default;

  // Reports changes of labelled objects, other than those made through this client, until the
  // client is destroyed; at the latest when the changes are five minutes old. Called once.
  virtual void Watch(Watcher watcher) = 0;

  // Sorted by key.
  virtual void Read(Selection selection, ReadDone done) = 0;

  // Creates the object or makes it equal to the manifest. kAborted if `if_version` does not hold.
  virtual void Apply(ApplyRequest request, ApplyDone done) = 0;

  // One object with all its content, which Read may leave out. kNotFound if it is not there. May
  // complete inside the call.
  using WholeDone = std::function<void(absl::StatusOr<object::Value>)>;
  // All objects of the kind and namespace of `sort` that carry `label` ("name=value"), as
  // ReadWhole. kUnimplemented where the target has no labels.
  using AllWholeDone = std::function<void(absl::StatusOr<std::vector<object::Value>>)>;
  virtual void ReadAllWhole(const object::ObjectKey& sort, absl::string_view label,
                            const AllWholeDone& done) {
    static_cast<void>(label);
    done(absl::UnimplementedError(absl::StrCat("no lists of ", sort.kind, "s on this target")));
  }
  virtual void ReadWhole(const object::ObjectKey& key, const WholeDone& done) {
    done(absl::UnimplementedError(
        absl::StrCat(key.ToString(), " cannot be read whole from this target")));
  }

  // Whether Apply of this would be refused, as far as the target can tell without doing it; its
  // precondition is not looked at. May complete inside the call.
  using CheckDone = std::function<void(const absl::Status&)>;
  virtual void Check(const ApplyRequest& request, const CheckDone& done) {
    static_cast<void>(request);
    done(absl::OkStatus());
  }

  // Puts an Event (core/v1) there, or in the place of the one of this key. Best effort: there is no
  // answer, it is neither watched nor read, and targets without Events drop it.
  virtual void Record(const object::ObjectKey& key, const object::Value& event) {
    static_cast<void>(key);
    static_cast<void>(event);
  }

  // What the object would be after an Apply of this, whole, without doing it; its precondition is
  // not looked at. Errors as Apply's, and kNotFound if its kind or namespace is not there (yet).
  // May complete inside the call.
  virtual void Preview(const ApplyRequest& request, const WholeDone& done) {
    done(absl::UnimplementedError(absl::StrCat("this target cannot tell what an apply of ",
                                               request.key.ToString(), " gives")));
  }

  // kGone if it is not there. kAborted if a precondition does not hold.
  virtual void Delete(DeleteRequest request, DeleteDone done) = 0;

  // nullopt: the cluster does not know the kind (yet).
  virtual std::optional<manifest::Scope> ScopeOf(absl::string_view group,
                                                 absl::string_view kind) const = 0;

  // kInvalidArgument, naming the objects, if the target cannot hold them side by side whatever they
  // contain. Costs no I/O: to be asked before the first write of a sync.
  virtual absl::Status CheckKeys(const std::vector<object::ObjectKey>& keys) const = 0;
};

}  // namespace leidang::agent
