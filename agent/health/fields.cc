#include "agent/health/fields.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace leidang::agent {

using object::Value;

const Value* Fields::Find(Path path) {
  const Value* found = object::Find(object_, path);
  return found == nullptr || found->is_null() ? nullptr : found;
}

void Fields::Wrong(Path path, absl::string_view wanted) {
  if (error_.empty()) {
    error_ = absl::StrCat("cannot read the object: ", absl::StrJoin(path, "."), " is no ", wanted);
  }
}

std::optional<int64_t> Fields::OptionalNumber(Path path) {
  const Value* found = Find(path);
  if (found == nullptr) return std::nullopt;
  if (!found->is_int64()) {
    Wrong(path, "integer");
    return std::nullopt;
  }
  return found->get_int64();
}

std::string Fields::Text(Path path) {
  const Value* found = Find(path);
  if (found == nullptr) return "";
  if (!found->is_string()) {
    Wrong(path, "text");
    return "";
  }
  return std::string(found->get_string().data(), found->get_string().size());
}

bool Fields::Flag(Path path) {
  const Value* found = Find(path);
  if (found == nullptr) return false;
  if (!found->is_bool()) {
    Wrong(path, "boolean");
    return false;
  }
  return found->get_bool();
}

std::vector<const Value*> Fields::Items(Path path) {
  std::vector<const Value*> items;
  const Value* found = Find(path);
  if (found == nullptr) return items;
  if (!found->is_array()) {
    Wrong(path, "list");
    return items;
  }
  for (const Value& item : found->get_array()) items.push_back(&item);
  return items;
}

bool Fields::Has(Path path) { return Find(path) != nullptr; }

std::vector<TypedCondition> ConditionsOf(Fields& fields) {
  std::vector<TypedCondition> conditions;
  for (const Value* item : fields.Items({"status", "conditions"})) {
    Fields condition(*item);
    conditions.push_back({condition.Text({"type"}), condition.Text({"status"}),
                          condition.Text({"reason"}), condition.Text({"message"})});
  }
  return conditions;
}

Health Healthy(std::string message) { return {intent::HealthState::kHealthy, std::move(message)}; }
Health Progressing(std::string message) {
  return {intent::HealthState::kProgressing, std::move(message)};
}
Health Degraded(std::string message) {
  return {intent::HealthState::kDegraded, std::move(message)};
}
Health Suspended(std::string message) {
  return {intent::HealthState::kSuspended, std::move(message)};
}
Health UnknownHealth(std::string message) {
  return {intent::HealthState::kUnknown, std::move(message)};
}

}  // namespace leidang::agent
