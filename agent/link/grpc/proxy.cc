#include "agent/link/grpc/proxy.h"

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace leidang::agent {
namespace {

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

std::string ProxyFor(const std::string& target) {
  const std::string value = Environment("HTTPS_PROXY", "https_proxy");
  if (value.empty() || IsExempt(target)) return "";
  absl::string_view proxy = value;
  absl::ConsumePrefix(&proxy, "http://");
  proxy = proxy.substr(0, proxy.find('/'));
  const bool has_port = proxy.rfind(':') != absl::string_view::npos && !absl::EndsWith(proxy, "]");
  return has_port ? std::string(proxy) : absl::StrCat(proxy, ":80");
}

}  // namespace leidang::agent
