#pragma once

// Semantic versions and constraints as the library behind sprig (Masterminds/semver 3.4.0) reads
// them: a leading "v", missing parts and leading zeros are accepted. Pure; thread-safe.

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "generators/template/value.h"

namespace leidang::generators::gotmpl {

struct Version {
  uint64_t major = 0, minor = 0, patch = 0;
  std::string pre, metadata, original;

  // kInvalidArgument with the library's text ("invalid semantic version").
  static absl::StatusOr<Version> Parse(absl::string_view text);
  std::string String() const;
  // By precedence: metadata does not count.
  int Compare(const Version& other) const;

  Version IncMajor() const;
  Version IncMinor() const;
  Version IncPatch() const;
  absl::StatusOr<Version> WithPrerelease(absl::string_view pre) const;
  absl::StatusOr<Version> WithMetadata(absl::string_view metadata) const;
};

class Constraints {
 public:
  // kInvalidArgument with the library's text ("improper constraint: …").
  static absl::StatusOr<Constraints> Parse(absl::string_view text);
  bool Check(const Version& version) const;

 private:
  enum class Op { kEqual, kNotEqual, kGreater, kLess, kGreaterEqual, kLessEqual, kTilde, kCaret };
  struct One {
    Op op = Op::kEqual;
    Version version;
    // Which parts the constraint leaves open ("1.x", "2").
    bool dirty = false, minor_dirty = false, patch_dirty = false;
  };
  struct Group {
    std::vector<One> all;
    bool has_pre = false;
  };

  static absl::StatusOr<One> ParseOne(absl::string_view text);
  static bool Holds(const One& c, const Version& v);

  std::vector<Group> any_;
};

struct VersionBox : internal::Box {
  explicit VersionBox(Version v) : version(std::move(v)) {}
  const Version version;
};
// `type` is kVersion or kVersionPtr.
TValue MakeVersion(GoType type, Version version);
const Version& VersionOf(const TValue& v);

}  // namespace leidang::generators::gotmpl
