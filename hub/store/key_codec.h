#pragma once

// Keys whose byte order is the order of their parts (docs/formats/store.md): strings with 00 as
// 00 FF and 00 01 at the end, integers in 8 bytes big-endian, ids as their raw bytes. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

#include "common/base/strong_id.h"

namespace leidang::hub {

class KeyWriter {
 public:
  KeyWriter& Byte(uint8_t value);
  KeyWriter& U64(uint64_t value);
  KeyWriter& String(absl::string_view value);
  // Of a fixed length known from the position.
  KeyWriter& Raw(absl::string_view bytes);
  template <typename Tag>
  KeyWriter& Id(const Id128<Tag>& id) {
    const auto& bytes = id.bytes();
    return Raw(absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

  std::string Take() { return std::move(key_); }

 private:
  std::string key_;
};

// Reads the parts back. A part that is not there makes it fail, and it stays failed.
class KeyReader {
 public:
  // `key` must outlive the reader.
  explicit KeyReader(absl::string_view key) : rest_(key) {}

  uint8_t Byte();
  uint64_t U64();
  std::string String();
  std::string Raw(size_t size);
  template <typename Id>
  Id ReadId() {
    return Id::FromRaw(Raw(16)).value_or(Id());
  }

  // Everything was there and nothing is left over.
  bool Done() const { return !failed_ && rest_.empty(); }
  bool failed() const { return failed_; }

 private:
  bool Need(size_t size);

  absl::string_view rest_;
  bool failed_ = false;
};

// The least key above all that begin with `prefix`; empty where there is none (only FF bytes).
std::string PrefixEnd(absl::string_view prefix);

}  // namespace leidang::hub
