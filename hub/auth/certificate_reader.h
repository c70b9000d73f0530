#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "hub/auth/certificate_authority.h"

namespace leidang::hub {

// What a certificate that somebody shows says, whether or not it is believed.
struct CertificateFacts {
  std::vector<std::string> uris;  // URI SANs.
  absl::Time not_before;
  absl::Time not_after;
  bool issued_by_authority = false;  // The signature is the authority's.
};

// The first certificate of a PEM text. kInvalidArgument if it is none.
absl::StatusOr<CertificateFacts> ReadCertificate(absl::string_view pem,
                                                 const CertificateAuthority& authority);

// Whether `csr_der` asks for a certificate of the very key that the certificate has. False for what
// is neither. The request's own signature is checked where it is signed.
bool IsRequestOfSameKey(absl::string_view csr_der, absl::string_view certificate_pem);

}  // namespace leidang::hub
