#include "hub/control/application_brakes.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/conditions/held_list.h"
#include "common/conditions/types.h"
#include "common/object/sha256.h"
#include "common/object/value.h"
#include "hub/control/brakes.h"
#include "hub/store/application_index.h"

namespace leidang::hub {
namespace {

constexpr size_t kPage = 1'000;

}  // namespace

absl::Status ApplicationBrakes::Read(const std::string& key, std::vector<Held>* held) const {
  const absl::StatusOr<DerivedApplication> application = store_.Application(key);
  if (absl::IsNotFound(application.status())) return absl::OkStatus();  // It has gone since.
  RETURN_IF_ERROR(application.status());
  ASSIGN_OR_RETURN(const std::optional<intent::EntryStatus> status,
                   store_.Status(application->cluster, {intent::EntryKind::kApplication, key},
                                 application->uid));
  if (!status) return absl::OkStatus();
  for (const intent::StatusCondition& condition : status->conditions) {
    if (condition.type != conditions::kDeletionsHeld) continue;
    std::optional<conditions::HeldList> list = conditions::ReadHeldList(condition.message);
    if (!list) continue;
    Held one;
    one.application = key;
    one.cluster = application->cluster;
    const auto cluster = records_.clusters().find(one.cluster);
    one.cluster_name =
        cluster == records_.clusters().end() ? one.cluster.Hex() : cluster->second.name;
    one.list = list->digest;
    // The same objects may be held by one Application on many clusters.
    one.digest = object::Sha256::Of(absl::StrCat("application\n", one.cluster.Hex(), "\n", key,
                                                 "\n", application->uid.Hex(), "\n", one.list))
                     .Hex();
    one.objects = list->objects;
    one.names = std::move(list->names);
    one.since = condition.since;
    one.why = std::move(list->why);
    held->push_back(std::move(one));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ApplicationBrakes::Held>> ApplicationBrakes::List(size_t limit) const {
  ApplicationFilter filter;
  filter.holding = true;
  std::vector<Held> held;
  for (const std::string& key : store_.Index().Keys(filter, "", limit))
    RETURN_IF_ERROR(Read(key, &held));
  return held;
}

absl::StatusOr<ApplicationBrakes::Held> ApplicationBrakes::Find(absl::string_view digest) const {
  if (digest.size() < Brakes::kDigitsMin) return Brakes::NoSuchList(digest);
  ApplicationFilter filter;
  filter.holding = true;
  std::vector<std::string> keys;
  do {
    keys = store_.Index().Keys(filter, keys.empty() ? "" : keys.back(), kPage);
    for (const std::string& key : keys) {
      std::vector<Held> held;
      RETURN_IF_ERROR(Read(key, &held));
      for (Held& one : held) {
        if (absl::StartsWith(one.digest, digest)) return std::move(one);
      }
    }
  } while (keys.size() == kPage);
  return Brakes::NoSuchList(digest);
}

void ApplicationBrakes::Approve(const Held& held, const Author& author,
                                const std::function<void(absl::Status)>& done) {
  Operations::Asked asked;
  asked.application = held.application;
  asked.kind = OperationKind::kSync;
  asked.parameters =
      object::ToJson(object::Object{{"requestedBy", author.who}, {"approveDeletions", held.list}});
  // As long as an operation may live: the cluster may be away.
  asked.lifetime = Operations::kLifetimeMax;
  operations_.Request(asked, author, [done](const absl::StatusOr<OperationRecord>& operation) {
    done(operation.status());
  });
}

std::string BrakeText(const ApplicationBrakes::Held& held) {
  return absl::StrCat("application ", held.application, " on ", held.cluster_name);
}

}  // namespace leidang::hub
