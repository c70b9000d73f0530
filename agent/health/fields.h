#pragma once

// Reading an object as the Go types that Argo CD's checks see: an absent field is the zero value, a
// field of a wrong type makes the whole object unreadable. Internal to agent/health.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "agent/health/health.h"
#include "common/object/value.h"

namespace leidang::agent {

class Fields {
 public:
  using Path = std::initializer_list<absl::string_view>;

  explicit Fields(const object::Value& object) : object_(object) {}

  int64_t Number(Path path) { return OptionalNumber(path).value_or(0); }
  std::optional<int64_t> OptionalNumber(Path path);
  std::string Text(Path path);
  bool Flag(Path path);
  // The items of a list.
  std::vector<const object::Value*> Items(Path path);
  bool Has(Path path);

  // "" as long as everything could be read.
  const std::string& error() const { return error_; }

 private:
  const object::Value* Find(Path path);
  void Wrong(Path path, absl::string_view wanted);

  const object::Value& object_;
  std::string error_;
};

struct TypedCondition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
};
std::vector<TypedCondition> ConditionsOf(Fields& fields);

Health Healthy(std::string message = "");
Health Progressing(std::string message = "");
Health Degraded(std::string message = "");
Health Suspended(std::string message = "");
Health UnknownHealth(std::string message = "");

}  // namespace leidang::agent
