#include "hub/source/git_command.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdlib.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include <sys/stat.h>

#include "common/base/status_macros.h"
#include "common/base/utf8.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr size_t kMessageMax = 600;
constexpr int kLowSpeedBytesPerSecond = 64;
constexpr int kSshConnectSeconds = 20;

// A value of a Git configuration file, in quotes.
std::string ConfigValue(absl::string_view value) {
  return absl::StrCat("\"", absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

// One word for the shell that git starts for GIT_SSH_COMMAND and credential helpers.
std::string ShellWord(absl::string_view word) {
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::string PercentEncode(absl::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == '~') {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool HasLineBreak(absl::string_view text) {
  return text.find_first_of(absl::string_view("\r\n\0", 3)) != absl::string_view::npos;
}

std::string PrintableLine(absl::string_view line) {
  std::string out;
  for (const char c : absl::StripAsciiWhitespace(line)) out += absl::ascii_iscntrl(c) ? ' ' : c;
  return out;
}

bool IsAuthenticationFailure(absl::string_view text) {
  static constexpr std::array<const char*, 12> kSigns = {
      "Authentication failed",     "could not read Username", "could not read Password",
      "terminal prompts disabled", "Permission denied (",     "Host key verification failed",
      "HTTP Basic: Access denied", "returned error: 401",     "returned error: 403",
      "Invalid username or",       "error in libcrypto",      "Too many authentication failures"};
  for (const char* sign : kSigns) {
    if (absl::StrContains(text, sign)) return true;
  }
  return false;
}

// Progress, advice, and the general remarks that git adds to every failure.
bool IsIdle(absl::string_view line) {
  if (line.empty() || absl::StrContains(line, "% (") || absl::EndsWith(line, ", done.")) {
    return true;
  }
  for (const char* start : {"hint:", "warning:", "From ", "Could not read from remote",
                            "and the repository exists", "Please make sure you have"}) {
    if (absl::StartsWith(line, start)) return true;
  }
  return false;
}

// What git says went wrong, and the last that the server or ssh said.
std::vector<std::string> TellingLines(absl::string_view err) {
  std::vector<std::string> verdict;
  std::vector<std::string> others;
  for (const absl::string_view raw :
       absl::StrSplit(err, absl::ByAnyChar("\r\n"), absl::SkipEmpty())) {
    const std::string line = PrintableLine(raw);
    absl::string_view text = line;
    const bool gits =
        absl::ConsumePrefix(&text, "fatal: ") || absl::ConsumePrefix(&text, "error: ");
    if (!IsIdle(text)) (gits ? verdict : others).push_back(std::string(text));
  }
  if (others.size() > 2) others.erase(others.begin(), others.end() - 2);
  if (verdict.size() > 2) verdict.resize(2);
  verdict.insert(verdict.end(), others.begin(), others.end());
  return verdict;
}

}  // namespace

GitCommand::GitCommand(RepositoryUrl url, std::string folder)
    : url_(std::move(url)), folder_(std::move(folder)) {}

GitCommand::GitCommand(GitCommand&& other) noexcept
    : url_(std::move(other.url_)),
      folder_(std::exchange(other.folder_, "")),
      environment_(std::move(other.environment_)),
      secrets_(std::move(other.secrets_)) {}

GitCommand::~GitCommand() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

absl::StatusOr<GitCommand> GitCommand::Prepare(const Settings& settings,
                                               const Repository& repository,
                                               const FetchLimits& limits) {
  ASSIGN_OR_RETURN(RepositoryUrl url, RepositoryUrl::Parse(repository.url));
  if (url.scheme == RepositoryUrl::Scheme::kHttp &&
      repository.plain_http == PlainHttp::kForbidden) {
    return SourceError(SourceReason::kInvalidRepository,
                       absl::StrCat(url.clean,
                                    ": plain http is not encrypted and not allowed; use "
                                    "https, or allow it for this repository"));
  }
  std::string folder = absl::StrCat(settings.scratch, "/git-XXXXXX");
  if (::mkdtemp(folder.data()) == nullptr) {
    return absl::InternalError(
        absl::StrCat("cannot create a folder in ", settings.scratch, ": ", std::strerror(errno)));
  }
  GitCommand command(std::move(url), std::move(folder));
  command.environment_ = settings.extra_environment;
  for (std::string& variable : std::vector<std::string>{
           absl::StrCat("PATH=", settings.search_path), absl::StrCat("HOME=", command.folder_),
           "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
           absl::StrCat("GIT_CONFIG_GLOBAL=", command.folder_, "/config"), "GIT_TERMINAL_PROMPT=0",
           "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_OPTIONAL_LOCKS=0",
           absl::StrCat("GIT_ALLOW_PROTOCOL=file:https:ssh",
                        repository.plain_http == PlainHttp::kAllowed ? ":http" : "")}) {
    command.environment_.push_back(std::move(variable));
  }
  RETURN_IF_ERROR(command.WriteConfiguration(repository, limits));
  return command;
}

absl::StatusOr<std::string> GitCommand::WriteFile(absl::string_view name,
                                                  absl::string_view content) const {
  std::string path = absl::StrCat(folder_, "/", name);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool good = fd >= 0;
  while (good && !content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    good = written > 0 || (written < 0 && errno == EINTR);
    if (written > 0) content.remove_prefix(static_cast<size_t>(written));
  }
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (good) return path;
  return absl::InternalError(absl::StrCat("cannot write ", path, ": ", std::strerror(error)));
}

absl::Status GitCommand::WriteConfiguration(const Repository& repository,
                                            const FetchLimits& limits) {
  // Everything goes to packs, so that one folder shows how much a fetch has brought.
  std::string configuration =
      "[safe]\n\tdirectory = *\n"
      "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n"
      "[fetch]\n\tunpackLimit = 1\n\twriteCommitGraph = false\n"
      "[gc]\n\tautoDetach = false\n\tpruneExpire = 90.days.ago\n\twriteCommitGraph = false\n"
      "[pack]\n\tthreads = 1\n"
      "[protocol]\n\tversion = 2\n"
      "[submodule]\n\trecurse = false\n";
  switch (url_.scheme) {
    case RepositoryUrl::Scheme::kHttp:
    case RepositoryUrl::Scheme::kHttps:
      RETURN_IF_ERROR(WriteHttp(repository, limits, &configuration));
      break;
    case RepositoryUrl::Scheme::kSsh:
      RETURN_IF_ERROR(WriteSsh(repository, limits));
      break;
    case RepositoryUrl::Scheme::kFile:
      break;
  }
  return WriteFile("config", configuration).status();
}

absl::Status GitCommand::WriteHttp(const Repository& repository, const FetchLimits& limits,
                                   std::string* configuration) {
  const GitCredentials& given = repository.credentials;
  for (const std::string* text :
       {&given.user, &given.password, &given.bearer_token, &repository.proxy}) {
    if (HasLineBreak(*text)) {
      return SourceError(
          SourceReason::kInvalidRepository,
          absl::StrCat(url_.clean, ": its credentials or its proxy contain a line break"));
    }
  }
  const int64_t seconds = std::max<int64_t>(1, absl::ToInt64Seconds(limits.silence_max));
  absl::StrAppend(configuration, "[http]\n\tlowSpeedLimit = ", kLowSpeedBytesPerSecond,
                  "\n\tlowSpeedTime = ", seconds, "\n");
  const auto add_file = [&](absl::string_view key, absl::string_view name,
                            const std::string& content) -> absl::Status {
    if (content.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string path, WriteFile(name, content));
    absl::StrAppend(configuration, "\t", key, " = ", ConfigValue(path), "\n");
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(add_file("sslCAInfo", "ca.pem", given.tls_ca));
  RETURN_IF_ERROR(add_file("sslCert", "client.pem", given.tls_client_certificate));
  RETURN_IF_ERROR(add_file("sslKey", "client.key", given.tls_client_key));
  if (!repository.proxy.empty()) {
    absl::StrAppend(configuration, "\tproxy = ", ConfigValue(repository.proxy), "\n");
    secrets_.push_back(repository.proxy);
  }
  if (!given.bearer_token.empty()) {
    // A redirect could carry the header to another host.
    absl::StrAppend(configuration, "\tfollowRedirects = false\n\textraHeader = ",
                    ConfigValue(absl::StrCat("Authorization: Bearer ", given.bearer_token)), "\n");
    secrets_.push_back(given.bearer_token);
    return absl::OkStatus();
  }
  const bool own = !given.user.empty() || !given.password.empty();
  std::string user = own ? given.user : url_.user;
  const std::string& password = own ? given.password : url_.password;
  if (user.empty() && password.empty()) return absl::OkStatus();
  if (user.empty()) user = "git";
  const bool tls = url_.scheme == RepositoryUrl::Scheme::kHttps;
  // The helper gives them to this scheme and host only.
  ASSIGN_OR_RETURN(
      const std::string path,
      WriteFile("credentials", absl::StrCat(tls ? "https" : "http", "://", PercentEncode(user), ":",
                                            PercentEncode(password), "@", url_.host, "\n")));
  absl::StrAppend(configuration, "[credential]\n\thelper = ",
                  ConfigValue(absl::StrCat("store --file=", ShellWord(path))), "\n");
  secrets_.push_back(password.empty() ? user : password);
  return absl::OkStatus();
}

absl::Status GitCommand::WriteSsh(const Repository& repository, const FetchLimits& limits) {
  const GitCredentials& given = repository.credentials;
  if (given.ssh_known_hosts.empty()) {
    return SourceError(SourceReason::kInvalidRepository,
                       absl::StrCat(url_.clean,
                                    ": no known host keys are configured for it; add the "
                                    "lines that `ssh-keyscan ",
                                    url_.host, "` prints, after checking them"));
  }
  if (given.ssh_key.empty()) {
    return SourceError(SourceReason::kInvalidRepository,
                       absl::StrCat(url_.clean, ": no ssh key is configured for it"));
  }
  // OpenSSH refuses a key file whose last line is not ended.
  const bool ended = absl::EndsWith(given.ssh_key, "\n");
  ASSIGN_OR_RETURN(const std::string key,
                   WriteFile("key", absl::StrCat(given.ssh_key, ended ? "" : "\n")));
  ASSIGN_OR_RETURN(const std::string hosts,
                   WriteFile("known_hosts", absl::StrCat(given.ssh_known_hosts, "\n")));
  const int64_t alive = std::max<int64_t>(1, absl::ToInt64Seconds(limits.silence_max) / 3);
  const std::vector<std::string> options = {"IdentitiesOnly=yes",
                                            "IdentityAgent=none",
                                            "StrictHostKeyChecking=yes",
                                            "GlobalKnownHostsFile=/dev/null",
                                            "UpdateHostKeys=no",
                                            "BatchMode=yes",
                                            "PreferredAuthentications=publickey",
                                            "ControlMaster=no",
                                            "ControlPath=none",
                                            absl::StrCat("ConnectTimeout=", kSshConnectSeconds),
                                            absl::StrCat("ServerAliveInterval=", alive),
                                            "ServerAliveCountMax=3"};
  environment_.push_back("GIT_SSH_VARIANT=ssh");
  environment_.push_back(absl::StrCat("GIT_SSH_COMMAND=ssh -F /dev/null -i ", ShellWord(key),
                                      " -o ",
                                      ShellWord(absl::StrCat("UserKnownHostsFile=\"", hosts, "\"")),
                                      " -o ", absl::StrJoin(options, " -o ")));
  return absl::OkStatus();
}

std::string GitCommand::Redact(std::string text) const {
  for (const std::string& secret : secrets_) {
    if (secret.size() >= 3)
      text = absl::StrReplaceAll(text, {{secret, "***"}, {PercentEncode(secret), "***"}});
  }
  return text;
}

absl::Status GitCommand::Explain(absl::string_view err) const {
  std::string why = Redact(absl::StrJoin(TellingLines(err), "; "));
  why.resize(Utf8Prefix(why, kMessageMax).size());
  if (why.empty()) why = "git failed without saying why";
  if (IsAuthenticationFailure(err)) {
    const bool host_key = absl::StrContains(err, "Host key verification failed");
    return SourceError(
        SourceReason::kAuthenticationFailed,
        absl::StrCat(url_.clean, ": the server ",
                     host_key ? "showed a host key that is not known" : "refused the credentials",
                     " (", why, "); ",
                     host_key ? "check the key and correct the repository's known hosts"
                              : "correct the repository's credentials"));
  }
  return SourceError(
      SourceReason::kRepositoryUnreachable,
      absl::StrCat(url_.clean, ": cannot be fetched (", why,
                   "); check the URL, the network, and that the credentials may read it"));
}

}  // namespace leidang::hub
