#include "agent/cluster/api_credentials.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/process/child_process.h"

namespace leidang::agent {
namespace {

constexpr absl::Duration kTokenAge = absl::Minutes(1);
constexpr absl::Duration kPluginTime = absl::Seconds(30);
// Requests under way are not to be overtaken by the end of what they show.
constexpr absl::Duration kBeforeExpiry = absl::Seconds(30);

}  // namespace

absl::StatusOr<ApiIdentity> ReadExecCredential(const std::string& json, absl::Time* expires) {
  ASSIGN_OR_RETURN(const object::Value credential, object::ParseJson(json));
  if (object::FindString(credential, {"kind"}) != "ExecCredential") {
    return absl::InvalidArgumentError("its output is no ExecCredential");
  }
  ApiIdentity identity;
  identity.token = Secret(std::string(object::FindString(credential, {"status", "token"})));
  identity.certificate =
      std::string(object::FindString(credential, {"status", "clientCertificateData"}));
  identity.key = Secret(std::string(object::FindString(credential, {"status", "clientKeyData"})));
  if (identity.token.empty() && identity.certificate.empty()) {
    return absl::InvalidArgumentError("its ExecCredential has neither a token nor a certificate");
  }
  *expires = absl::InfiniteFuture();
  const absl::string_view time = object::FindString(credential, {"status", "expirationTimestamp"});
  std::string error;
  if (!time.empty() && !absl::ParseTime(absl::RFC3339_full, time, expires, &error)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the expirationTimestamp of its ExecCredential is no time: ", error));
  }
  return identity;
}

ApiCredentials::ApiCredentials(const Clock& clock, ApiEndpoint endpoint)
    : clock_(clock), endpoint_(std::move(endpoint)) {}

void ApiCredentials::Refused() {
  read_ = -absl::InfiniteDuration();
  expires_ = absl::InfinitePast();
}

absl::StatusOr<ApiIdentity> ApiCredentials::Get() {
  if (!endpoint_.plugin.argv.empty()) {
    const bool old = clock_.Now() + kBeforeExpiry >= expires_;
    if (!given_.has_value() || old) RETURN_IF_ERROR(RunPlugin());
    return *given_;
  }
  if (endpoint_.token_file.empty()) {
    return ApiIdentity{endpoint_.token, endpoint_.client_certificate, endpoint_.client_key};
  }
  const absl::Duration now = clock_.Monotonic();
  if (now - read_ > kTokenAge) {
    std::ifstream in(endpoint_.token_file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    // A file that is being replaced may be unreadable for a moment.
    if (!text.empty()) {
      given_ = ApiIdentity{Secret(std::string(absl::StripAsciiWhitespace(text))), "", Secret()};
      read_ = now;
    }
  }
  if (given_.has_value()) return *given_;
  return absl::UnavailableError(absl::StrCat("cannot read the token in ", endpoint_.token_file));
}

absl::Status ApiCredentials::RunPlugin() {
  const CredentialPlugin& plugin = endpoint_.plugin;
  ChildCommand command;
  command.argv = plugin.argv;
  command.environment = plugin.environment;
  command.environment.push_back(
      absl::StrCat(R"(KUBERNETES_EXEC_INFO={"apiVersion":")", plugin.api_version,
                   R"(","kind":"ExecCredential","spec":{"interactive":false}})"));
  command.deadline = kPluginTime;
  const absl::StatusOr<ChildResult> result = RunChild(command, clock_, nullptr);
  const auto failed = [&](absl::string_view why) {
    return absl::UnavailableError(absl::StrCat("the credential plugin ", plugin.argv[0], ": ", why,
                                               plugin.hint.empty() ? "" : ". ", plugin.hint));
  };
  if (!result.ok()) return failed(result.status().message());
  if (!result->Succeeded()) return failed(absl::StrCat("it failed: ", result->err));
  absl::Time expires;
  absl::StatusOr<ApiIdentity> identity = ReadExecCredential(result->out, &expires);
  if (!identity.ok()) return failed(identity.status().message());
  given_ = *std::move(identity);
  expires_ = expires;
  return absl::OkStatus();
}

}  // namespace leidang::agent
