// Lists.

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

#include "generators/template/cast.h"
#include "generators/template/function_sets.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr absl::string_view kNilDereference =
    "runtime error: invalid memory address or nil pointer dereference";

// What reflection says to a nil, and sprig to what is no list.
absl::Status NoList(const TValue& v, absl::string_view what) {
  if (v.is_nil()) return CallError(kNilDereference);
  return CallError(absl::StrCat(what, GoKindName(v.type())));
}

absl::Status ReturnList(Call& call, std::vector<TValue> items, size_t capacity,
                        GoType type = GoType::kAnyList) {
  if (!call.budget().Charge(items.size())) return call.budget().StepsError();
  TValue list = TValue::List(std::move(items), type);
  list.mutable_list()->set_capacity(capacity);
  return call.Return(std::move(list));
}

std::vector<TValue> Copy(absl::Span<const TValue> items) { return {items.begin(), items.end()}; }

// The capacity after one append to a full slice.
size_t CapacityAfterPush(size_t size) {
  if (size == 0) return 1;
  // Go doubles, and rounds up to what its allocator hands out: 16 bytes an element.
  size_t capacity = 2 * size;
  if (capacity > 16) capacity += capacity % 2;
  if (capacity > 32) capacity = (capacity + 3) / 4 * 4;
  return capacity;
}

absl::Status ListOf(Call& call) { return ReturnList(call, call.Rest(0), call.size()); }

absl::Status Append(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot push on type ");
  std::vector<TValue> items = Copy(call[0].items());
  const size_t capacity = CapacityAfterPush(items.size());
  items.push_back(call[1]);
  return ReturnList(call, std::move(items), capacity);
}

absl::Status Prepend(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot prepend on type ");
  std::vector<TValue> items = {call[1]};
  items.insert(items.end(), call[0].items().begin(), call[0].items().end());
  const size_t size = items.size();
  return ReturnList(call, std::move(items), std::max<size_t>(size, size == 2 ? 2 : size));
}

absl::Status First(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot find first on type ");
  const auto items = call[0].items();
  return call.Return(items.empty() ? TValue() : items.front());
}

absl::Status Last(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot find last on type ");
  const auto items = call[0].items();
  return call.Return(items.empty() ? TValue() : items.back());
}

absl::Status Rest(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot find rest on type ");
  const auto items = call[0].items();
  if (items.empty()) return call.Return(TValue::TypedNil(GoType::kAnyList));
  return ReturnList(call, Copy(items.subspan(1)), items.size() - 1);
}

absl::Status Initial(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot find initial on type ");
  const auto items = call[0].items();
  if (items.empty()) return call.Return(TValue::TypedNil(GoType::kAnyList));
  return ReturnList(call, Copy(items.first(items.size() - 1)), items.size() - 1);
}

absl::Status Reverse(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot find reverse on type ");
  std::vector<TValue> items = Copy(call[0].items());
  std::reverse(items.begin(), items.end());
  const size_t size = items.size();
  return ReturnList(call, std::move(items), size);
}

absl::Status Compact(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot compact on type ");
  std::vector<TValue> kept;
  for (const TValue& item : call[0].items()) {
    if (!IsEmpty(item)) kept.push_back(item);
  }
  const size_t capacity = TValue::GrownCapacity(kept.size());
  return ReturnList(call, std::move(kept), capacity);
}

