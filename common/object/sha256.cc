#include "common/object/sha256.h"

#include "absl/strings/escaping.h"
#include <openssl/evp.h>

#include "common/base/check.h"

namespace leidang::object {
namespace {

std::optional<Sha256> FromBytes(absl::string_view raw) {
  if (raw.size() != 32) return std::nullopt;
  Sha256 out;
  for (size_t i = 0; i < 32; ++i) out.bytes[i] = static_cast<uint8_t>(raw[i]);
  return out;
}

bool IsLowerHex(absl::string_view text) {
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

}  // namespace

struct Sha256Stream::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Impl() { EVP_MD_CTX_free(context); }
};

Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) {
  CHECK(EVP_DigestInit_ex(impl_->context, EVP_sha256(), nullptr) == 1);
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Add(absl::string_view data) {
  CHECK(EVP_DigestUpdate(impl_->context, data.data(), data.size()) == 1);
}

Sha256 Sha256Stream::Finish() {
  Sha256 out;
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(impl_->context, out.bytes.data(), &size) == 1 && size == 32);
  return out;
}

Sha256 Sha256::Of(absl::string_view data) {
  Sha256 out;
  unsigned int size = 0;
  CHECK(EVP_Digest(data.data(), data.size(), out.bytes.data(), &size, EVP_sha256(), nullptr) == 1);
  return out;
}

std::optional<Sha256> Sha256::FromHex(absl::string_view hex) {
  if (hex.size() != 64 || !IsLowerHex(hex)) return std::nullopt;
  return FromBytes(absl::HexStringToBytes(hex));
}

std::optional<Sha256> Sha256::FromRaw(absl::string_view raw) { return FromBytes(raw); }

std::string Sha256::Hex() const { return absl::BytesToHexString(Raw()); }

std::string Sha256::Raw() const {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace leidang::object
