#include "agent/link/grpc/channel.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "agent/link/grpc/proxy.h"
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

// gRPC reads only the lower-case variable by itself.
void SetProxy(const std::string& target, grpc::ChannelArguments* arguments) {
  if (const std::string proxy = ProxyFor(target); !proxy.empty()) {
    arguments->SetString(GRPC_ARG_HTTP_PROXY, absl::StrCat("http://", proxy));
  } else {
    arguments->SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  }
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

absl::Status WriteIdentityFile(const std::string& path, absl::string_view text, mode_t mode) {
  const std::string temporary = absl::StrCat(path, ".tmp");
  ::unlink(temporary.c_str());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0)
    return absl::InternalError(
        absl::StrCat("cannot create ", temporary, ": ", std::strerror(errno)));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    return absl::InternalError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
  }
  return absl::OkStatus();
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
  // No pings to measure how much the hub could send: each message brought one, with an answer. A
  // chunk of content opens its stream's window by its own size, 256 KiB, for each of the fetches
  // that run side by side.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  if (!hub.tls_name.empty()) arguments.SetSslTargetNameOverride(hub.tls_name);
  SetProxy(hub.target, &arguments);
  return grpc::CreateCustomChannel(hub.target, grpc::SslCredentials(tls), arguments);
}

std::shared_ptr<grpc::Channel> OpenEnrolmentChannel(const std::string& target,
                                                    const std::string& authority_pem) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = authority_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  SetProxy(target, &arguments);
  return grpc::CreateCustomChannel(target, grpc::SslCredentials(tls), arguments);
}

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace leidang::agent
