#pragma once

// URLs as Go's package net/url takes them apart and puts them together. Pure; thread-safe.

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leidang::generators::go {

enum class UrlPart { kPath, kHost, kZone, kUserPassword, kQuery, kFragment };

std::string EscapeUrl(absl::string_view text, UrlPart part);
// kInvalidArgument with Go's text: `invalid URL escape "%zz"`.
absl::StatusOr<std::string> UnescapeUrl(absl::string_view text, UrlPart part);

struct UserInfo {
  std::string username;
  std::optional<std::string> password;
  std::string ToString() const;
};

struct Url {
  std::string scheme;
  std::string opaque;
  std::optional<UserInfo> user;
  std::string host;  // With its port.
  std::string path;
  std::string raw_path;  // Only where the plain escaping of `path` would differ.
  std::string raw_query;
  std::string fragment;
  std::string raw_fragment;
  bool force_query = false;
  bool omit_host = false;

  std::string Hostname() const;
  std::string ToString() const;
};

// kInvalidArgument with Go's text: `parse "http://h/%zz": invalid URL escape "%zz"`.
absl::StatusOr<Url> ParseUrl(absl::string_view raw);

}  // namespace leidang::generators::go
