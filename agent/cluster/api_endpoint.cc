#include "agent/cluster/api_endpoint.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "common/object/value.h"
#include "common/process/child_process.h"
#include "common/yaml/yaml.h"

namespace leidang::agent {
namespace {

using object::Value;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

// The item of `list` whose name is `name`, its member `what`.
absl::StatusOr<const Value*> Named(const Value& config, absl::string_view list,
                                   absl::string_view name, absl::string_view what) {
  const Value* items = object::Find(config, {list});
  if (items != nullptr && items->is_array()) {
    for (const Value& item : items->get_array()) {
      const Value* found = object::Find(item, {what});
      if (object::FindString(item, {"name"}) == name && found != nullptr) return found;
    }
  }
  return absl::NotFoundError(absl::StrCat("the kubeconfig has no ", what, " \"", name, "\""));
}

// `<field>-data` in base64, else the file that `<field>` names, else nothing.
absl::StatusOr<std::string> DataOrFile(const Value& from, absl::string_view field,
                                       const std::filesystem::path& folder) {
  const absl::string_view data = object::FindString(from, {absl::StrCat(field, "-data")});
  if (!data.empty()) {
    std::string bytes;
    if (absl::Base64Unescape(data, &bytes)) return bytes;
    return absl::InvalidArgumentError(
        absl::StrCat("the kubeconfig's ", field, "-data is no base64"));
  }
  const std::string file(object::FindString(from, {field}));
  return file.empty() ? std::string() : ReadFile(folder / file);
}

absl::Status RefuseUnsupported(const Value& cluster, const Value& user) {
  const Value* insecure = object::Find(cluster, {"insecure-skip-tls-verify"});
  if (insecure != nullptr && insecure->is_bool() && insecure->get_bool()) {
    return absl::UnimplementedError(
        "the kubeconfig says insecure-skip-tls-verify; name the server's authority instead "
        "(certificate-authority)");
  }
  if (object::Find(user, {"auth-provider"}) != nullptr) {
    return absl::UnimplementedError(
        "the kubeconfig's user takes its credentials from an auth-provider, which Kubernetes gave "
        "up; use exec, a client certificate, a token or a token file");
  }
  return absl::OkStatus();
}

std::string Environment(const char* name, absl::string_view otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : std::string(otherwise);
}

absl::StatusOr<CredentialPlugin> ReadPlugin(const Value& user,
                                            const std::filesystem::path& folder) {
  CredentialPlugin plugin;
  const Value* exec = object::Find(user, {"exec"});
  if (exec == nullptr) return plugin;
  const std::string command(object::FindString(*exec, {"command"}));
  if (command.empty()) return absl::InvalidArgumentError("the kubeconfig's exec has no command");
  const std::string path = Environment("PATH", "/usr/local/bin:/usr/bin:/bin");
  plugin.environment = {absl::StrCat("PATH=", path),
                        absl::StrCat("HOME=", Environment("HOME", "/"))};
  plugin.hint = std::string(object::FindString(*exec, {"installHint"}));
  plugin.api_version = std::string(object::FindString(*exec, {"apiVersion"}));
  const bool beside = absl::StrContains(command, "/");
  absl::StatusOr<std::string> program =
      beside ? std::filesystem::absolute(folder / command).string() : FindProgram(command, path);
  if (!program.ok()) {
    return absl::NotFoundError(absl::StrCat("the kubeconfig's exec names ", command,
                                            ", which is not there. ", plugin.hint));
  }
  plugin.argv.push_back(*std::move(program));
  const Value* arguments = object::Find(*exec, {"args"});
  if (arguments != nullptr && arguments->is_array()) {
    for (const Value& argument : arguments->get_array()) {
      if (!argument.is_string()) {
        return absl::InvalidArgumentError("the kubeconfig's exec has args that are no text");
      }
      plugin.argv.emplace_back(argument.get_string().data(), argument.get_string().size());
    }
  }
  const Value* variables = object::Find(*exec, {"env"});
  if (variables != nullptr && variables->is_array()) {
    for (const Value& variable : variables->get_array()) {
      plugin.environment.push_back(absl::StrCat(object::FindString(variable, {"name"}), "=",
                                                object::FindString(variable, {"value"})));
    }
  }
  return plugin;
}

}  // namespace

absl::StatusOr<ApiEndpoint> ReadKubeconfig(const std::string& path, absl::string_view context) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  ASSIGN_OR_RETURN(const Value config, yaml::ParseYaml(text, path));
  const absl::string_view name =
      context.empty() ? object::FindString(config, {"current-context"}) : context;
  ASSIGN_OR_RETURN(const Value* chosen, Named(config, "contexts", name, "context"));
  ASSIGN_OR_RETURN(const Value* cluster,
                   Named(config, "clusters", object::FindString(*chosen, {"cluster"}), "cluster"));
  ASSIGN_OR_RETURN(const Value* user,
                   Named(config, "users", object::FindString(*chosen, {"user"}), "user"));
  RETURN_IF_ERROR(RefuseUnsupported(*cluster, *user));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  ApiEndpoint endpoint;
  endpoint.server = std::string(absl::StripSuffix(object::FindString(*cluster, {"server"}), "/"));
  if (!absl::StartsWith(endpoint.server, "https://")) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the server \"", endpoint.server, "\" is no https:// URL"));
  }
  endpoint.proxy = std::string(object::FindString(*cluster, {"proxy-url"}));
  ASSIGN_OR_RETURN(endpoint.authority, DataOrFile(*cluster, "certificate-authority", folder));
  ASSIGN_OR_RETURN(endpoint.client_certificate, DataOrFile(*user, "client-certificate", folder));
  ASSIGN_OR_RETURN(std::string key, DataOrFile(*user, "client-key", folder));
  endpoint.client_key = Secret(std::move(key));
  endpoint.token = Secret(std::string(object::FindString(*user, {"token"})));
  ASSIGN_OR_RETURN(endpoint.plugin, ReadPlugin(*user, folder));
  const std::string token_file(object::FindString(*user, {"tokenFile"}));
  if (!token_file.empty()) endpoint.token_file = folder / token_file;
  return endpoint;
}

absl::StatusOr<ApiEndpoint> InClusterEndpoint(absl::string_view host, absl::string_view port,
                                              const std::string& directory) {
  if (host.empty() || port.empty()) {
    return absl::NotFoundError(
        "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set; give "
        "--kubeconfig or --directory");
  }
  ApiEndpoint endpoint;
  const bool v6 = absl::StrContains(host, ":");
  endpoint.server = absl::StrCat("https://", v6 ? "[" : "", host, v6 ? "]" : "", ":", port);
  ASSIGN_OR_RETURN(endpoint.authority, ReadFile(directory + "/ca.crt"));
  endpoint.token_file = directory + "/token";
  RETURN_IF_ERROR(ReadFile(endpoint.token_file).status());
  return endpoint;
}

}  // namespace leidang::agent
