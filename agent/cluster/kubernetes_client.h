#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "agent/cluster/api_gate.h"
#include "agent/cluster/api_resources.h"
#include "agent/cluster/api_transport.h"
#include "agent/cluster/cluster_client.h"
#include "agent/cluster/kind_watch.h"
#include "common/log/log.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// A Kubernetes API server as the target.
//
// Objects are applied by the server, as field manager `leidang`. An object that must not be there
// yet is applied without force, after a look whether it is there unless a Read has just shown that
// it is not. LiveObject::hash covers exactly the fields that we own (owned_fields.h).
//
// One watch for each kind that has labelled objects, found by one round of lists when the client
// begins, or that is asked about or applied; Reads are answered from them, and by single requests
// for what carries no label. While a watch is not current, Reads wait for it.
//
// A kind that cannot be read while others can (its conversion webhook or its own API server is
// down) fails the Reads that ask for objects of it, or of Applications that had some when it was
// read last, with an error that names it. All others go on without it. It is tried again apart,
// and said in the log when it breaks and when it is back. Applications that have objects of it get
// an event when it has been broken for some seconds, those whose Reads it failed when it is back.
// What cannot be read is never taken as not there.
//
// Deleting in the foreground is done in the background for kinds that own nothing: the outcome is
// the same, and needs no garbage collector. Kinds of a definition that was applied a moment ago
// are waited for.
//
// With `namespaces`, it sees these alone, by watches of each, so that Roles in them are all the
// rights that it needs. Objects elsewhere, and those of the cluster itself, are not there for it,
// and writing them is refused before the server is asked (kPermissionDenied).
//
// Loop-bound.
class KubernetesClient final : public ClusterClient {
 public:
  // All must outlive it. Without `log` it says nothing.
  KubernetesClient(EventLoop& loop, ApiTransport& transport, std::set<std::string> namespaces = {},
                   Log* log = nullptr);
  ~KubernetesClient() override;

  void Watch(Watcher watcher) override;
  void Read(Selection selection, ReadDone done) override;
  void Apply(ApplyRequest request, ApplyDone done) override;
  void ReadWhole(const object::ObjectKey& key, const WholeDone& done) override;
  void ReadAllWhole(const object::ObjectKey& sort, absl::string_view label,
                    const AllWholeDone& done) override;
  // A dry run. What is refused only because its kind or namespace is not there yet passes.
  void Check(const ApplyRequest& request, const CheckDone& done) override;
  void Preview(const ApplyRequest& request, const WholeDone& done) override;
  void Delete(DeleteRequest request, DeleteDone done) override;
  void Record(const object::ObjectKey& key, const object::Value& event) override;
  std::optional<manifest::Scope> ScopeOf(absl::string_view group,
                                         absl::string_view kind) const override;
  absl::Status CheckKeys(const std::vector<object::ObjectKey>& keys) const override;

  // Once it is known what the server serves, which ScopeOf needs; tried until it is.
  void WhenReady(std::function<void()> ready);

 private:
  using GroupKind = std::pair<std::string, std::string>;
  struct Watched {
    GroupKind kind;
    std::string ns;  // Empty: all of them.

    friend auto operator<=>(const Watched&, const Watched&) = default;
  };
  using Then = std::function<void(const absl::Status&)>;
  struct ReadJob;
  struct ApplyJob;
  struct SweepRound;

  // Discovery.
  void Ready(Then then);
  void Discover(Then then);
  void OnDiscovered(const absl::Status& status);
  bool DiscoveredJustNow() const;
  void SayIncomplete();
  void Say(std::map<std::string, std::string>& said, const std::string& kind,
           absl::string_view message, const absl::Status& why);
  void Sweep(Then then);
  // What has not been listed yet.
  void SweepRest();
  void OnListedOne(const ApiResource& resource, const std::string& ns, const absl::Status& status);
  void EndSweepRound(const std::shared_ptr<SweepRound>& round);
  void EndSweep(const absl::Status& status);
  void TellSweepWaiting(const absl::Status& status);
  void LookAgain();
  void ListOne(const ApiResource& resource, const std::string& ns,
               const std::function<void(const absl::Status&)>& then);
  // Whether an object there is this client's to see and to write.
  bool IsOurs(const ApiResource& resource, const std::string& ns) const;
  KindWatch& WatchOf(const ApiResource& resource, const std::string& ns);
  const KindWatch* FindWatch(const object::ObjectKey& key) const;
  void OnTurned(const Watched& watched, const std::string& name, const absl::Status& status);
  void TellBroken(const Watched& watched);
  void TellAll(const Watched& watched, const std::set<std::string>& labels);

