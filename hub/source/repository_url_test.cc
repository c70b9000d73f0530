#include "hub/source/repository_url.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "hub/source/git_types.h"
#include "hub/source/source_error.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using Scheme = RepositoryUrl::Scheme;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RepositoryUrlTest, EachAcceptedFormIsTakenApart) {
  const struct {
    const char* text;
    Scheme scheme;
    const char* host;
    const char* user;
    const char* password;
    const char* clean;
  } kCases[] = {
      {"https://git.example.com/a/b.git", Scheme::kHttps, "git.example.com", "", "",
       "https://git.example.com/a/b.git"},
      {"HTTPS://u:p%40ss@Git.Example.com:8443/a", Scheme::kHttps, "git.example.com:8443", "u",
       "p@ss", "https://git.example.com:8443/a"},
      {"https://token@h/a", Scheme::kHttps, "h", "token", "", "https://h/a"},
      {"http://h/a", Scheme::kHttp, "h", "", "", "http://h/a"},
      {"ssh://git@h:2222/a/b", Scheme::kSsh, "h:2222", "git", "", "ssh://git@h:2222/a/b"},
      {"git@github.com:org/repo.git", Scheme::kSsh, "github.com", "git", "",
       "git@github.com:org/repo.git"},
      {"file:///srv/repo.git", Scheme::kFile, "", "", "", "file:///srv/repo.git"},
      {"/srv/repo.git", Scheme::kFile, "", "", "", "/srv/repo.git"},
      {"https://[::1]:8443/a", Scheme::kHttps, "[::1]:8443", "", "", "https://[::1]:8443/a"},
  };
  for (const auto& c : kCases) {
    const auto url = RepositoryUrl::Parse(c.text);
    ASSERT_TRUE(url.ok()) << c.text << ": " << url.status();
    EXPECT_EQ(url->scheme, c.scheme) << c.text;
    EXPECT_EQ(url->host, c.host) << c.text;
    EXPECT_EQ(url->user, c.user) << c.text;
    EXPECT_EQ(url->password, c.password) << c.text;
    EXPECT_EQ(url->clean, c.clean) << c.text;
  }
}

TEST(RepositoryUrlTest, WhatCouldMisleadAProgramIsRefused) {
  for (const char* text : {"",
                           "ext::sh -c id",
                           "ext::x",
                           "git://h/a",
                           "ftp://h/a",
                           "-oProxyCommand=id:x",
                           "ssh://-oProxyCommand=id/x",
                           "ssh://-x@h/a",
                           "relative/path",
                           "https://h",
                           "https://h/",
                           "https:///a",
                           "file://relative",
                           "https://h/a\nb",
                           "https://h/a b",
                           "ssh://git:a%0ab@h/x",
                           "https://u:%zz@h/a",
                           "user@host:",
                           "a/b:c",
                           "--upload-pack=x"}) {
    const auto url = RepositoryUrl::Parse(text);
    EXPECT_FALSE(url.ok()) << text;
    EXPECT_EQ(SourceReasonOf(url.status()), SourceReason::kInvalidRepository) << text;
  }
}

TEST(RepositoryUrlTest, MessagesShowNoSecret) {
  EXPECT_EQ(WithoutCredentials("https://u:secret@h/a"), "https://u:***@h/a");
  EXPECT_EQ(WithoutCredentials("https://secret@h/a"), "https://***@h/a");
  EXPECT_EQ(WithoutCredentials("https://u:sec@ret@h/a"), "https://u:***@h/a");
  EXPECT_EQ(WithoutCredentials("ssh://git@h/a"), "ssh://git@h/a");
  EXPECT_EQ(WithoutCredentials("git@h:a"), "git@h:a");
  EXPECT_THAT(RepositoryUrl::Parse("ftp://u:secret@h/a").status().ToString(),
              Not(HasSubstr("secret")));
}

TEST(RepositoryUrlTest, SpellingsOfOneRepositoryAreTheSame) {
  EXPECT_TRUE(SameRepository("https://github.com/org/repo", "https://GitHub.com/org/repo.git"));
  EXPECT_TRUE(SameRepository("git@github.com:org/repo.git", "ssh://git@github.com:22/org/repo"));
  EXPECT_TRUE(SameRepository("https://u:p@h:443/a/", "https://h/a"));
  EXPECT_TRUE(SameRepository("git@github.com:org/repo", "https://github.com/org/repo"));
  EXPECT_FALSE(SameRepository("https://h/a", "https://h/A"));
  EXPECT_FALSE(SameRepository("https://h:8443/a", "https://h/a"));
  EXPECT_FALSE(SameRepository("https://h/a", "https://h/a/b"));
}

TEST(GitTypesTest, PathsHaveOneForm) {
  for (const auto& [text, want] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", ""},
                                                                  {".", ""},
                                                                  {"./", ""},
                                                                  {"a", "a"},
                                                                  {"./a/", "a"},
                                                                  {"a//b", "a/b"},
                                                                  {"a/./b/..", "a"},
                                                                  {"a/../b", "b"},
                                                                  {"..a/b..", "..a/b.."}}) {
    const auto path = NormalizePath(text);
    ASSERT_TRUE(path.ok()) << text;
    EXPECT_EQ(*path, want) << text;
  }
}

TEST(GitTypesTest, PathsThatLeaveTheRepositoryAreRefused) {
  for (const char* text : {"/", "/a", "..", "a/../..", "../a"}) {
    EXPECT_EQ(SourceReasonOf(NormalizePath(text).status()), SourceReason::kPathNotFound) << text;
  }
}

TEST(GitTypesTest, IdsAreFortyHexadecimalDigits) {
  const std::string hex = "0123456789abcdef0123456789abcdef01234567";
  EXPECT_EQ(GitId::FromHex(hex)->Hex(), hex);
  EXPECT_FALSE(GitId::FromHex(hex.substr(1)).has_value());
  EXPECT_FALSE(GitId::FromHex("z" + hex.substr(1)).has_value());
  EXPECT_FALSE(GitId::FromRaw("short").has_value());
}

}  // namespace
}  // namespace leidang::hub
