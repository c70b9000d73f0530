#include "hub/control/credentials.h"

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

#include "common/object/value.h"
#include "hub/source/repository_url.h"

namespace leidang::hub {
namespace {

std::string Field(const object::Value& secret, absl::string_view name) {
  if (object::Find(secret, {"stringData", name}) != nullptr)
    return std::string(object::FindString(secret, {"stringData", name}));
  std::string decoded;
  if (!absl::Base64Unescape(object::FindString(secret, {"data", name}), &decoded)) return "";
  return decoded;
}

}  // namespace

Repository RepositoryFor(const FleetRecords& records, const std::string& url) {
  Repository repository;
  repository.url = url;
  for (const auto& [key, object] : records.Objects(WrittenKind::kRepository)) {
    const absl::StatusOr<object::Value> secret = object::ParseJson(object.manifest);
    if (!secret.ok() || !SameRepository(Field(*secret, "url"), url)) continue;
    GitCredentials& c = repository.credentials;
    c.user = Field(*secret, "username");
    c.password = Field(*secret, "password");
    c.bearer_token = Field(*secret, "bearerToken");
    c.ssh_key = Field(*secret, "sshPrivateKey");
    c.ssh_known_hosts = Field(*secret, "sshKnownHosts");
    c.tls_ca = Field(*secret, "tlsCA");
    c.tls_client_certificate = Field(*secret, "tlsClientCertData");
    c.tls_client_key = Field(*secret, "tlsClientCertKey");
    repository.proxy = Field(*secret, "proxy");
    break;
  }
  return repository;
}

}  // namespace leidang::hub
