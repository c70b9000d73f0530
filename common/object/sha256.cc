#include "common/object/sha256.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include <openssl/evp.h>

#include "common/base/check.h"

namespace leidang::object {
namespace {

// OpenSSL looks it up by its name at each use, unless it was fetched.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Sha256Stream::Impl {
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

Sha256Stream::Sha256Stream() : impl_(std::make_unique<Impl>()) {
  CHECK(impl_->context != nullptr);
  CHECK(EVP_DigestInit_ex(impl_->context.get(), Algorithm(), nullptr) == 1);
}

Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;

void Sha256Stream::Add(absl::string_view data) {
  CHECK(impl_ != nullptr);
  CHECK(EVP_DigestUpdate(impl_->context.get(), data.data(), data.size()) == 1);
}

Sha256 Sha256Stream::Finish() {
  CHECK(impl_ != nullptr);
  Sha256 result;
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(impl_->context.get(), result.bytes.data(), &size) == 1);
  CHECK(size == result.bytes.size());
  impl_ = nullptr;
  return result;
}

Sha256 Sha256::Of(absl::string_view data) {
  Sha256Stream stream;
  stream.Add(data);
  return stream.Finish();
}

std::optional<Sha256> Sha256::FromHex(absl::string_view hex) {
  if (hex.size() != 64) return std::nullopt;
  for (const char c : hex) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
  }
  return FromRaw(absl::HexStringToBytes(hex));
}

std::optional<Sha256> Sha256::FromRaw(absl::string_view raw) {
  Sha256 result;
  if (raw.size() != result.bytes.size()) return std::nullopt;
  std::transform(raw.begin(), raw.end(), result.bytes.begin(),
                 [](char c) { return static_cast<uint8_t>(c); });
  return result;
}

std::string Sha256::Hex() const { return absl::BytesToHexString(Raw()); }

std::string Sha256::Raw() const {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace leidang::object
