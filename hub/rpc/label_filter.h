#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/match/selector.h"
#include "common/object/value.h"

namespace leidang::hub {

// A label selector as people type it: `env=prod,tier!=web,region in (eu, us),!legacy`. Pure.
class LabelFilter {
 public:
  // Empty text matches everything. kInvalidArgument quotes the part that cannot be read.
  static absl::StatusOr<LabelFilter> Parse(absl::string_view text);

  bool empty() const { return selector_.selects_everything(); }
  // By `metadata.labels`.
  bool Matches(const object::Value& manifest) const;

 private:
  match::Selector selector_;
};

}  // namespace leidang::hub
