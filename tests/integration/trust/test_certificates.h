#pragma once

#include <string>
#include <vector>

#include "agent/link/grpc/channel.h"
#include "hub/auth/certificate_authority.h"

namespace leidang::tests {

// Certificates that no honest program makes, for the tests that a hub turns them away.
struct CraftedCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

// A client certificate with these URI SANs, signed by `issuer`, or by its own key where that is
// null.
CraftedCertificate Craft(const std::vector<std::string>& uris,
                         const hub::CertificateAndKey* issuer);

// Lays an identity out as an agent's `identity/` folder.
agent::IdentityFiles WriteIdentity(const std::string& directory, const std::string& certificate_pem,
                                   const std::string& key_pem, const std::string& authority_pem);

}  // namespace leidang::tests
