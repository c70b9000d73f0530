#pragma once

// TValue: a value as a Go template sees it, with its Go type where that shows.
//
// Templates print, compare and refuse values by their Go type: a JSON number is a float64,
// `path.segments` is a
// []string, `metadata.labels` is a map[string]string, `add` returns an int64. A TValue is 16 bytes;
// text of up to 14 bytes lives inside, everything larger is shared and reference counted, so that a
// copy costs at most one increment. Maps keep their keys sorted by bytes, which is the order in
// which Go templates walk them.
//
// Maps are reference types as in Go: `set` changes the map that every holder sees. Nothing may be
// changed while another thread can reach it; MutableCopy() gives a tree of one's own.
//
// Thread rule: thread-compatible; values that nobody changes may be read and copied by any number
// of threads.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace leidang::generators {

// The Go types that a template can meet.
enum class GoType : uint8_t {
  kNil,
  kBool,
  kInt,
  kInt64,
  kUint8,
  kUint32,
  kUint64,
  kFloat64,
  kDuration,
  kMonth,
  kWeekday,
  kString,
  // Types with a shared payload from here on.
  kComplex128,
  kAnyList,     // []interface {}
  kStringList,  // []string
  kIntList,     // []int
  kByteList,    // []uint8
  kListList,    // [][]interface {}
  kMapList,     // []map[string]interface {}
  kAnyMap,      // map[string]interface {}
  kStringMap,   // map[string]string
  kTime,
  kLocation,    // *time.Location
  kVersionPtr,  // *semver.Version
  kVersion,     // semver.Version
  kCertificate,
  kRawJson,  // v1.JSON of Kubernetes: the bytes of some JSON
  // Types of parameters and results only, never of a value.
  kInterface,
  kReflectValue,
};

// As reflect.Type prints it: "map[string]interface {}".
absl::string_view GoTypeName(GoType type);
// As reflect.Kind prints it: "map".
absl::string_view GoKindName(GoType type);

namespace internal {

enum class PayloadKind : uint8_t { kText, kList, kMap, kBox };

// Base of what values share. Freed when the last value lets go.
struct Payload {
  explicit Payload(PayloadKind k) : kind(k) {}
  std::atomic<uint32_t> refs{1};
  const PayloadKind kind;
};

struct Text : Payload {
  explicit Text(size_t n) : Payload(PayloadKind::kText), size(n) {}
  const size_t size;
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }
};

// Payload of the types that only functions of the template language make (times, versions, …).
struct Box : Payload {
  Box() : Payload(PayloadKind::kBox) {}
  virtual ~Box() = default;
};

void Release(Payload* payload);

