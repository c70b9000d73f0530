#include "generators/template/url.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <arpa/inet.h>

#include "common/base/status_macros.h"
#include "generators/template/strconv.h"
#include "generators/template/unicode.h"

namespace leidang::generators::go {
namespace {

bool IsHex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
unsigned HexDigit(char c) {
  return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

bool ShouldEscape(char c, UrlPart part) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return false;
  absl::string_view plain;
  switch (part) {
    case UrlPart::kPath:
      plain = "$&+,/:;=@";
      break;
    case UrlPart::kUserPassword:
      plain = "$&+,;=";
      break;
    case UrlPart::kHost:
    case UrlPart::kZone:
      plain = "!\"$&'()*+,:;<=>[]";
      break;
    case UrlPart::kQuery:
      break;
    case UrlPart::kFragment:
      plain = "!$&()*+,/:;=?@";
      break;
  }
  return absl::string_view("-._~").find(c) == absl::string_view::npos &&
         plain.find(c) == absl::string_view::npos;
}

absl::Status Bad(absl::string_view text) { return absl::InvalidArgumentError(text); }

absl::Status CheckEscapes(absl::string_view s, UrlPart part) {
  for (size_t i = 0; i < s.size();) {
    const char c = s[i];
    if (c == '%') {
      const auto bad = [&] {
        return Bad(absl::StrCat("invalid URL escape ", Quote(s.substr(i, 3))));
      };
      if (i + 2 >= s.size() || !IsHex(s[i + 1]) || !IsHex(s[i + 2])) return bad();
      const bool percent = s.substr(i, 3) == "%25";
      // Hosts may hold escapes of bytes outside of ASCII only.
      if (part == UrlPart::kHost && HexDigit(s[i + 1]) < 8 && !percent) return bad();
      if (part == UrlPart::kZone) {
        const char v = static_cast<char>(HexDigit(s[i + 1]) << 4 | HexDigit(s[i + 2]));
        if (!percent && v != ' ' && ShouldEscape(v, UrlPart::kHost)) return bad();
      }
      i += 3;
      continue;
    }
    const bool host = part == UrlPart::kHost || part == UrlPart::kZone;
    if (host && static_cast<unsigned char>(c) < 0x80 && ShouldEscape(c, part)) {
      return Bad(absl::StrCat("invalid character ", Quote(s.substr(i, 1)), " in host name"));
    }
    ++i;
  }
  return absl::OkStatus();
}

bool ValidOptionalPort(absl::string_view port) {
  if (port.empty()) return true;
  return port[0] == ':' &&
         std::all_of(port.begin() + 1, port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool ValidEncoded(absl::string_view s, UrlPart part) {
  return std::all_of(s.begin(), s.end(), [part](char c) {
    return absl::string_view("!$&'()*+,;=:@[]%").find(c) != absl::string_view::npos ||
           !ShouldEscape(c, part);
  });
}

bool ValidUserInfo(absl::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           absl::string_view("-._:~!$&'()*+,;=%@").find(c) != absl::string_view::npos;
  });
}

absl::StatusOr<std::string> ParseIpLiteral(absl::string_view host) {
  const size_t close = host.rfind(']');
  if (close == absl::string_view::npos) return Bad("missing ']' in host");
  const absl::string_view port = host.substr(close + 1);
  if (!ValidOptionalPort(port))
    return Bad(absl::StrCat("invalid port ", Quote(port), " after host"));
  const absl::string_view name = host.substr(1, close - 1);
  std::string plain;
  const size_t zone = name.find("%25");
  if (zone == absl::string_view::npos) {
    ASSIGN_OR_RETURN(plain, UnescapeUrl(name, UrlPart::kHost));
  } else {
    ASSIGN_OR_RETURN(const std::string address, UnescapeUrl(name.substr(0, zone), UrlPart::kHost));
    ASSIGN_OR_RETURN(const std::string zone_text, UnescapeUrl(name.substr(zone), UrlPart::kZone));
    plain = address + zone_text;
  }
  const std::string address = plain.substr(0, plain.find('%'));
  in6_addr six;
  in_addr four;
  if (inet_pton(AF_INET, address.c_str(), &four) == 1) return Bad("invalid IP-literal");
  if (inet_pton(AF_INET6, address.c_str(), &six) != 1) {
    return Bad(absl::StrCat("invalid host: ParseAddr(", Quote(plain), "): unable to parse IP"));
  }
  return absl::StrCat("[", plain, "]", port);
}

absl::StatusOr<std::string> ParseHost(absl::string_view scheme, absl::string_view host) {
  const size_t open = host.rfind('[');
  if (open == 0) return ParseIpLiteral(host);
  if (open != absl::string_view::npos) return Bad("invalid IP-literal");
  size_t colon = host.find(':');
  if (colon != absl::string_view::npos) {
    if (scheme != "http" && scheme != "https") colon = host.rfind(':');
    const absl::string_view port = host.substr(colon);
    if (!ValidOptionalPort(port))
      return Bad(absl::StrCat("invalid port ", Quote(port), " after host"));
  }
  return UnescapeUrl(host, UrlPart::kHost);
}

absl::Status ParseAuthority(absl::string_view authority, Url* url) {
  const size_t at = authority.rfind('@');
  const absl::string_view host =
      at == absl::string_view::npos ? authority : authority.substr(at + 1);
  ASSIGN_OR_RETURN(url->host, ParseHost(url->scheme, host));
  if (at == absl::string_view::npos) return absl::OkStatus();
  const absl::string_view info = authority.substr(0, at);
  if (!ValidUserInfo(info)) return Bad("net/url: invalid userinfo");
  UserInfo user;
  const size_t colon = info.find(':');
  ASSIGN_OR_RETURN(user.username, UnescapeUrl(info.substr(0, colon), UrlPart::kUserPassword));
  if (colon != absl::string_view::npos) {
    ASSIGN_OR_RETURN(user.password, UnescapeUrl(info.substr(colon + 1), UrlPart::kUserPassword));
  }
  url->user = std::move(user);
  return absl::OkStatus();
}

// Splits the scheme off. Empty where there is none.
absl::Status TakeScheme(absl::string_view* raw, std::string* scheme) {
  for (size_t i = 0; i < raw->size(); ++i) {
    const char c = (*raw)[i];
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') continue;
    if ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.') {
      if (i == 0) return absl::OkStatus();
      continue;
    }
    if (c != ':') return absl::OkStatus();
    if (i == 0) return Bad("missing protocol scheme");
    *scheme = ToLower(raw->substr(0, i));
    raw->remove_prefix(i + 1);
    return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::StatusOr<Url> Parse(absl::string_view raw) {
  Url url;
  for (const char c : raw) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      return Bad("net/url: invalid control character in URL");
    }
  }
  if (raw == "*") {
    url.path = "*";
    return url;
  }
  absl::string_view rest = raw;
  RETURN_IF_ERROR(TakeScheme(&rest, &url.scheme));
  const size_t question = rest.find('?');
  if (question != absl::string_view::npos && question + 1 == rest.size()) {
    url.force_query = true;
  } else if (question != absl::string_view::npos) {
    url.raw_query = std::string(rest.substr(question + 1));
  }
  rest = rest.substr(0, question);
  if (!absl::StartsWith(rest, "/")) {
    if (!url.scheme.empty()) {
      url.opaque = std::string(rest);
      return url;
    }
    if (rest.substr(0, rest.find('/')).find(':') != absl::string_view::npos) {
      return Bad("first path segment in URL cannot contain colon");
    }
  }
  if ((!url.scheme.empty() || !absl::StartsWith(rest, "///")) && absl::StartsWith(rest, "//")) {
    const size_t slash = rest.find('/', 2);
    RETURN_IF_ERROR(
        ParseAuthority(rest.substr(2, slash == absl::string_view::npos ? slash : slash - 2), &url));
    rest = slash == absl::string_view::npos ? absl::string_view() : rest.substr(slash);
  } else if (!url.scheme.empty() && absl::StartsWith(rest, "/")) {
    url.omit_host = true;
  }
  ASSIGN_OR_RETURN(url.path, UnescapeUrl(rest, UrlPart::kPath));
  if (EscapeUrl(url.path, UrlPart::kPath) != std::string(rest)) url.raw_path = std::string(rest);
  return url;
}

// The raw form where it is a valid encoding of the plain one.
std::string Escaped(const std::string& raw, const std::string& plain, UrlPart part) {
  if (!raw.empty() && ValidEncoded(raw, part)) {
    const absl::StatusOr<std::string> decoded = UnescapeUrl(raw, part);
    if (decoded.ok() && *decoded == plain) return raw;
  }
  if (part == UrlPart::kPath && plain == "*") return plain;
  return EscapeUrl(plain, part);
}

absl::Status ParseFailed(absl::string_view raw, const absl::Status& status) {
  return Bad(absl::StrCat("parse ", Quote(raw), ": ", status.message()));
}

}  // namespace

