#pragma once

// What a scrub of stored rows found.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "hub/store/rows.h"

namespace leidang::hub {

enum class FindingKind : uint8_t {
  kDamage,   // Against docs/formats/store.md: the hub may refuse it or act wrongly on it.
  kWarning,  // Odd, and harmless: leftovers, records of a later version.
};

struct CheckFinding {
  FindingKind kind = FindingKind::kDamage;
  Family family = Family::kMeta;
  std::string row;   // Its key, printable; empty where the finding is about the whole family.
  std::string what;  // "its element is not that of its content"
};

// Counts all, keeps the first kKeptMax findings. A value; thread-compatible.
class CheckReport {
 public:
  static constexpr size_t kKeptMax = 1'000;

  void CountRow(Family family) { ++rows_[family]; }
  void Damage(Family family, absl::string_view row, std::string what) {
    Add(FindingKind::kDamage, family, row, std::move(what));
  }
  void Warning(Family family, absl::string_view row, std::string what) {
    Add(FindingKind::kWarning, family, row, std::move(what));
  }

  // In the order in which they were found.
  const std::vector<CheckFinding>& findings() const { return findings_; }
  uint64_t damages() const { return damages_; }
  uint64_t warnings() const { return warnings_; }
  uint64_t rows(Family family) const {
    const auto it = rows_.find(family);
    return it == rows_.end() ? 0 : it->second;
  }
  // Everything that is damaged can be built anew from the ledger and Git.
  bool OnlyDerivedDamaged() const { return damages_ > 0 && damages_ == derived_damages_; }

  // For people: the rows of each family, the findings, and what to do.
  std::string ToText() const;

 private:
  void Add(FindingKind kind, Family family, absl::string_view row, std::string what);

  std::map<Family, uint64_t> rows_;
  std::vector<CheckFinding> findings_;
  uint64_t damages_ = 0;
  uint64_t derived_damages_ = 0;
  uint64_t warnings_ = 0;
};

}  // namespace leidang::hub