// Whether `needle` equals one of `items`; an error where that takes too long to find out.
absl::Status In(Call& call, absl::Span<const TValue> items, const TValue& needle, bool* found) {
  *found = false;
  for (const TValue& item : items) {
    const std::optional<bool> equal = DeepEqual(needle, item, &call.budget());
    if (!equal.has_value()) return call.budget().StepsError();
    if (*equal) {
      *found = true;
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status Uniq(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot find uniq on type ");
  std::vector<TValue> kept;
  for (const TValue& item : call[0].items()) {
    bool known = false;
    if (absl::Status status = In(call, kept, item, &known); !status.ok()) return status;
    if (!known) kept.push_back(item);
  }
  const size_t capacity = TValue::GrownCapacity(kept.size());
  return ReturnList(call, std::move(kept), capacity);
}

absl::Status Without(Call& call) {
  if (!call[0].is_list()) return NoList(call[0], "Cannot find without on type ");
  const std::vector<TValue> omit = call.Rest(1);
  std::vector<TValue> kept;
  for (const TValue& item : call[0].items()) {
    bool omitted = false;
    if (absl::Status status = In(call, omit, item, &omitted); !status.ok()) return status;
    if (!omitted) kept.push_back(item);
  }
  const size_t capacity = TValue::GrownCapacity(kept.size());
  return ReturnList(call, std::move(kept), capacity);
}

absl::Status Has(Call& call) {
  if (call[1].is_nil()) return call.ReturnBool(false);
  if (!call[1].is_list()) return NoList(call[1], "Cannot find has on type ");
  bool found = false;
  if (absl::Status status = In(call, call[1].items(), call[0], &found); !status.ok()) return status;
  return call.ReturnBool(found);
}

absl::Status Slice(Call& call) {
  const TValue& list = call[0];
  if (!list.is_list()) return NoList(list, "list should be type of slice or array but ");
  const size_t size = list.items().size();
  if (size == 0) return call.Return(TValue());
  const int64_t start = call.size() > 1 ? ToInt64(call[1]) : 0;
  const int64_t end = call.size() > 2 ? ToInt64(call[2]) : static_cast<int64_t>(size);
  const size_t capacity = list.list()->capacity();
  if (start < 0 || end < start || static_cast<uint64_t>(end) > capacity) {
    return CallError("reflect.Value.Slice: slice index out of bounds");
  }
  const auto first = static_cast<size_t>(start), last = static_cast<size_t>(end);
  if (last <= size) return call.Return(TValue::Window(list, first, last));
  // Behind its end, up to its capacity, stands what the slice it was cut from has there, then zero
  // values.
  const auto reachable = list.list()->reachable();
  const TValue zero = list.type() == GoType::kStringList ? TValue::String("")
                      : list.type() == GoType::kIntList  ? TValue::Int(0)
                                                         : TValue();
  std::vector<TValue> items;
  for (size_t i = first; i < last; ++i) items.push_back(i < reachable.size() ? reachable[i] : zero);
  return ReturnList(call, std::move(items), capacity - first, list.type());
}

absl::Status Concat(Call& call) {
  std::vector<TValue> all;
  for (size_t i = 0; i < call.size(); ++i) {
    if (call[i].is_nil()) return CallError(kNilDereference);
    if (!call[i].is_list()) {
      return CallError(absl::StrCat("Cannot concat type ", GoKindName(call[i].type()), " as list"));
    }
    if (!call.budget().Charge(call[i].items().size())) return call.budget().StepsError();
    all.insert(all.end(), call[i].items().begin(), call[i].items().end());
  }
  if (all.empty()) return call.Return(TValue::TypedNil(GoType::kAnyList));
  const size_t capacity = TValue::GrownCapacity(all.size());
  return ReturnList(call, std::move(all), capacity);
}

// The arithmetic is that of floats, as sprig does it: a size of 0 or less ends in Go's panics.
absl::Status Chunk(Call& call) {
  const int64_t size = call.Int(0);
  const TValue& list = call[1];
  if (!list.is_list()) return NoList(list, "Cannot chunk type ");
  const auto items = list.items();
  const auto count = static_cast<double>(items.size());
  const int64_t chunks = Truncated(std::floor((count - 1) / static_cast<double>(size)) + 1);
  if (chunks < 0 || chunks > int64_t{1} << 47)
    return CallError("runtime error: makeslice: len out of range");
  std::vector<TValue> result;
  for (int64_t i = 0; i < chunks; ++i) {
    int64_t length = size;
    if (i == chunks - 1) {
      length = Truncated(std::floor(std::fmod(count, static_cast<double>(size))));
      if (length == 0) length = size;
    }
    if (length < 0) return CallError("runtime error: makeslice: len out of range");
    std::vector<TValue> chunk;
    for (int64_t j = 0; j < length; ++j) {
      const auto index = static_cast<uint64_t>(i * size + j);
      if (index >= items.size()) return CallError("reflect: slice index out of range");
      chunk.push_back(items[index]);
    }
    if (!call.budget().Charge(chunk.size() + 1)) return call.budget().StepsError();
    result.push_back(TValue::List(std::move(chunk)));
  }
  return ReturnList(call, std::move(result), static_cast<size_t>(chunks), GoType::kListList);
}

constexpr Function kFunctions[] = {
    {"append", "aa", 'l', Append},        {"chunk", "ia", 'L', Chunk},
    {"compact", "a", 'l', Compact},       {"concat", ".a", 'a', Concat},
    {"first", "a", 'a', First},           {"has", "aa", 'b', Has},
    {"initial", "a", 'l', Initial},       {"last", "a", 'a', Last},
    {"list", ".a", 'l', ListOf},          {"mustAppend", "aa", 'l', Append},
    {"mustChunk", "ia", 'L', Chunk},      {"mustCompact", "a", 'l', Compact},
    {"mustFirst", "a", 'a', First},       {"mustHas", "aa", 'b', Has},
    {"mustInitial", "a", 'l', Initial},   {"mustLast", "a", 'a', Last},
    {"mustPrepend", "aa", 'l', Prepend},  {"mustPush", "aa", 'l', Append},
    {"mustRest", "a", 'l', Rest},         {"mustReverse", "a", 'l', Reverse},
    {"mustSlice", "a.a", 'a', Slice},     {"mustUniq", "a", 'l', Uniq},
    {"mustWithout", "a.a", 'l', Without}, {"prepend", "aa", 'l', Prepend},
    {"push", "aa", 'l', Append},          {"rest", "a", 'l', Rest},
    {"reverse", "a", 'l', Reverse},       {"slice", "a.a", 'a', Slice},
    {"tuple", ".a", 'l', ListOf},         {"uniq", "a", 'l', Uniq},
    {"without", "a.a", 'l', Without},
};

}  // namespace

absl::Span<const Function> ListFunctions() { return kFunctions; }

}  // namespace leidang::generators::gotmpl
