#include "cli/connection.h"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "common/yaml/yaml.h"

namespace leidang::cli {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

}  // namespace

std::string ConfigPath() {
  if (const char* base = std::getenv("XDG_CONFIG_HOME"); base != nullptr && *base != '\0') {
    return absl::StrCat(base, "/leidang/config.yaml");
  }
  const char* home = std::getenv("HOME");
  return absl::StrCat(home != nullptr ? home : "", "/.config/leidang/config.yaml");
}

absl::Status FillFromConfig(const std::string& path, ConnectionOptions* options) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const object::Value config, yaml::ParseYaml(*text, path));
  const std::pair<const char*, std::string*> fields[] = {
      {"hub", &options->hub}, {"caFile", &options->ca_file}, {"token", &options->token}};
  for (const auto& [name, field] : fields) {
    if (field->empty()) *field = std::string(object::FindString(config, {name}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const ConnectionOptions& options) {
  if (options.hub.empty()) {
    return absl::InvalidArgumentError(
        "no hub is given: use --hub HOST:PORT, LEIDANG_HUB, or `hub:` in the configuration file");
  }
  if (options.token.empty()) {
    return absl::InvalidArgumentError(
        "no token is given: use --token-file FILE, LEIDANG_TOKEN, or `token:` in the configuration "
        "file");
  }
  grpc::SslCredentialsOptions tls;
  if (!options.ca_file.empty()) {
    ASSIGN_OR_RETURN(tls.pem_root_certs, ReadFile(options.ca_file));
  }
  std::unique_ptr<Connection> connection(new Connection(options));
  connection->fleet_ =
      v1::Fleet::NewStub(grpc::CreateChannel(options.hub, grpc::SslCredentials(tls)));
  return connection;
}

void Connection::Prepare(grpc::ClientContext* context) const {
  PrepareStream(context, options_.timeout);
}

void Connection::PrepareStream(grpc::ClientContext* context, absl::Duration timeout) const {
  context->AddMetadata("authorization", absl::StrCat("Bearer ", options_.token));
  if (timeout != absl::InfiniteDuration()) {
    gpr_timespec deadline =
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                     gpr_time_from_millis(absl::ToInt64Milliseconds(timeout), GPR_TIMESPAN));
    context->set_deadline(deadline);
  }
}

absl::Status Connection::Explain(const grpc::Status& status, absl::string_view what) const {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  std::string message = absl::StrCat(what, ": ", status.error_message());
  if (code == absl::StatusCode::kUnavailable) {
    message = absl::StrCat(what, ": the hub at ", options_.hub, " cannot be reached (",
                           status.error_message(),
                           "): is it running, is the address that of its user port, and does "
                           "--ca-file name its authority?");
  } else if (code == absl::StatusCode::kDeadlineExceeded) {
    message = absl::StrCat(what, ": the hub at ", options_.hub, " gave no answer in ",
                           absl::FormatDuration(options_.timeout),
                           ": try again, or with a longer --timeout");
  }
  return absl::Status(code, message);
}

}  // namespace leidang::cli
