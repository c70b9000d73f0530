#include "agent/scripts/script.h"

#include "absl/strings/str_cat.h"

namespace leidang::agent {

absl::Status NamedError(const ScriptCall& call, const absl::Status& error) {
  const std::string subject = call.subject.empty() ? "" : absl::StrCat(" on ", call.subject);
  return absl::Status(error.code(), absl::StrCat(call.name, subject, ": ", error.message()));
}

}  // namespace leidang::agent