  // Reading.
  void ReadKinds(const std::shared_ptr<ReadJob>& job);
  void ReadSynced(const std::shared_ptr<ReadJob>& job, const absl::Status& status);
  void ReadMissing(const std::shared_ptr<ReadJob>& job);
  void NamesOf(const std::shared_ptr<ReadJob>& job, const ApiResource& resource,
               const std::string& ns, const std::string& continuation);
  void GetOne(const std::shared_ptr<ReadJob>& job, const object::ObjectKey& key);
  // Namespaces carry no label of ours. Many that are asked for at once, as when an agent begins,
  // are found by one list.
  void GetNamespace(const std::shared_ptr<ReadJob>& job, const object::ObjectKey& key);
  void LookForNamespaces();
  void OnNamespaces(absl::StatusOr<ApiResponse> answer);
  bool TakeSeenNamespace(const std::shared_ptr<ReadJob>& job, const object::ObjectKey& key);
  void OneRead(const std::shared_ptr<ReadJob>& job, const absl::Status& status);
  void FinishRead(const std::shared_ptr<ReadJob>& job);

  // Applying.
  void FindKind(const std::shared_ptr<ApplyJob>& job);
  void LookBefore(const std::shared_ptr<ApplyJob>& job);
  void Begin(const std::shared_ptr<ApplyJob>& job);
  void Write(const std::shared_ptr<ApplyJob>& job);
  void Patch(const std::shared_ptr<ApplyJob>& job);
  static absl::Status IsAtVersion(const ApplyJob& job, absl::string_view version);
  void TakeOver(const std::shared_ptr<ApplyJob>& job);
  void Replace(const std::shared_ptr<ApplyJob>& job);
  static bool MayMakeAnew(const ApplyJob& job, const absl::StatusOr<ApiResponse>& answer);
  void MakeAnew(const std::shared_ptr<ApplyJob>& job, const absl::Status& refusal);
  void TryCreate(const std::shared_ptr<ApplyJob>& job, const object::Value& live, Then then);
  void DeleteToMakeAnew(const std::shared_ptr<ApplyJob>& job, const object::Value& live);
  void WaitUntilGone(const std::shared_ptr<ApplyJob>& job, const std::string& uid,
                     absl::Duration until);
  void OnPatched(const std::shared_ptr<ApplyJob>& job, absl::StatusOr<ApiResponse> answer);
  void OnKept(const std::shared_ptr<ApplyJob>& job, int status, KeptObject kept);
  bool RecentlyAbsent(const object::ObjectKey& key) const;

  void DryRun(const ApplyRequest& request, WholeDone then);
  void PageOfAll(const std::string& lane, const std::string& path,
                 const std::shared_ptr<std::vector<object::Value>>& all,
                 const std::string& continuation, const AllWholeDone& done);
  void Get(const ApiResource& resource, const object::ObjectKey& key,
           std::function<void(absl::StatusOr<object::Value>)> then);
  void SendDelete(DeleteRequest request, const DeleteDone& done);
  template <typename Function>
  auto Alive(Function function);

  EventLoop& loop_;
  ApiTransport& transport_;
  const std::set<std::string> namespaces_;  // Empty: all, and the cluster's own objects.
  NoLog no_log_;
  Log& log_;
  ApiGate gate_;
  WatchAbilities abilities_;
  std::optional<ApiResources> resources_;
  absl::Duration discovered_ = -absl::InfiniteDuration();
  std::vector<Then> discovering_;  // Who waits for the one that is under way.
  enum class Sweeping : uint8_t { kNo, kRunning, kDone } sweeping_ = Sweeping::kNo;
  std::vector<Then> sweep_waiting_;
  std::set<Watched> swept_;  // Have been listed.
  absl::Duration look_again_ = absl::ZeroDuration();
  // What was said last of what cannot be had, by kind; of the server, by "".
  std::map<std::string, std::string> unlisted_;
  std::map<std::string, std::string> unready_;
  std::string incomplete_;  // Groups, as said last.
  // Labels of Applications whose Reads a kind failed.
  std::map<Watched, std::set<std::string>> unread_;
  std::map<Watched, std::unique_ptr<KindWatch>> watches_;
  Watcher watcher_;
  std::map<object::ObjectKey, absl::Duration> absent_;  // When a Read did not find them.
  struct NamespacesSeen {
    absl::Duration at = -absl::InfiniteDuration();
    enum class Extent : uint8_t { kAll, kSome } extent = Extent::kSome;
    std::map<object::ObjectKey, LiveObject> objects;
  };
  NamespacesSeen namespaces_seen_;
  enum class Looking : uint8_t { kNo, kSoon, kNow } looking_ = Looking::kNo;  // For namespaces.
  std::vector<std::pair<std::shared_ptr<ReadJob>, object::ObjectKey>> namespaces_wanted_;
  absl::Duration defined_ = -absl::InfiniteDuration();  // When we applied a definition last.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with callbacks.
};

}  // namespace leidang::agent
