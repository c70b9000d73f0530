#include "generators/template/random_stream.h"

#include "absl/strings/str_cat.h"

#include "common/object/sha256.h"

namespace leidang::generators::gotmpl {

RandomStream::RandomStream(RenderContext* context)
    : prefix_(absl::StrCat(context->seed, ":", context->numbers_drawn++, ":")) {}

uint8_t RandomStream::Byte() {
  if (used_ == bytes_.size()) {
    bytes_ = object::Sha256::Of(absl::StrCat(prefix_, block_++)).Raw();
    used_ = 0;
  }
  return static_cast<uint8_t>(bytes_[used_++]);
}

uint64_t RandomStream::Next() {
  uint64_t n = 0;
  for (int i = 0; i < 8; ++i) n = n << 8 | Byte();
  return n;
}

uint64_t RandomStream::Below(uint64_t bound) {
  // What lies above the last whole multiple of `bound` would favour small numbers.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t n = Next();
  while (n >= limit) n = Next();
  return n % bound;
}

std::string RandomStream::Bytes(size_t count) {
  std::string out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) out.push_back(static_cast<char>(Byte()));
  return out;
}

}  // namespace leidang::generators::gotmpl
