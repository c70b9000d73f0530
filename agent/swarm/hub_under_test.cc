#include "agent/swarm/hub_under_test.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "agent/swarm/waiting.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr absl::Duration kStartLimit = absl::Minutes(2);

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

}  // namespace

HubUnderTest::HubUnderTest(EventLoop& loop, std::string program, std::string directory)
    : loop_(loop),
      path_(std::move(program)),
      directory_(std::move(directory)),
      program_({path_}, directory_ + "/hub.log") {}

absl::StatusOr<absl::Duration> HubUnderTest::Start() {
  const std::string ports = directory_ + "/ports";
  std::error_code ignored;
  std::filesystem::remove(ports, ignored);
  program_.set_argv({path_, "--data-dir", directory_ + "/data", "--agent-listen",
                     absl::StrCat("127.0.0.1:", agents_port_), "--user-listen",
                     absl::StrCat("127.0.0.1:", users_port_), "--admin-token-file",
                     directory_ + "/admin.token", "--ports-file", ports, "--log-level", "warning"});
  const absl::Duration begin = loop_.clock().Monotonic();
  RETURN_IF_ERROR(program_.Start());
  const bool listens = WaitUntil(
      loop_, kStartLimit, [&] { return std::filesystem::exists(ports) || !program_.IsRunning(); },
      absl::Milliseconds(5));
  if (!listens || !program_.IsRunning()) {
    return absl::UnavailableError(
        absl::StrCat("the hub does not start: ", program_.log(), " says why"));
  }
  const absl::Duration took = loop_.clock().Monotonic() - begin;
  RETURN_IF_ERROR(ReadPorts());
  return took;
}

absl::Status HubUnderTest::ReadPorts() {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(directory_ + "/ports"));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    int* port = absl::ConsumePrefix(&line, "agents=")  ? &agents_port_
                : absl::ConsumePrefix(&line, "users=") ? &users_port_
                                                       : nullptr;
    if (port != nullptr && !absl::SimpleAtoi(line, port))
      return absl::DataLossError("the hub's ports file cannot be read");
  }
  return absl::OkStatus();
}

std::string HubUnderTest::agents() const { return absl::StrCat("127.0.0.1:", agents_port_); }
std::string HubUnderTest::users() const { return absl::StrCat("127.0.0.1:", users_port_); }

absl::StatusOr<std::string> HubUnderTest::authority_pem() const {
  return ReadFile(directory_ + "/data/ca/ca.crt");
}

absl::StatusOr<std::string> HubUnderTest::admin_token() const {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(directory_ + "/admin.token"));
  return std::string(absl::StripAsciiWhitespace(text));
}

}  // namespace leidang::agent
