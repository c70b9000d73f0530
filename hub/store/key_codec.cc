#include "hub/store/key_codec.h"

namespace leidang::hub {
namespace {

constexpr char kEscape = '\x00';
constexpr char kEscapedZero = '\xff';
constexpr char kEnd = '\x01';

}  // namespace

KeyWriter& KeyWriter::Byte(uint8_t value) {
  key_.push_back(static_cast<char>(value));
  return *this;
}

KeyWriter& KeyWriter::U64(uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) key_.push_back(static_cast<char>(value >> shift));
  return *this;
}

KeyWriter& KeyWriter::String(absl::string_view value) {
  for (const char c : value) {
    key_.push_back(c);
    if (c == kEscape) key_.push_back(kEscapedZero);
  }
  key_.push_back(kEscape);
  key_.push_back(kEnd);
  return *this;
}

KeyWriter& KeyWriter::Raw(absl::string_view bytes) {
  key_.append(bytes.data(), bytes.size());
  return *this;
}

bool KeyReader::Need(size_t size) {
  if (failed_ || rest_.size() < size) failed_ = true;
  return !failed_;
}

uint8_t KeyReader::Byte() {
  if (!Need(1)) return 0;
  const auto value = static_cast<uint8_t>(rest_[0]);
  rest_.remove_prefix(1);
  return value;
}

uint64_t KeyReader::U64() {
  if (!Need(8)) return 0;
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value = (value << 8) | static_cast<uint8_t>(rest_[i]);
  rest_.remove_prefix(8);
  return value;
}

std::string KeyReader::String() {
  std::string value;
  while (Need(1)) {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    if (c != kEscape) {
      value.push_back(c);
      continue;
    }
    if (!Need(1)) break;
    const char next = rest_[0];
    rest_.remove_prefix(1);
    if (next == kEnd) return value;
    if (next != kEscapedZero) {
      failed_ = true;
      break;
    }
    value.push_back(kEscape);
  }
  return "";
}

std::string KeyReader::Raw(size_t size) {
  if (!Need(size)) return "";
  std::string bytes(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return bytes;
}

std::string PrefixEnd(absl::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

}  // namespace leidang::hub
