#include "common/proof/sum256.h"

namespace leidang::proof {
namespace {

using Words = std::array<uint64_t, 4>;

Words FromBigEndian(const uint8_t* bytes) {
  Words words{};
  for (size_t i = 0; i < 32; ++i) {
    uint64_t& word = words[3 - i / 8];
    word = (word << 8) | bytes[i];
  }
  return words;
}

}  // namespace

std::optional<Sum256> Sum256::FromRaw(absl::string_view raw) {
  if (raw.size() != 32) return std::nullopt;
  Sum256 sum;
  sum.words_ = FromBigEndian(reinterpret_cast<const uint8_t*>(raw.data()));
  return sum;
}

std::string Sum256::Raw() const {
  std::string raw;
  raw.reserve(32);
  for (size_t word = 4; word-- > 0;) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      raw.push_back(static_cast<char>(words_[word] >> shift));
    }
  }
  return raw;
}

void Sum256::Add(const object::Sha256& element) {
  const Words other = FromBigEndian(element.bytes.data());
  uint64_t carry = 0;
  for (size_t i = 0; i < 4; ++i) {
    const uint64_t partial = words_[i] + other[i];
    const uint64_t carry_out = partial < other[i] ? 1 : 0;
    words_[i] = partial + carry;
    carry = carry_out | (words_[i] < carry ? 1 : 0);
  }
}

void Sum256::Subtract(const object::Sha256& element) {
  const Words other = FromBigEndian(element.bytes.data());
  uint64_t borrow = 0;
  for (size_t i = 0; i < 4; ++i) {
    const uint64_t partial = words_[i] - other[i];
    const uint64_t borrow_out = words_[i] < other[i] ? 1 : 0;
    words_[i] = partial - borrow;
    borrow = borrow_out | (partial < borrow ? 1 : 0);
  }
}

}  // namespace leidang::proof
