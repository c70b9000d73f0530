#include "hub/control/brake_desk.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace leidang::hub {

void BrakeDesk::Decide(Verdict verdict, const std::string& digest, const Author& author,
                       Done done) {
  const Brakes::Decision decision{author.who, loop_.clock().Now()};
  Brakes::Held held;
  absl::StatusOr<FleetRecords::Changes> changes = verdict == Verdict::kApproved
                                                      ? brakes_.Approve(digest, decision, &held)
                                                      : brakes_.Reject(digest, decision, &held);
  if (!changes.ok()) {
    loop_.Post([done = std::move(done), status = changes.status()] { done(status); });
    return;
  }
  records_.Write(*std::move(changes),
                 [this, verdict, held, author, done = std::move(done)](const absl::Status& status) {
                   const bool approved = verdict == Verdict::kApproved;
                   records_.Audit(author,
                                  absl::StrCat(approved ? "approve" : "reject",
                                               " deletions held by the brake of the ", NameOf(held),
                                               ", list ", held.digest.Hex()),
                                  status.ok() ? absl::StrCat(held.deletions.size(), " deletions")
                                              : std::string(status.message()));
                   if (!status.ok()) return done(status);
                   if (held.brake.scope == BrakeScope::kConfiguration) on_configuration();
                   for (const std::string& text : held.owners) {
                     if (const std::optional<OwnerKey> owner = OwnerKey::FromString(text))
                       owners_.Trigger(*owner);
                   }
                   done(held);
                 });
}

}  // namespace leidang::hub
