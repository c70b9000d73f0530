#pragma once

// InventoryMirror: the inventories of Applications, kept in the cluster itself as one Secret for
// each, so that an agent that loses its disk loses nothing: it goes on pruning exactly what it
// made, by uid.
//
// Secret `leidang-inventory-<label of the Application>` of one namespace, which is made if it is
// not there. It names the Application's uid; one of another uid is none of ours.
//
// Loop-bound.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "agent/cluster/cluster_client.h"
#include "agent/state/transaction.h"
#include "common/object/key.h"
#include "common/object/value.h"

namespace leidang::agent {

class InventoryMirror {
 public:
  using Items = std::vector<InventoryItem>;
  // nullopt: there is none of this incarnation.
  using ReadDone = std::function<void(absl::StatusOr<std::optional<Items>>)>;
  using Done = std::function<void(const absl::Status&)>;

  // More are not kept: a Secret holds 1 MiB. Write then answers kResourceExhausted.
  static constexpr size_t kBytesMax = 700'000;

  // `cluster` must outlive it.
  InventoryMirror(ClusterClient& cluster, std::string ns);
  ~InventoryMirror();

  // kDataLoss, naming the Secret, if it cannot be read. The first one lists what there is, for the
  // others that an agent reads when it begins; each is kept until it is read once.
  void Read(const EntryRef& entry, ReadDone done);
  void Write(const EntryRef& entry, const Items& items, const Done& done);
  void Remove(const EntryRef& entry, const Done& done);

 private:
  object::ObjectKey KeyOf(const EntryRef& entry) const;
  void ReadListed(const EntryRef& entry, const ReadDone& done);
  void OnListed(absl::StatusOr<std::vector<object::Value>> secrets);
  static void Answer(const EntryRef& entry, const object::ObjectKey& key,
                     const object::Value& secret, const ReadDone& done);
  void Apply(const object::ObjectKey& key, const object::Value& secret, const Done& done);

  ClusterClient& cluster_;
  const std::string ns_;
  enum class Listing : uint8_t { kNotYet, kRunning, kDone } listing_ = Listing::kNotYet;
  std::vector<std::pair<EntryRef, ReadDone>> waiting_;          // For the list.
  std::map<std::string, object::Value> listed_;                 // Secrets by name, not read yet.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // Joint with completions.
};

// The text that the Secret holds, and back.
std::string EncodeInventory(const EntryRef& entry, const InventoryMirror::Items& items);
absl::StatusOr<std::optional<InventoryMirror::Items>> DecodeInventory(const EntryRef& entry,
                                                                      absl::string_view text);

}  // namespace leidang::agent
