#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace leidang::agent {

// An EC P-256 key with a certificate request for it. `key_pem` is unencrypted.
struct KeyAndRequest {
  std::string key_pem;
  std::string csr_der;
};
absl::StatusOr<KeyAndRequest> MakeKeyAndRequest();

// A request for a key that exists.
absl::StatusOr<std::string> MakeRequest(const std::string& key_pem);

struct CertificateDates {
  absl::Time not_before;
  absl::Time not_after;
};
// Of the first certificate of a PEM text.
absl::StatusOr<CertificateDates> DatesOf(const std::string& certificate_pem);

// Connects to `target` ("host:port"), completes a TLS handshake that trusts nobody, sends nothing,
// and returns, PEM, the certificate among those shown whose public key has the pin ("sha256:<hex>"
// of its SubjectPublicKeyInfo). Blocks.
//
// kPermissionDenied when none has: somebody else answers at that address, or the pin is of another
// hub.
absl::StatusOr<std::string> FetchPinnedAuthority(const std::string& target, const std::string& pin,
                                                 absl::Duration timeout);

// The names that the server certificate must carry are checked by gRPC; this is for the person who
// reads the log.
absl::Status CheckPinForm(const std::string& pin);

}  // namespace leidang::agent
