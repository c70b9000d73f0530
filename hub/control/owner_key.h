#pragma once

#include <compare>
#include <optional>
#include <string>

#include "hub/model/written.h"

namespace leidang::hub {

// Names an owner of Applications: an ApplicationSet, or one Application written directly.
struct OwnerKey {
  WrittenKind kind = WrittenKind::kApplicationSet;
  std::string key;

  // "set leidang/shop", "application leidang/cart": in messages, in the ledger's holdings, and what
  // Repositories calls it as a consumer.
  std::string ToString() const;
  static std::optional<OwnerKey> FromString(const std::string& text);
  friend auto operator<=>(const OwnerKey&, const OwnerKey&) = default;
};

}  // namespace leidang::hub