std::string EscapeUrl(absl::string_view text, UrlPart part) {
  std::string out;
  for (const char ch : text) {
    const auto c = static_cast<unsigned char>(ch);
    if (!ShouldEscape(ch, part)) {
      out.push_back(ch);
    } else if (c == ' ' && part == UrlPart::kQuery) {
      out.push_back('+');
    } else {
      out.push_back('%');
      out.push_back("0123456789ABCDEF"[c >> 4]);
      out.push_back("0123456789ABCDEF"[c & 15]);
    }
  }
  return out;
}

absl::StatusOr<std::string> UnescapeUrl(absl::string_view text, UrlPart part) {
  RETURN_IF_ERROR(CheckEscapes(text, part));
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      out.push_back(static_cast<char>(HexDigit(text[i + 1]) << 4 | HexDigit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' && part == UrlPart::kQuery ? ' ' : text[i]);
    }
  }
  return out;
}

std::string UserInfo::ToString() const {
  std::string out = EscapeUrl(username, UrlPart::kUserPassword);
  if (password.has_value())
    absl::StrAppend(&out, ":", EscapeUrl(*password, UrlPart::kUserPassword));
  return out;
}

std::string Url::Hostname() const {
  absl::string_view name = host;
  const size_t colon = name.rfind(':');
  if (colon != absl::string_view::npos && ValidOptionalPort(name.substr(colon)))
    name = name.substr(0, colon);
  if (absl::StartsWith(name, "[") && absl::EndsWith(name, "]"))
    name = name.substr(1, name.size() - 2);
  return std::string(name);
}

