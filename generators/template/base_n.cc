#include "generators/template/base_n.h"

#include <array>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace leidang::generators::gotmpl {
namespace {

constexpr absl::string_view kAlphabet64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr absl::string_view kAlphabet32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

absl::Status Corrupt(absl::string_view base, size_t at) {
  return absl::InvalidArgumentError(absl::StrCat("illegal ", base, " data at input byte ", at));
}

bool IsNewline(char c) { return c == '\n' || c == '\r'; }

// Four characters at a time; newlines between them do not count.
class Base64Reader {
 public:
  explicit Base64Reader(absl::string_view text) : text_(text) {}

  absl::StatusOr<std::string> Run() {
    while (pos_ < text_.size() && !end_) {
      if (absl::Status status = Quantum(); !status.ok()) return status;
    }
    return out_;
  }

 private:
  void SkipNewlines() {
    while (pos_ < text_.size() && IsNewline(text_[pos_])) ++pos_;
  }

  absl::Status Quantum() {
    uint32_t value = 0;
    size_t count = 0;
    while (count < 4) {
      if (pos_ == text_.size()) {
        if (count == 0) return absl::OkStatus();
        return Corrupt("base64", pos_ - count);
      }
      const char c = text_[pos_++];
      const size_t digit = kAlphabet64.find(c);
      if (digit != absl::string_view::npos) {
        value |= static_cast<uint32_t>(digit) << (18 - 6 * count);
        ++count;
      } else if (c == '=') {
        if (absl::Status status = Padding(count); !status.ok()) return status;
        break;
      } else if (!IsNewline(c)) {
        return Corrupt("base64", pos_ - 1);
      }
    }
    for (size_t i = 1; i < count; ++i)
      out_.push_back(static_cast<char>(value >> (24 - 8 * i) & 0xff));
    return absl::OkStatus();
  }

  absl::Status Padding(size_t count) {
    if (count < 2) return Corrupt("base64", pos_ - 1);
    if (count == 2) {
      SkipNewlines();
      if (pos_ == text_.size()) return Corrupt("base64", text_.size());
      if (text_[pos_] != '=') return Corrupt("base64", pos_ - 1);
      ++pos_;
    }
    SkipNewlines();
    if (pos_ < text_.size()) return Corrupt("base64", pos_);
    end_ = true;
    return absl::OkStatus();
  }

  const absl::string_view text_;
  size_t pos_ = 0;
  bool end_ = false;
  std::string out_;
};

// Eight characters at a time, newlines removed before.
class Base32Reader {
 public:
  explicit Base32Reader(const std::string& text) : text_(text) {}

  absl::StatusOr<std::string> Run() {
    while (pos_ < text_.size() && !end_) {
      if (absl::Status status = Quantum(); !status.ok()) return status;
    }
    return out_;
  }

 private:
  absl::Status Quantum() {
    uint64_t value = 0;
    size_t count = 0;
    while (count < 8) {
      if (pos_ == text_.size()) return Corrupt("base32", pos_ - count);
      const char c = text_[pos_++];
      if (c == '=' && count >= 2 && text_.size() - pos_ < 8) {
        if (absl::Status status = Padding(count); !status.ok()) return status;
        break;
      }
      const size_t digit = kAlphabet32.find(c);
      if (digit == absl::string_view::npos) return Corrupt("base32", pos_ - 1);
      value |= static_cast<uint64_t>(digit) << (35 - 5 * count);
      ++count;
    }
    for (size_t i = 0; i < count * 5 / 8; ++i)
      out_.push_back(static_cast<char>(value >> (32 - 8 * i) & 0xff));
    return absl::OkStatus();
  }

  absl::Status Padding(size_t count) {
    const size_t left = text_.size() - pos_;
    if (left + count < 7) return Corrupt("base32", text_.size());
    for (size_t k = 0; k < 7 - count; ++k) {
      if (left > k && text_[pos_ + k] != '=') return Corrupt("base32", pos_ + k - 1);
    }
    end_ = true;
    if (count == 1 || count == 3 || count == 6) return Corrupt("base32", pos_ - 1);
    return absl::OkStatus();
  }

  const std::string& text_;
  size_t pos_ = 0;
  bool end_ = false;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> DecodeBase64(absl::string_view text) {
  return Base64Reader(text).Run();
}

std::string EncodeBase32(absl::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const absl::string_view part = bytes.substr(0, 5);
    uint64_t value = 0;
    for (size_t i = 0; i < 5; ++i) {
      value = value << 8 | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0u);
    }
    const size_t digits = (part.size() * 8 + 4) / 5;
    for (size_t i = 0; i < 8; ++i) {
      out.push_back(i < digits ? kAlphabet32[value >> (35 - 5 * i) & 31] : '=');
    }
    bytes.remove_prefix(part.size());
  }
  return out;
}

absl::StatusOr<std::string> DecodeBase32(absl::string_view text) {
  std::string stripped;
  for (const char c : text) {
    if (!IsNewline(c)) stripped.push_back(c);
  }
  return Base32Reader(stripped).Run();
}

}  // namespace leidang::generators::gotmpl
