#include "hub/session/resume.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/proof/bucketed_digest.h"
#include "common/wire/wire.h"
#include "hub/store/write_batch.h"

namespace leidang::hub {

absl::StatusOr<Greeting> ParseHello(const v1::Hello& hello) {
  Greeting greeting;
  const auto cluster = intent::ClusterId::FromRaw(hello.cluster_id());
  if (!cluster.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello.cluster_id has ", hello.cluster_id().size(), " bytes, not 16"));
  }
  greeting.cluster = *cluster;
  if (hello.has_authority()) {
    ASSIGN_OR_RETURN(greeting.authority, wire::FromProto(hello.authority()));
  }
  greeting.revision = hello.revision();
  ASSIGN_OR_RETURN(greeting.intent_root,
                   wire::Sha256FromProto("hello.intent_root", hello.intent_root()));
  greeting.session_epoch = hello.session_epoch();
  if (greeting.session_epoch >= WriteBatch::kSessionEpochMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("hello.session_epoch is ", greeting.session_epoch, ", beyond the last"));
  }
  return greeting;
}

Opening OpeningFor(const Greeting& greeting, const ClusterLog& log) {
  switch (intent::Compare(greeting.authority, log.authority)) {
    case intent::Standing::kOlder:
      return Opening::kBehind;
    case intent::Standing::kNewer:
    case intent::Standing::kForeign:
      return Opening::kCompare;
    case intent::Standing::kFirst:
    case intent::Standing::kSame:
      break;
  }
  if (greeting.revision > log.head) return Opening::kBehind;
  if (greeting.revision == 0) {
    const bool empty = greeting.intent_root == proof::BucketedDigest().Root();
    return empty ? Opening::kResume : Opening::kCompare;
  }
  return greeting.revision < log.resumable_from ? Opening::kCompare : Opening::kResume;
}

}  // namespace leidang::hub
