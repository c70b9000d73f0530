#pragma once

// An area of conformance: facts about one part of Argo CD's behaviour, and how ours is compared
// with them.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/object/value.h"

namespace leidang::conformance {

// What our code made of one case, beside what was observed.
struct Outcome {
  bool equal = false;
  // What differs, for people; several lines.
  std::string difference;
  // Where both failed: whether the messages are equal, too. Figures only.
  std::optional<bool> same_message;

  static Outcome Equal() { return {true, "", std::nullopt}; }
  static Outcome Different(std::string what) { return {false, std::move(what), std::nullopt}; }
};

// Compares one line of a JSONL file. Lines hold what is expected beside the input; a deliberate
// difference has changed the expectation before.
using LineCheck = std::function<Outcome(const object::Value& line)>;

// Areas with an engine here, by file name without `.jsonl`.
std::map<std::string, LineCheck> LineChecks();

// The common shape of a result: `value` equal to the member `key`, or an error where `error` or
// `panic` stands. A sensible result is never right for a panic: a rule must state it.
Outcome CompareResult(const object::Value& line, absl::string_view key, const object::Value& value);
Outcome CompareError(const object::Value& line, absl::string_view message);

// Two values, one line each place that differs.
std::string Difference(const object::Value& expected, const object::Value& actual);

}  // namespace leidang::conformance
