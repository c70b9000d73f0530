#include "common/intent/authority.h"

#include "absl/strings/str_cat.h"

namespace leidang::intent {

std::string Authority::ToString() const {
  return absl::StrCat("hub ", hub.Hex(), " epoch ", epoch, ".", absl::Hex(incarnation));
}

Standing Compare(const Authority& held, const Authority& offered) {
  if (held.hub.IsNone()) return Standing::kFirst;
  if (offered.hub != held.hub) return Standing::kForeign;
  if (offered.epoch > held.epoch) return Standing::kNewer;
  if (offered.epoch < held.epoch) return Standing::kOlder;
  return offered.incarnation == held.incarnation ? Standing::kSame : Standing::kForeign;
}

bool MayObey(Standing standing) {
  return standing == Standing::kFirst || standing == Standing::kSame ||
         standing == Standing::kNewer;
}

}  // namespace leidang::intent
