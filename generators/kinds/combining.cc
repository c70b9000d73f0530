// Matrix and merge.

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"
#include "common/base/utf8.h"
#include "common/object/value.h"
#include "generators/kinds/evaluation.h"
#include "generators/params/params.h"
#include "generators/template/value_json.h"

namespace leidang::generators {

namespace {

absl::Status Wrap(absl::string_view what, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(what, status.message()));
}

constexpr char kFirst[] = "error failed to get params for first generator in matrix generator: ";
constexpr char kCombine[] =
    "failed to combine string maps with merging params for the matrix generator: ";
constexpr char kSecond[] = "failed to get params for second generator in the matrix generator: ";

}  // namespace

absl::Status Evaluation::Matrix(const Body& body, const MatrixConfig& config, Emit emit) {
  if (config.generators.size() < 2) {
    return absl::InvalidArgumentError("found less than two generators, Matrix support only two");
  }
  if (config.generators.size() > 2 && set_.as_argo_cd) {
    return absl::InvalidArgumentError("found more than two generators, Matrix support only two");
  }
  ASSIGN_OR_RETURN(const std::vector<TValue> first,
                   ChildList(config.generators[0], kFirst, nullptr));
  if (first.empty()) return absl::OkStatus();
  if (config.generators.size() > 2) {
    for (const TValue& params : first) RETURN_IF_ERROR(Combine(body, config, 1, params, emit));
    return absl::OkStatus();
  }
  const Entry& second = config.generators[1];
  const auto join = [&](const TValue& over, const TValue& under) {
    absl::StatusOr<TValue> joined = go() ? JoinParams(over, under) : JoinFlatParams(over, under);
    if (joined.ok()) {
      emit(*std::move(joined));
    } else {
      Fail(body.path, &over, go() ? joined.status() : Wrap(kCombine, joined.status()));
    }
  };
  // What the first child cannot change is evaluated once.
  if (second.bodies.size() == 1 && !second.bodies[0].templated) {
    ASSIGN_OR_RETURN(const std::vector<TValue> once, ChildList(second, kSecond, &first.front()));
    for (const TValue& over : first) {
      for (const TValue& under : once) join(over, under);
    }
    return absl::OkStatus();
  }
  for (const TValue& over : first) {
    const absl::Status status =
        Child(second, kSecond, &over, [&](const TValue& under) { join(over, under); });
    if (!status.ok()) Fail(second.path, &over, status);
  }
  return absl::OkStatus();
}

// More than two children: each is evaluated with what those before it have given together.
absl::Status Evaluation::Combine(const Body& body, const MatrixConfig& config, size_t next,
                                 const TValue& so_far, Emit emit) {
  if (next == config.generators.size()) {
    emit(so_far);
    return absl::OkStatus();
  }
  const Entry& entry = config.generators[next];
  absl::StatusOr<std::vector<TValue>> sets = ChildList(entry, kSecond, &so_far);
  if (!sets.ok()) {
    Fail(entry.path, &so_far, sets.status());
    return absl::OkStatus();
  }
  for (const TValue& under : *sets) {
    absl::StatusOr<TValue> joined =
        go() ? JoinParams(so_far, under) : JoinFlatParams(so_far, under);
    if (!joined.ok()) {
      Fail(body.path, &so_far, go() ? joined.status() : Wrap(kCombine, joined.status()));
      continue;
    }
    RETURN_IF_ERROR(Combine(body, config, next + 1, *joined, emit));
  }
  return absl::OkStatus();
}

namespace {

// The value of a merge key; a dotted key reaches into maps where no key is spelled like that.
const TValue* MergeValue(const TValue& params, absl::string_view key, bool dotted) {
  if (const TValue* found = params.Find(key)) return found;
  if (!dotted) return nullptr;
  const TValue* at = &params;
  for (const absl::string_view part : absl::StrSplit(key, '.')) {
    at = at->Find(part);
    if (at == nullptr) return nullptr;
  }
  return at;
}

// Equal tuples have equal texts. A key that is not there counts as null.
std::string MergeTuple(const TValue& params, const std::vector<std::string>& keys, bool dotted) {
  object::Object tuple;
  for (const std::string& key : keys) {
    const TValue* value = MergeValue(params, key, dotted);
    tuple[key] = value == nullptr ? object::Value() : ToJson(*value);
  }
  return object::CanonicalJson(tuple);
}

using ByTuple = absl::flat_hash_map<std::string, size_t>;

absl::StatusOr<ByTuple> IndexSets(const std::vector<TValue>& sets,
                                  const std::vector<std::string>& keys, bool dotted) {
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        "error getting param sets by merge key: no merge keys were specified, Merge requires at "
        "least one");
  }
  ByTuple index;
  for (size_t i = 0; i < sets.size(); ++i) {
    std::string tuple = MergeTuple(sets[i], keys, dotted);
    const auto [it, added] = index.emplace(std::move(tuple), i);
    if (added) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("error getting param sets by merge key: the parameters from a generator were "
                     "not unique by the given "
                     "mergeKeys, Merge requires all param sets to be unique. Duplicate key was ",
                     it->first));
  }
  return index;
}

}  // namespace

absl::Status Evaluation::Merge(const Body&, const MergeConfig& config, Emit emit) {
  if (config.generators.size() < 2) {
    return absl::InvalidArgumentError("found less than two generators, Merge requires two or more");
  }
  // A set that failed in one child would leave others with the wrong values: then the whole has
  // failed.
  const size_t failures_before = failures_;
  std::vector<std::vector<TValue>> children;
  for (size_t i = 0; i < config.generators.size(); ++i) {
    const std::string says = absl::StrCat(
        "error getting param sets from generators: error getting params from generator ", i + 1,
        " of ", config.generators.size(), ": ");
    ASSIGN_OR_RETURN(std::vector<TValue> sets, ChildList(config.generators[i], says, nullptr));
    children.push_back(std::move(sets));
  }
  if (failures_ != failures_before) {
    return absl::FailedPreconditionError("parameter sets of its children have failed");
  }
  const bool dotted = go() && !set_.as_argo_cd;
  std::vector<TValue>& base = children[0];
  ASSIGN_OR_RETURN(const ByTuple base_index, IndexSets(base, config.keys, dotted));
  for (size_t i = 1; i < children.size(); ++i) {
    RETURN_IF_ERROR(IndexSets(children[i], config.keys, dotted).status());
    for (size_t at = 0; at < children[i].size(); ++at) {
      const auto target = base_index.find(MergeTuple(children[i][at], config.keys, dotted));
      if (target == base_index.end()) continue;
      TValue& under = base[target->second];
      const TValue& over = children[i][at];
      if (!go()) {
        under = TValue::Layered({over, under});
        continue;
      }
      ASSIGN_OR_RETURN(under, JoinParams(over, under));
    }
  }
  for (TValue& params : base) emit(std::move(params));
  return absl::OkStatus();
}

}  // namespace leidang::generators
