#include "agent/link/grpc/channel.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr int kConnectMs = 90'000;
constexpr int kMessageBytesMax = 16 << 20;

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": has this agent joined?"));
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

std::string Environment(const char* upper, const char* lower) {
  for (const char* name : {upper, lower}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  }
  return "";
}

bool IsExempt(absl::string_view target) {
  const absl::string_view host = target.substr(0, target.rfind(':'));
  const std::string exempt = Environment("NO_PROXY", "no_proxy");
  for (absl::string_view entry : absl::StrSplit(exempt, ',', absl::SkipWhitespace())) {
    if (entry == "*" || host == entry ||
        absl::EndsWith(host, absl::StrCat(entry[0] == '.' ? "" : ".", entry)))
      return true;
  }
  return host == "localhost" || absl::StartsWith(host, "127.") || host == "[::1]";
}

}  // namespace

IdentityFiles IdentityFiles::In(const std::string& directory) {
  return {absl::StrCat(directory, "/agent.crt"), absl::StrCat(directory, "/agent.key"),
          absl::StrCat(directory, "/ca.crt")};
}

absl::StatusOr<Identity> ReadIdentity(const IdentityFiles& files) {
  Identity identity;
  ASSIGN_OR_RETURN(identity.certificate_pem, ReadWhole(files.certificate));
  ASSIGN_OR_RETURN(identity.key_pem, ReadWhole(files.key));
  ASSIGN_OR_RETURN(identity.authority_pem, ReadWhole(files.authority));
  return identity;
}

std::shared_ptr<grpc::Channel> OpenChannel(const HubAddress& hub, const Identity& identity) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = identity.authority_pem;
  tls.pem_cert_chain = identity.certificate_pem;
  tls.pem_private_key = identity.key_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kConnectMs);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetMaxReceiveMessageSize(kMessageBytesMax);
  if (!hub.tls_name.empty()) arguments.SetSslTargetNameOverride(hub.tls_name);
  // gRPC reads only the lower-case variable by itself.
  const std::string proxy = Environment("HTTPS_PROXY", "https_proxy");
  if (!proxy.empty() && !IsExempt(hub.target)) {
    arguments.SetString(GRPC_ARG_HTTP_PROXY, proxy);
  } else {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  }
  return grpc::CreateCustomChannel(hub.target, grpc::SslCredentials(tls), arguments);
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace leidang::agent