inline void AddRef(Payload* payload) {
  if (payload != nullptr) payload->refs.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace internal

class TList;
class TMap;

class TValue {
 public:
  static constexpr size_t kInlineTextMax = 14;

  TValue() { Clear(); }
  TValue(const TValue& other) {
    std::memcpy(&u_, &other.u_, sizeof u_);
    if (is_shared()) internal::AddRef(u_.payload);
  }
  TValue(TValue&& other) noexcept {
    std::memcpy(&u_, &other.u_, sizeof u_);
    other.Clear();
  }
  TValue& operator=(const TValue& other) {
    if (this != &other) {
      TValue copy(other);
      swap(copy);
    }
    return *this;
  }
  TValue& operator=(TValue&& other) noexcept {
    if (this != &other) {
      if (is_shared()) internal::Release(u_.payload);
      std::memcpy(&u_, &other.u_, sizeof u_);
      other.Clear();
    }
    return *this;
  }
  ~TValue() {
    if (is_shared()) internal::Release(u_.payload);
  }
  void swap(TValue& other) noexcept { std::swap(u_, other.u_); }

  static TValue Nil() { return TValue(); }
  static TValue Bool(bool b) { return TValue(GoType::kBool, static_cast<int64_t>(b)); }
  static TValue Int(int64_t i) { return TValue(GoType::kInt, i); }
  static TValue Int64(int64_t i) { return TValue(GoType::kInt64, i); }
  static TValue Uint8(uint8_t i) { return TValue(GoType::kUint8, i); }
  static TValue Uint64(uint64_t i) { return TValue(GoType::kUint64, static_cast<int64_t>(i)); }
  static TValue Integer(GoType type, int64_t i) { return TValue(type, i); }
  static TValue Float(double d) {
    TValue v(GoType::kFloat64, int64_t{0});
    v.u_.d = d;
    return v;
  }
  static TValue String(absl::string_view text);
  // A nil slice or map of that type.
  static TValue TypedNil(GoType type) { return TValue(type, int64_t{0}); }
  static TValue List(std::vector<TValue> items, GoType type = GoType::kAnyList);
  static TValue StringList(const std::vector<std::string>& items);
  // The capacity that a Go slice has after `size` single appends.
  static size_t GrownCapacity(size_t size);
  // The elements [first, last) of `list`, which they stay elements of. REQUIRES: within its size.
  static TValue Window(const TValue& list, size_t first, size_t last);
  // An empty map; fill it through mutable_map() before it is shared.
  static TValue Map(GoType type = GoType::kAnyMap);
  // One map over several, the first layer with a key wins; the layers are shared, not copied.
  // REQUIRES: each is a map or nil.
  static TValue Layered(absl::Span<const TValue> layers);
  // Takes over the reference of `box`.
  static TValue Boxed(GoType type, internal::Box* box) { return TValue(type, box); }

  GoType type() const { return static_cast<GoType>(u_.raw[15]); }
  bool is_nil() const { return type() == GoType::kNil; }
  bool is_string() const { return type() == GoType::kString; }
  bool is_map() const { return type() == GoType::kAnyMap || type() == GoType::kStringMap; }
  bool is_list() const { return type() >= GoType::kAnyList && type() <= GoType::kMapList; }

  bool as_bool() const { return u_.i != 0; }
  // Of every integer type, sign as stored.
  int64_t as_int() const { return u_.i; }
  uint64_t as_uint() const { return static_cast<uint64_t>(u_.i); }
  double as_float() const { return u_.d; }
  // REQUIRES: is_string(). Valid as long as this value is neither changed nor destroyed.
  absl::string_view text() const {
    if (ABSL_PREDICT_TRUE(u_.raw[14] != kHeapText)) {
      return absl::string_view(u_.raw, static_cast<unsigned char>(u_.raw[14]));
    }
    const auto* t = static_cast<const internal::Text*>(u_.payload);
    return absl::string_view(t->data(), t->size);
  }
  // nullptr for a nil slice. REQUIRES: is_list().
  const TList* list() const;
  TList* mutable_list() const;
  // nullptr for a nil map. REQUIRES: is_map().
  const TMap* map() const;
  TMap* mutable_map() const;
  // The elements, empty for nil. REQUIRES: is_list().
  absl::Span<const TValue> items() const;
  // REQUIRES: a type with a Box.
  const internal::Box* box() const { return static_cast<const internal::Box*>(u_.payload); }

  // The value of a key of a map, or nullptr: also where this is no map.
  const TValue* Find(absl::string_view key) const;

  // A tree that shares no map and no list with any other, so that a template may change it.
  TValue MutableCopy() const;

  // Same bytes: quick equality of short texts and numbers; shared payloads by identity.
  bool SameBits(const TValue& other) const {
    return std::memcmp(u_.raw, other.u_.raw, sizeof u_.raw) == 0;
  }

 private:
  static constexpr char kHeapText = static_cast<char>(0xff);

  TValue(GoType type, int64_t i) {
    Clear();
    u_.i = i;
    u_.raw[15] = static_cast<char>(type);
  }
  TValue(GoType type, internal::Payload* payload) {
    Clear();
    u_.payload = payload;
    u_.raw[15] = static_cast<char>(type);
  }
  void Clear() { std::memset(&u_, 0, sizeof u_); }
  bool is_shared() const {
    return type() > GoType::kString || (type() == GoType::kString && u_.raw[14] == kHeapText);
  }
  friend void internal::Release(internal::Payload* payload);
  internal::Payload* TakePayload();

  union {
    int64_t i;
    double d;
    internal::Payload* payload;
    char raw[16];  // [14] length of inline text or kHeapText, [15] type.
  } u_;
};

// A Go slice: elements of its own, or a window on another slice's.
class TList : public internal::Payload {
 public:
  explicit TList(std::vector<TValue> items)
      : Payload(internal::PayloadKind::kList), own_(std::move(items)), size_(own_.size()) {}
  // REQUIRES: offset + size <= base.size().
  TList(TList* base, size_t offset, size_t size);
  ~TList();

  size_t size() const { return size_; }
  // As Go's cap: `slice` may reach up to there, behind the last element.
  size_t capacity() const { return capacity_ > size_ ? capacity_ : size_; }
  void set_capacity(size_t capacity) { capacity_ = capacity; }
  absl::Span<const TValue> items() const { return {data(), size_}; }
  // The elements, and what the slice that this is a window on has behind them.
  absl::Span<const TValue> reachable() const {
    const std::vector<TValue>& all = base_ != nullptr ? base_->own_ : own_;
    return {data(), all.size() - offset_};
  }
  // What every holder of this slice sees changes.
  absl::Span<TValue> mutable_items() { return {const_cast<TValue*>(data()), size_}; }

 private:
  friend void internal::Release(internal::Payload* payload);
  const TValue* data() const {
    return (base_ != nullptr ? base_->own_.data() : own_.data()) + offset_;
  }

  std::vector<TValue> own_;
  TList* base_ = nullptr;  // Never a window itself.
  size_t offset_ = 0;
  size_t size_;
  size_t capacity_ = 0;
};

// A Go map with text keys, sorted by key. May lie over other maps (layers), whose entries show
// where it has none.
class TMap : public internal::Payload {
 public:
  struct Entry {
    TValue key;
    TValue value;
  };

  TMap() : Payload(internal::PayloadKind::kMap) {}
  ~TMap();

  // nullptr where the key is absent. REQUIRES: key.is_string().
  const TValue* Find(const TValue& key) const;
  const TValue* Find(absl::string_view key) const;
  size_t size() const;
  bool empty() const { return own_.empty() && (layers_.empty() || size() == 0); }
  // All entries in order of keys. Valid until the map changes.
  std::vector<const Entry*> Sorted() const;

  void Set(TValue key, TValue value);
  void Set(absl::string_view key, TValue value) { Set(TValue::String(key), std::move(value)); }
  void Erase(absl::string_view key);
  void Reserve(size_t entries) { own_.reserve(entries); }
  // Adds a layer below all present ones.
  void AddLayer(const TMap* layer);

  // Whether a template may change what hangs below this map (TValue::MutableCopy made it).
  bool is_private() const { return private_; }

 private:
  friend class TValue;
  friend void internal::Release(internal::Payload* payload);
  void Flatten();

  std::vector<Entry> own_;
  std::vector<TMap*> layers_;
  bool private_ = false;
};

inline const TList* TValue::list() const { return static_cast<const TList*>(u_.payload); }
inline TList* TValue::mutable_list() const { return static_cast<TList*>(u_.payload); }
inline const TMap* TValue::map() const { return static_cast<const TMap*>(u_.payload); }
inline TMap* TValue::mutable_map() const { return static_cast<TMap*>(u_.payload); }
inline absl::Span<const TValue> TValue::items() const {
  return u_.payload == nullptr ? absl::Span<const TValue>() : list()->items();
}

}  // namespace leidang::generators
