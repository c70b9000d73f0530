#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/intent/intent.h"
#include "common/random/random.h"

namespace leidang::hub {

// A certificate and its key, both PEM.
struct CertificateAndKey {
  std::string certificate_pem;
  std::string key_pem;
};

// CertificateAuthority issues every certificate of a fleet: the hub's own server certificates, and
// one client certificate an agent, which names its cluster as the only URI SAN
// (spiffe://<hub_id>/cluster/<cluster_id>).
//
// ECDSA P-256 throughout. Serial numbers are 128 random bits. Times are given, not read: validity
// begins five minutes before `now`, for clocks that run behind. Thread-safe: nothing changes after
// construction.
class CertificateAuthority {
 public:
  // Makes a new authority for `hub`. Nothing is written to disk.
  static absl::StatusOr<CertificateAndKey> Create(const intent::HubId& hub, absl::Time now,
                                                  Random& random);

  // kInvalidArgument when the PEM texts are damaged, do not belong together, or are no authority.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> Load(const CertificateAndKey& pem);

  // Reads `<directory>/ca.crt` and `ca.key`, making both (directory 0700, key 0600) when neither is
  // there. kFailedPrecondition when the key can be read by others, or when only one of the two
  // exists.
  static absl::StatusOr<std::unique_ptr<CertificateAuthority>> OpenOrCreate(
      const std::string& directory, const intent::HubId& hub, absl::Time now, Random& random);

  ~CertificateAuthority();

  const std::string& certificate_pem() const;

  // "sha256:<64 hex digits>" of the authority's public key (SubjectPublicKeyInfo, DER): what a join
  // token pins.
  const std::string& pin() const;

  struct ServerNames {
    std::vector<std::string> dns;
    std::vector<std::string> ips;
  };
  absl::StatusOr<CertificateAndKey> IssueServer(const ServerNames& names, absl::Time now,
                                                absl::Duration life, Random& random) const;

  // Signs the public key of `csr_der` for `cluster`; whatever else the request asks for is ignored.
  // PEM, leaf first. kInvalidArgument when the request is damaged, its own signature is wrong, or
  // its key is not EC P-256.
  absl::StatusOr<std::string> IssueAgent(absl::string_view csr_der, const intent::HubId& hub,
                                         const intent::ClusterId& cluster, absl::Time now,
                                         absl::Duration life, Random& random) const;

 private:
  struct Impl;
  explicit CertificateAuthority(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace leidang::hub
