#include "hub/source/repository_url.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"
#include "hub/source/source_error.h"

namespace leidang::hub {
namespace {

constexpr size_t kUrlLengthMax = 2048;

absl::Status Refuse(absl::string_view text, absl::string_view why) {
  return SourceError(SourceReason::kInvalidRepository,
                     absl::StrCat("repository URL \"", WithoutCredentials(text), "\": ", why));
}

std::optional<std::string> PercentDecode(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return std::nullopt;
    }
    out += absl::HexStringToBytes(text.substr(i + 1, 2));
    i += 2;
  }
  return out;
}

// Splits "user:password@host:port" off its user information.
struct Authority {
  absl::string_view user_info;
  absl::string_view host;
};

Authority SplitAuthority(absl::string_view text) {
  const size_t at = text.rfind('@');
  if (at == absl::string_view::npos) return {"", text};
  return {text.substr(0, at), text.substr(at + 1)};
}

bool IsHost(absl::string_view host) {
  if (host.empty() || host[0] == '-' || host[0] == ':') return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == ':' || c == '[' ||
           c == ']';
  });
}

absl::Status ParseUserInfo(absl::string_view text, absl::string_view user_info,
                           RepositoryUrl* url) {
  const size_t colon = user_info.find(':');
  const std::optional<std::string> user = PercentDecode(user_info.substr(0, colon));
  const std::optional<std::string> password = PercentDecode(
      colon == absl::string_view::npos ? absl::string_view() : user_info.substr(colon + 1));
  if (!user || !password) return Refuse(text, "a % in the user or password is not an escape");
  const auto is_control = [](char c) { return absl::ascii_iscntrl(c); };
  if (std::any_of(user->begin(), user->end(), is_control) ||
      std::any_of(password->begin(), password->end(), is_control) || absl::StartsWith(*user, "-")) {
    return Refuse(text, "the user or password has characters that cannot be used");
  }
  url->user = *user;
  url->password = *password;
  return absl::OkStatus();
}

absl::StatusOr<RepositoryUrl> ParseWithScheme(absl::string_view text, size_t colon) {
  RepositoryUrl url;
  const std::string scheme = absl::AsciiStrToLower(text.substr(0, colon));
  const absl::string_view rest = text.substr(colon + 3);
  if (scheme == "file") {
    if (!absl::StartsWith(rest, "/")) return Refuse(text, "a file URL is file:///absolute/path");
    url.scheme = RepositoryUrl::Scheme::kFile;
    url.clean = absl::StrCat("file://", rest);
    return url;
  }
  if (scheme == "https") {
    url.scheme = RepositoryUrl::Scheme::kHttps;
  } else if (scheme == "http") {
    url.scheme = RepositoryUrl::Scheme::kHttp;
  } else if (scheme == "ssh" || scheme == "git+ssh") {
    url.scheme = RepositoryUrl::Scheme::kSsh;
  } else {
    return Refuse(text, "the scheme is not supported; use https://, ssh:// or file://");
  }
  const size_t slash = rest.find('/');
  if (slash == absl::string_view::npos || slash + 1 == rest.size()) {
    return Refuse(text, "it names a host but no repository");
  }
  const Authority authority = SplitAuthority(rest.substr(0, slash));
  if (!IsHost(authority.host)) return Refuse(text, "the host name cannot be used");
  RETURN_IF_ERROR(ParseUserInfo(text, authority.user_info, &url));
  url.host = absl::AsciiStrToLower(authority.host);
  const bool ssh = url.scheme == RepositoryUrl::Scheme::kSsh;
  const std::string user = ssh && !url.user.empty() ? absl::StrCat(url.user, "@") : "";
  url.clean = absl::StrCat(ssh ? "ssh" : scheme, "://", user, url.host, rest.substr(slash));
  return url;
}

}  // namespace

absl::StatusOr<RepositoryUrl> RepositoryUrl::Parse(absl::string_view text) {
  if (text.empty()) return Refuse(text, "it is empty");
  if (text.size() > kUrlLengthMax) return Refuse(text.substr(0, 80), "it is too long");
  for (const char c : text) {
    if (absl::ascii_iscntrl(c) || c == ' ')
      return Refuse(text, "it has a blank or a control character");
  }
  if (const size_t colon = text.find("://"); colon != absl::string_view::npos) {
    return ParseWithScheme(text, colon);
  }
  RepositoryUrl url;
  if (text[0] == '/') {
    url.scheme = Scheme::kFile;
    url.clean = std::string(text);
    return url;
  }
  if (absl::StrContains(text, "::")) return Refuse(text, "remote helpers are not supported");
  // user@host:path, ssh's short spelling.
  const size_t colon = text.find(':');
  const size_t slash = text.find('/');
  if (colon == absl::string_view::npos || colon + 1 == text.size() || slash < colon) {
    return Refuse(text, "use https://…, ssh://…, user@host:path, file:///… or an absolute path");
  }
  const Authority authority = SplitAuthority(text.substr(0, colon));
  if (!IsHost(authority.host) || absl::StartsWith(text, "-") ||
      absl::StrContains(authority.user_info, ":")) {
    return Refuse(text, "the user or host name cannot be used");
  }
  url.scheme = Scheme::kSsh;
  url.user = std::string(authority.user_info);
  url.host = absl::AsciiStrToLower(authority.host);
  url.clean = std::string(text);
  return url;
}

std::string WithoutCredentials(absl::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == absl::string_view::npos) return std::string(text);
  const size_t begin = scheme + 3;
  const size_t slash = text.find('/', begin);
  const absl::string_view authority =
      text.substr(begin, slash == absl::string_view::npos ? slash : slash - begin);
  const size_t at = authority.rfind('@');
  if (at == absl::string_view::npos) return std::string(text);
  const size_t colon = authority.substr(0, at).find(':');
  if (colon == absl::string_view::npos) {
    // A lone user of an https URL is often a token.
    if (absl::StartsWithIgnoreCase(text, "ssh")) return std::string(text);
    return absl::StrCat(text.substr(0, begin), "***", text.substr(begin + at));
  }
  return absl::StrCat(text.substr(0, begin), authority.substr(0, colon), ":***",
                      text.substr(begin + at));
}

bool SameRepository(absl::string_view a, absl::string_view b) {
  const auto normal = [](absl::string_view text) -> std::string {
    const absl::StatusOr<RepositoryUrl> url = RepositoryUrl::Parse(text);
    if (!url.ok()) return std::string(text);
    absl::string_view path = url->clean;
    if (const size_t scheme = path.find("://"); scheme != absl::string_view::npos) {
      path.remove_prefix(scheme + 3);
      if (!url->host.empty()) path.remove_prefix(std::min(path.find('/'), path.size()));
    } else if (!url->host.empty()) {
      path.remove_prefix(path.find(':') + 1);
    }
    while (absl::ConsumePrefix(&path, "/")) {
    }
    while (absl::ConsumeSuffix(&path, "/")) {
    }
    absl::ConsumeSuffix(&path, ".git");
    absl::string_view host = url->host;
    if (url->scheme == RepositoryUrl::Scheme::kHttps) absl::ConsumeSuffix(&host, ":443");
    if (url->scheme == RepositoryUrl::Scheme::kHttp) absl::ConsumeSuffix(&host, ":80");
    if (url->scheme == RepositoryUrl::Scheme::kSsh) absl::ConsumeSuffix(&host, ":22");
    return absl::StrCat(host, "/", path);
  };
  return normal(a) == normal(b);
}

}  // namespace leidang::hub