std::string Url::ToString() const {
  std::string out;
  if (!scheme.empty()) absl::StrAppend(&out, scheme, ":");
  if (!opaque.empty()) {
    out += opaque;
  } else {
    const bool authority = !scheme.empty() || !host.empty() || user.has_value();
    if (authority && !(omit_host && host.empty() && !user.has_value())) {
      if (!host.empty() || !path.empty() || user.has_value()) out += "//";
      if (user.has_value()) absl::StrAppend(&out, user->ToString(), "@");
      if (!host.empty()) out += EscapeUrl(host, UrlPart::kHost);
    }
    const std::string escaped = Escaped(raw_path, path, UrlPart::kPath);
    if (!escaped.empty() && escaped[0] != '/' && !host.empty()) out += "/";
    if (out.empty() && escaped.substr(0, escaped.find('/')).find(':') != std::string::npos)
      out += "./";
    out += escaped;
  }
  if (force_query || !raw_query.empty()) absl::StrAppend(&out, "?", raw_query);
  if (!fragment.empty())
    absl::StrAppend(&out, "#", Escaped(raw_fragment, fragment, UrlPart::kFragment));
  return out;
}

absl::StatusOr<Url> ParseUrl(absl::string_view raw) {
  const size_t hash = raw.find('#');
  const absl::string_view front = raw.substr(0, hash);
  absl::StatusOr<Url> url = Parse(front);
  if (!url.ok()) return ParseFailed(front, url.status());
  if (hash == absl::string_view::npos || hash + 1 == raw.size()) return url;
  const absl::string_view fragment = raw.substr(hash + 1);
  const absl::StatusOr<std::string> plain = UnescapeUrl(fragment, UrlPart::kFragment);
  if (!plain.ok()) return ParseFailed(raw, plain.status());
  url->fragment = *plain;
  if (EscapeUrl(*plain, UrlPart::kFragment) != std::string(fragment))
    url->raw_fragment = std::string(fragment);
  return url;
}

}  // namespace leidang::generators::go
