#pragma once

// Private keys and certificates as sprig's key-making functions produce them, from seeded
// randomness: the same seed gives the same key. Pure; thread-safe but for the stream that is passed
// in.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "generators/template/random_stream.h"

namespace leidang::generators::gotmpl {

class PrivateKey {
 public:
  static absl::StatusOr<PrivateKey> Rsa(int bits, RandomStream* random);
  static absl::StatusOr<PrivateKey> EcdsaP256(RandomStream* random);
  static absl::StatusOr<PrivateKey> Ed25519(RandomStream* random);
  // kInvalidArgument where the text holds no private key.
  static absl::StatusOr<PrivateKey> FromPem(absl::string_view pem);

  // PKCS #1, SEC 1 or PKCS #8, by the kind of key.
  absl::StatusOr<std::string> ToPem() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }
  explicit PrivateKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

// A DSA key with its parameters, as PEM.
absl::StatusOr<std::string> GenerateDsaPem(RandomStream* random);

struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> ip_addresses;
  std::vector<std::string> dns_names;
  absl::Time not_before;
  absl::Time not_after;
  enum class Kind { kLeaf, kAuthority } kind = Kind::kLeaf;
};

// Signed by `signer`; `issuer_pem` empty: by itself. The certificate as PEM.
absl::StatusOr<std::string> MakeCertificate(const CertificateRequest& request,
                                            const PrivateKey& key, absl::string_view issuer_pem,
                                            const PrivateKey& signer, RandomStream* random);

// Whether the text begins with a certificate that can be read.
absl::Status CheckCertificatePem(absl::string_view pem);

}  // namespace leidang::generators::gotmpl
