#include "agent/trust.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include <sys/file.h>

#include "agent/link/grpc/join.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

std::string PathOf(const std::string& data_dir) { return data_dir + "/trust-hub"; }

absl::Status WriteTrust(const std::string& data_dir, const intent::HubId& hub) {
  const std::string path = PathOf(data_dir);
  {
    std::ofstream file(path + ".tmp", std::ios::trunc);
    file << hub.Hex() << "\n";
    if (!file.flush().good()) {
      return absl::PermissionDeniedError(
          absl::StrCat("cannot write ", path, ": is ", data_dir, " the agent's data directory?"));
    }
  }
  if (std::rename((path + ".tmp").c_str(), path.c_str()) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", path, ": ", std::strerror(errno)));
}

// The new identity takes the place of the old one as a whole; the old one stays beside it.
absl::Status Rejoin(const AgentOptions& options, const intent::HubId& hub) {
  const std::string identity = options.data_dir + "/identity";
  std::error_code error;
  std::filesystem::remove_all(identity + ".new", error);
  ASSIGN_OR_RETURN(const Membership membership,
                   Join({.hub = options.hub, .token = options.join_token, .ca_pin = options.ca_pin},
                        identity + ".new"));
  if (membership.hub != hub) {
    return absl::FailedPreconditionError(absl::StrCat("the hub at ", options.hub, " is ",
                                                      membership.hub.Hex(), ", not ", hub.Hex(),
                                                      ": nothing was changed"));
  }
  std::filesystem::remove_all(identity + ".old", error);
  std::filesystem::rename(identity, identity + ".old", error);
  if (!error) std::filesystem::rename(identity + ".new", identity, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot put the new identity in place of ", identity, ": ", error.message()));
}

}  // namespace

absl::StatusOr<int> LockDirectory(const std::string& data_dir) {
  const std::string file = absl::StrCat(data_dir, "/LOCK");
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return absl::PermissionDeniedError(absl::StrCat("cannot open ", file));
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return absl::FailedPreconditionError(absl::StrCat("another agent runs on ", data_dir));
  }
  return fd;
}

absl::Status TrustHubCommand(const AgentOptions& options) {
  const std::optional<intent::HubId> hub = intent::HubId::FromHex(options.trust_hub);
  if (!hub.has_value() || hub->IsNone()) {
    return absl::InvalidArgumentError(absl::StrCat("\"", options.trust_hub,
                                                   "\" is no hub id: 32 hex digits, as the agent's "
                                                   "refusal names them"));
  }
  if (options.rejoin) {
    if (options.hub.empty() || options.join_token.empty() || options.ca_pin.empty()) {
      return absl::InvalidArgumentError(
          "--rejoin needs --hub, --join-token and --ca-pin, as `leidang cluster register` prints "
          "them");
    }
    const absl::StatusOr<int> lock = LockDirectory(options.data_dir);
    if (!lock.ok()) {
      return absl::Status(lock.status().code(),
                          absl::StrCat(lock.status().message(), ": stop it to join another hub"));
    }
    const absl::Status joined = Rejoin(options, *hub);
    ::close(*lock);
    RETURN_IF_ERROR(joined);
  }
  return WriteTrust(options.data_dir, *hub);
}

std::optional<intent::HubId> TrustedByHand(const std::string& data_dir) {
  std::ifstream file(PathOf(data_dir));
  std::string text;
  if (!file || !std::getline(file, text)) return std::nullopt;
  return intent::HubId::FromHex(text);
}

void ForgetTrustedByHand(const std::string& data_dir) { ::unlink(PathOf(data_dir).c_str()); }

}  // namespace leidang::agent
