#include "agent/cluster/api_endpoint.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/stat.h>

#include "agent/cluster/api_credentials.h"
#include "common/time/real_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::WriteFile;

class KubeconfigTest : public ::testing::Test {
 protected:
  absl::StatusOr<ApiEndpoint> Read(absl::string_view cluster, absl::string_view user,
                                   absl::string_view context = "") {
    const std::string path = folder_ / "config";
    WriteFile(path, absl::StrCat("apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                                 "contexts: [{name: here, context: {cluster: c, user: u}}]\n"
                                 "clusters: [{name: c, cluster: {",
                                 cluster, "}}]\nusers: [{name: u, user: {", user, "}}]\n"));
    return ReadKubeconfig(path, context);
  }

  testing::TempDir folder_;
};

TEST_F(KubeconfigTest, ReadsCertificatesFromDataAndFromFilesBesideIt) {
  WriteFile(folder_ / "ca.crt", "the authority");
  ASSERT_OK_AND_ASSIGN(
      const ApiEndpoint endpoint,
      Read("server: \"https://10.0.0.1:6443/\", certificate-authority: ca.crt",
           absl::StrCat("client-certificate-data: ", absl::Base64Escape("a certificate"),
                        ", client-key-data: ", absl::Base64Escape("a key"))));
  EXPECT_EQ(endpoint.server, "https://10.0.0.1:6443");
  EXPECT_EQ(endpoint.authority, "the authority");
  EXPECT_EQ(endpoint.client_certificate, "a certificate");
  EXPECT_EQ(endpoint.client_key.Reveal(), "a key");
}

TEST_F(KubeconfigTest, ATokenFileStaysAFile) {
  ASSERT_OK_AND_ASSIGN(const ApiEndpoint endpoint,
                       Read("server: \"https://h\"", "tokenFile: secrets/token"));
  EXPECT_EQ(endpoint.token_file, folder_ / "secrets/token");
}

TEST_F(KubeconfigTest, SaysWhatIsMissing) {
  EXPECT_THAT(ReadKubeconfig(folder_ / "nothing", ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("nothing")));
  EXPECT_THAT(Read("server: \"https://h\"", "token: t", "there"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("context \"there\"")));
  EXPECT_THAT(Read("server: \"https://h\", certificate-authority: none.crt", "token: t"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.crt")));
}

TEST_F(KubeconfigTest, RefusesWhatIsNotVerifiedOrNotSupported) {
  EXPECT_THAT(Read("server: \"http://h\"", "token: t"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no https:// URL")));
  EXPECT_THAT(Read("server: \"https://h\", insecure-skip-tls-verify: true", "token: t"),
              StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(Read("server: \"https://h\"", "auth-provider: {name: gcp}"),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("auth-provider")));
  EXPECT_THAT(
      Read("server: \"https://h\"", "exec: {command: no-such-plugin, installHint: Get it.}"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("Get it.")));
  EXPECT_THAT(Read("server: \"https://h\"", "client-key-data: \"?\""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("client-key-data")));
}

TEST_F(KubeconfigTest, APluginIsRunWhenWhatItGaveExpires) {
  const std::string calls = folder_ / "calls";
  WriteFile(folder_ / "plugin",
            absl::StrCat("#!/bin/sh\necho $1 $STAGE >> ", calls,
                         "\necho '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"t\","
                         "\"expirationTimestamp\":\"2020-01-01T00:00:00Z\"}}'\n"));
  ASSERT_EQ(::chmod((folder_ / "plugin").c_str(), 0700), 0);
  ASSERT_OK_AND_ASSIGN(ApiEndpoint endpoint, Read("server: \"https://h\"",
                                                  "exec: {command: ./plugin, args: [login], "
                                                  "env: [{name: STAGE, value: test}]}"));
  const RealClock clock;
  ApiCredentials credentials(clock, std::move(endpoint));
  ASSERT_OK_AND_ASSIGN(const ApiIdentity identity, credentials.Get());
  EXPECT_EQ(identity.token.Reveal(), "t");
  ASSERT_OK(credentials.Get());
  EXPECT_EQ(testing::ReadFile(calls), "login test\nlogin test\n");
}

TEST_F(KubeconfigTest, APluginThatFailsSaysWhy) {
  WriteFile(folder_ / "plugin", "#!/bin/sh\necho log in first >&2\nexit 1\n");
  ASSERT_EQ(::chmod((folder_ / "plugin").c_str(), 0700), 0);
  ASSERT_OK_AND_ASSIGN(ApiEndpoint endpoint,
                       Read("server: \"https://h\"", "exec: {command: ./plugin}"));
  const RealClock clock;
  ApiCredentials credentials(clock, std::move(endpoint));
  EXPECT_THAT(credentials.Get(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("log in first")));
}

TEST_F(KubeconfigTest, ATokenFileIsReadAgainWhenItsTokenWasRefused) {
  WriteFile(folder_ / "token", "one\n");
  ASSERT_OK_AND_ASSIGN(ApiEndpoint endpoint, Read("server: \"https://h\"", "tokenFile: token"));
  const RealClock clock;
  ApiCredentials credentials(clock, std::move(endpoint));
  ASSERT_OK_AND_ASSIGN(const ApiIdentity first, credentials.Get());
  EXPECT_EQ(first.token.Reveal(), "one");
  WriteFile(folder_ / "token", "two\n");
  ASSERT_OK_AND_ASSIGN(const ApiIdentity still, credentials.Get());
  EXPECT_EQ(still.token.Reveal(), "one");
  credentials.Refused();
  ASSERT_OK_AND_ASSIGN(const ApiIdentity second, credentials.Get());
  EXPECT_EQ(second.token.Reveal(), "two");
}

TEST(ExecCredential, SaysWhatItLacks) {
  absl::Time expires;
  EXPECT_THAT(ReadExecCredential("{}", &expires),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no ExecCredential")));
  EXPECT_THAT(ReadExecCredential(R"({"kind":"ExecCredential"})", &expires),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("neither a token")));
  EXPECT_THAT(
      ReadExecCredential(
          R"({"kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"soon"}})",
          &expires),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is no time")));
}

TEST(InCluster, TakesTheServiceAccountOfThePod) {
  testing::TempDir folder;
  WriteFile(folder / "ca.crt", "the authority");
  WriteFile(folder / "token", "t");
  ASSERT_OK_AND_ASSIGN(const ApiEndpoint endpoint,
                       InClusterEndpoint("fd00::1", "443", folder / ""));
  EXPECT_EQ(endpoint.server, "https://[fd00::1]:443");
  EXPECT_EQ(endpoint.authority, "the authority");
  EXPECT_THAT(InClusterEndpoint("", "", folder / ""), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace leidang::agent
