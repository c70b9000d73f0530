#include "hub/auth/sealed_box.h"

#include <cstdint>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "common/base/status_macros.h"
#include "hub/auth/openssl_pointers.h"

namespace leidang::hub {
namespace {

// The last byte is the version.
constexpr absl::string_view kMagic("leidang.sealed\x01", 15);
constexpr size_t kSaltBytes = 16;
constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kKeyBytes = 32;
constexpr uint64_t kScryptN = 1 << 15;
constexpr uint64_t kScryptR = 8;
constexpr uint64_t kScryptP = 1;
constexpr uint64_t kScryptMemoryMax = 64 << 20;

using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, OpensslFree<EVP_CIPHER_CTX_free>>;

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

absl::StatusOr<std::string> KeyOf(absl::string_view passphrase, absl::string_view salt) {
  std::string key(kKeyBytes, '\0');
  if (EVP_PBE_scrypt(passphrase.data(), passphrase.size(), Bytes(salt), salt.size(), kScryptN,
                     kScryptR, kScryptP, kScryptMemoryMax, Bytes(key), key.size()) != 1) {
    return OpensslError(absl::StatusCode::kInternal, "cannot make a key of the passphrase");
  }
  return key;
}

}  // namespace

absl::StatusOr<std::string> SealBox(absl::string_view passphrase, absl::string_view content,
                                    Random& random) {
  if (passphrase.size() < kPassphraseMin) {
    return absl::InvalidArgumentError(absl::StrCat("the passphrase has ", passphrase.size(),
                                                   " bytes: at least ", kPassphraseMin,
                                                   " are needed"));
  }
  const std::string salt = random.Bytes(kSaltBytes);
  const std::string nonce = random.Bytes(kNonceBytes);
  ASSIGN_OR_RETURN(std::string key, KeyOf(passphrase, salt));
  const std::string head = absl::StrCat(kMagic, salt, nonce);
  std::string sealed(content.size(), '\0');
  std::string tag(kTagBytes, '\0');
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  int rest = 0;
  const bool done =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key),
                         Bytes(absl::string_view(nonce))) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, Bytes(absl::string_view(head)),
                        static_cast<int>(head.size())) == 1 &&
      EVP_EncryptUpdate(cipher.get(), Bytes(sealed), &size, Bytes(content),
                        static_cast<int>(content.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), Bytes(sealed) + size, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  if (!done) return OpensslError(absl::StatusCode::kInternal, "cannot encrypt");
  return absl::StrCat(head, sealed, tag);
}

absl::StatusOr<std::string> OpenBox(absl::string_view passphrase, absl::string_view box) {
  constexpr size_t kHead = kMagic.size() + kSaltBytes + kNonceBytes;
  if (box.size() < kHead + kTagBytes || !absl::StartsWith(box, kMagic.substr(0, 14))) {
    return absl::InvalidArgumentError(
        "this is no sealed file of leidang-hub, or it was cut off: give the file that `leidang-hub "
        "identity export` wrote");
  }
  if (box[kMagic.size() - 1] != kMagic.back()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the sealed file has version ", static_cast<int>(box[kMagic.size() - 1]),
                     ", this program reads version 1: run a newer leidang-hub"));
  }
  const absl::string_view head = box.substr(0, kHead);
  const absl::string_view nonce = box.substr(kMagic.size() + kSaltBytes, kNonceBytes);
  const absl::string_view sealed = box.substr(kHead, box.size() - kHead - kTagBytes);
  std::string tag(box.substr(box.size() - kTagBytes));
  ASSIGN_OR_RETURN(std::string key, KeyOf(passphrase, box.substr(kMagic.size(), kSaltBytes)));
  std::string content(sealed.size(), '\0');
  const CipherPtr cipher(EVP_CIPHER_CTX_new());
  int size = 0;
  int rest = 0;
  const bool opened =
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, Bytes(key), Bytes(nonce)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, Bytes(head), static_cast<int>(kHead)) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Bytes(content), &size, Bytes(sealed),
                        static_cast<int>(sealed.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Bytes(content) + size, &rest) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  ERR_clear_error();
  if (!opened) {
    return absl::UnauthenticatedError("the passphrase is wrong, or the file was altered");
  }
  return content;
}

}  // namespace leidang::hub
