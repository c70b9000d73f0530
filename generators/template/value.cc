#include "generators/template/value.h"

#include <algorithm>
#include <new>

namespace leidang::generators {
namespace {

struct TypeNames {
  absl::string_view type;
  absl::string_view kind;
};

// In the order of GoType.
constexpr TypeNames kNames[] = {
    {"<nil>", "invalid"},
    {"bool", "bool"},
    {"int", "int"},
    {"int64", "int64"},
    {"uint8", "uint8"},
    {"uint32", "uint32"},
    {"uint64", "uint64"},
    {"float64", "float64"},
    {"time.Duration", "int64"},
    {"time.Month", "int"},
    {"time.Weekday", "int"},
    {"string", "string"},
    {"complex128", "complex128"},
    {"[]interface {}", "slice"},
    {"[]string", "slice"},
    {"[]int", "slice"},
    {"[]uint8", "slice"},
    {"[][]interface {}", "slice"},
    {"[]map[string]interface {}", "slice"},
    {"map[string]interface {}", "map"},
    {"map[string]string", "map"},
    {"time.Time", "struct"},
    {"*time.Location", "ptr"},
    {"*semver.Version", "ptr"},
    {"semver.Version", "struct"},
    {"sprig.certificate", "struct"},
    {"v1.JSON", "struct"},
    {"interface {}", "interface"},
    {"reflect.Value", "struct"},
};

bool KeyLess(const TMap::Entry& entry, absl::string_view key) { return entry.key.text() < key; }

// Entries are compared bit by bit while they are few: short keys need no call.
constexpr size_t kScanMax = 16;

const TValue* FindIn(const std::vector<TMap::Entry>& entries, absl::string_view key) {
  auto it = std::lower_bound(entries.begin(), entries.end(), key, KeyLess);
  if (it == entries.end() || it->key.text() != key) return nullptr;
  return &it->value;
}

}  // namespace

absl::string_view GoTypeName(GoType type) { return kNames[static_cast<size_t>(type)].type; }
absl::string_view GoKindName(GoType type) { return kNames[static_cast<size_t>(type)].kind; }

namespace internal {

// Deep trees are freed with a list of what is left instead of recursion.
void Release(Payload* payload) {
  if (payload == nullptr || payload->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  std::vector<Payload*> dead = {payload};
  const auto drop = [&dead](Payload* p) {
    if (p != nullptr && p->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) dead.push_back(p);
  };
  while (!dead.empty()) {
    Payload* p = dead.back();
    dead.pop_back();
    switch (p->kind) {
      case PayloadKind::kText:
        static_cast<Text*>(p)->~Text();
        ::operator delete(p);
        break;
      case PayloadKind::kList: {
        auto* list = static_cast<TList*>(p);
        for (TValue& item : list->own_) drop(item.TakePayload());
        drop(std::exchange(list->base_, nullptr));
        delete list;
        break;
      }
      case PayloadKind::kMap: {
        auto* map = static_cast<TMap*>(p);
        for (TMap::Entry& entry : map->own_) {
          drop(entry.key.TakePayload());
          drop(entry.value.TakePayload());
        }
        for (TMap* layer : map->layers_) drop(layer);
        map->layers_.clear();
        delete map;
        break;
      }
      case PayloadKind::kBox:
        delete static_cast<Box*>(p);
        break;
    }
  }
}

}  // namespace internal

internal::Payload* TValue::TakePayload() {
  internal::Payload* payload = is_shared() ? u_.payload : nullptr;
  Clear();
  return payload;
}

TValue TValue::String(absl::string_view text) {
  TValue v;
  if (text.size() <= kInlineTextMax) {
    if (!text.empty()) std::memcpy(v.u_.raw, text.data(), text.size());
    v.u_.raw[14] = static_cast<char>(text.size());
  } else {
    void* memory = ::operator new(sizeof(internal::Text) + text.size());
    auto* t = new (memory) internal::Text(text.size());
    std::memcpy(t->data(), text.data(), text.size());
    v.u_.payload = t;
    v.u_.raw[14] = kHeapText;
  }
  v.u_.raw[15] = static_cast<char>(GoType::kString);
  return v;
}

TValue TValue::List(std::vector<TValue> items, GoType type) {
  return TValue(type, new TList(std::move(items)));
}

TValue TValue::StringList(const std::vector<std::string>& items) {
  std::vector<TValue> values;
  values.reserve(items.size());
  for (const std::string& item : items) values.push_back(String(item));
  return List(std::move(values), GoType::kStringList);
}

size_t TValue::GrownCapacity(size_t size) {
  size_t capacity = size == 0 ? 0 : 1;
  while (capacity < size) capacity *= 2;
  // Beyond this Go grows by less; nobody slices lists of that length behind their end.
  return capacity <= 512 ? capacity : size;
}

TValue TValue::Window(const TValue& list, size_t first, size_t last) {
  auto* window = new TList(list.mutable_list(), first, last - first);
  window->set_capacity(list.list()->capacity() - first);
  return TValue(list.type(), window);
}

TValue TValue::Map(GoType type) { return TValue(type, new TMap()); }

TValue TValue::Layered(absl::Span<const TValue> layers) {
  TValue v = Map();
  v.mutable_map()->layers_.reserve(layers.size());
  for (const TValue& layer : layers) {
    if (layer.is_map() && layer.map() != nullptr) v.mutable_map()->AddLayer(layer.map());
  }
  return v;
}

const TValue* TValue::Find(absl::string_view key) const {
  return is_map() && map() != nullptr ? map()->Find(key) : nullptr;
}

TValue TValue::MutableCopy() const {
  if (is_list() && list() != nullptr) {
    std::vector<TValue> copies;
    copies.reserve(list()->size());
    for (const TValue& item : items()) copies.push_back(item.MutableCopy());
    return List(std::move(copies), type());
  }
  if (is_map() && map() != nullptr) {
    TValue copy = Map(type());
    TMap* target = copy.mutable_map();
    target->private_ = true;
    const std::vector<const TMap::Entry*> entries = map()->Sorted();
    target->own_.reserve(entries.size());
    for (const TMap::Entry* entry : entries) {
      target->own_.push_back({entry->key, entry->value.MutableCopy()});
    }
    return copy;
  }
  return *this;
}

TList::TList(TList* base, size_t offset, size_t size) : Payload(internal::PayloadKind::kList) {
  offset_ = base->offset_ + offset;
  size_ = size;
  base_ = base->base_ != nullptr ? base->base_ : base;
  internal::AddRef(base_);
}

TList::~TList() {
  if (base_ != nullptr) internal::Release(base_);
}

TMap::~TMap() {
  for (TMap* layer : layers_) internal::Release(layer);
}

const TValue* TMap::Find(const TValue& key) const {
  if (own_.size() <= kScanMax) {
    const bool is_inline = key.text().size() <= TValue::kInlineTextMax;
    for (const Entry& entry : own_) {
      if (entry.key.SameBits(key) || (!is_inline && entry.key.text() == key.text()))
        return &entry.value;
    }
  } else if (const TValue* found = FindIn(own_, key.text()); found != nullptr) {
    return found;
  }
  for (const TMap* layer : layers_) {
    if (const TValue* found = layer->Find(key); found != nullptr) return found;
  }
  return nullptr;
}

const TValue* TMap::Find(absl::string_view key) const {
  if (const TValue* found = FindIn(own_, key); found != nullptr) return found;
  for (const TMap* layer : layers_) {
    if (const TValue* found = layer->Find(key); found != nullptr) return found;
  }
  return nullptr;
}

size_t TMap::size() const { return layers_.empty() ? own_.size() : Sorted().size(); }

std::vector<const TMap::Entry*> TMap::Sorted() const {
  std::vector<const Entry*> all;
  all.reserve(own_.size());
  for (const Entry& entry : own_) all.push_back(&entry);
  if (layers_.empty()) return all;
  for (const TMap* layer : layers_) {
    std::vector<const Entry*> lower = layer->Sorted();
    std::vector<const Entry*> merged;
    merged.reserve(all.size() + lower.size());
    // std::set_union takes equal keys from the first range, which is the upper layer.
    std::set_union(all.begin(), all.end(), lower.begin(), lower.end(), std::back_inserter(merged),
                   [](const Entry* a, const Entry* b) { return a->key.text() < b->key.text(); });
    all = std::move(merged);
  }
  return all;
}

void TMap::Set(TValue key, TValue value) {
  // Keys mostly arrive in order.
  if (own_.empty() || own_.back().key.text() < key.text()) {
    own_.push_back({std::move(key), std::move(value)});
    return;
  }
  auto it = std::lower_bound(own_.begin(), own_.end(), key.text(), KeyLess);
  if (it->key.text() == key.text()) {
    it->value = std::move(value);
  } else {
    own_.insert(it, {std::move(key), std::move(value)});
  }
}

void TMap::Erase(absl::string_view key) {
  if (!layers_.empty()) Flatten();
  auto it = std::lower_bound(own_.begin(), own_.end(), key, KeyLess);
  if (it != own_.end() && it->key.text() == key) own_.erase(it);
}

void TMap::AddLayer(const TMap* layer) {
  auto* shared = const_cast<TMap*>(layer);
  internal::AddRef(shared);
  layers_.push_back(shared);
}

void TMap::Flatten() {
  std::vector<Entry> flat;
  for (const Entry* entry : Sorted()) flat.push_back(*entry);
  own_ = std::move(flat);
  for (TMap* layer : layers_) internal::Release(layer);
  layers_.clear();
}

}  // namespace leidang::generators
