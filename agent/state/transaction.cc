#include "agent/state/transaction.h"

#include "absl/strings/str_cat.h"

namespace leidang::agent {

std::string EntryRef::ToString() const {
  return absl::StrCat(key.ToString(), " (", uid.Hex(), ")");
}

bool IsFinal(OperationState state) {
  switch (state) {
    case OperationState::kAccepted:
    case OperationState::kRunning:
      return false;
    case OperationState::kSucceeded:
    case OperationState::kFailed:
    case OperationState::kExpired:
      return true;
  }
  return true;
}

}  // namespace leidang::agent
