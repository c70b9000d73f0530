// Who is let in, over real sockets and TLS: joins, certificates, and those who only pretend.

#include <chrono>
#include <filesystem>
#include <future>
#include <string>

#include "gtest/gtest.h"
#include <sys/stat.h>

#include "agent/link/grpc/grpc_transport.h"
#include "agent/link/grpc/join.h"
#include "common/time/thread_loop.h"
#include "hub/auth/peer_identity.h"
#include "tests/integration/trust/attempt.h"
#include "tests/integration/trust/test_certificates.h"
#include "tests/integration/trust/test_hub.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::tests {
namespace {

using testing::IsOk;
using testing::StatusIs;

constexpr absl::Duration kLong = absl::Hours(1);

class TrustTest : public ::testing::Test {
 protected:
  ~TrustTest() override { loop_.Stop(); }

  absl::Status Connect(const agent::IdentityFiles& files) {
    return ConnectOnce(loop_, files, {hub_.agents(), ""});
  }

  agent::JoinOptions Options(const std::string& token) {
    return {.hub = hub_.users(),
            .token = token,
            .ca_pin = hub_.authority().pin(),
            .timeout = absl::Seconds(10)};
  }

  std::string Uri(const intent::ClusterId& cluster) { return hub::AgentUri({hub_.id(), cluster}); }

  agent::IdentityFiles Identity(const CraftedCertificate& crafted) {
    return WriteIdentity(directory_.path() + "/identity-" + std::to_string(++identities_),
                         crafted.certificate_pem, crafted.key_pem,
                         hub_.authority().certificate_pem());
  }

  TestHub hub_;
  testing::TempDir directory_;
  int identities_ = 0;
  ThreadLoop loop_{"agent"};
};

TEST_F(TrustTest, AnAgentJoinsByItsTokenAndConnectsByItsCertificate) {
  const intent::ClusterId cluster = hub_.Register("staging");
  const std::string identity = directory_.path() + "/agent/identity";
  const auto joined = agent::Join(Options(hub_.Token(cluster, hub_.Now() + kLong)), identity);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->cluster, cluster);
  EXPECT_EQ(joined->hub, hub_.id());
  EXPECT_EQ(joined->cluster_name, "staging");
  EXPECT_EQ(joined->agent_address, hub_.agents());
  const auto read = agent::ReadMembership(identity);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->cluster, cluster);
  struct stat info{};
  ASSERT_EQ(::stat((identity + "/agent.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_THAT(Connect(agent::IdentityFiles::In(identity)), IsOk());
}

// gRPC ends a call on a thread of its own, perhaps when the agent has gone: nothing is posted to a
// loop that is no more.
TEST_F(TrustTest, AnAgentMayEndWhileItsCallsEnd) {
  const intent::ClusterId cluster = hub_.Register("staging");
  const std::string identity = directory_.path() + "/agent/identity";
  ASSERT_TRUE(agent::Join(Options(hub_.Token(cluster, hub_.Now() + kLong)), identity).ok());
  for (int i = 0; i < 20; ++i) {
    Attempt attempt;
    ThreadLoop loop("short");
    agent::GrpcTransport transport(loop, agent::IdentityFiles::In(identity));
    std::promise<void> gone;
    loop.Post([&] {
      std::unique_ptr<agent::Stream> stream = transport.Open({hub_.agents(), ""}, &attempt);
      stream.reset();
      gone.set_value();
    });
    gone.get_future().wait();
  }
}

TEST_F(TrustTest, ATokenIsSpentOnce) {
  const intent::ClusterId cluster = hub_.Register("staging");
  const std::string token = hub_.Token(cluster, hub_.Now() + kLong);
  ASSERT_TRUE(agent::Join(Options(token), directory_.path() + "/first").ok());
  EXPECT_THAT(agent::Join(Options(token), directory_.path() + "/second").status(),
              StatusIs(absl::StatusCode::kUnauthenticated, ::testing::HasSubstr("used already")));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/second"));
}

TEST_F(TrustTest, AnUnknownOrExpiredTokenIsRefused) {
  const intent::ClusterId cluster = hub_.Register("staging");
  EXPECT_THAT(agent::Join(Options("ldg_join_guessed"), directory_.path() + "/a").status(),
              StatusIs(absl::StatusCode::kUnauthenticated, ::testing::HasSubstr("unknown")));
  EXPECT_THAT(
      agent::Join(Options(hub_.Token(cluster, hub_.Now() - kLong)), directory_.path() + "/b")
          .status(),
      StatusIs(absl::StatusCode::kUnauthenticated, ::testing::HasSubstr("expired")));
}

TEST_F(TrustTest, NothingIsSentToAHubWithAnotherAuthority) {
  const intent::ClusterId cluster = hub_.Register("staging");
  const std::string token = hub_.Token(cluster, hub_.Now() + kLong);
  agent::JoinOptions options = Options(token);
  options.ca_pin = "sha256:" + std::string(64, '0');
  EXPECT_THAT(agent::Join(options, directory_.path() + "/a").status(),
              StatusIs(absl::StatusCode::kPermissionDenied, ::testing::HasSubstr("pin")));
  // The token was not shown, so it is still good.
  EXPECT_TRUE(agent::Join(Options(token), directory_.path() + "/b").ok());
}

TEST_F(TrustTest, ASelfSignedCertificateWithARealClustersNameIsRefused) {
  const intent::ClusterId cluster = hub_.Register("production");
  EXPECT_FALSE(Connect(Identity(Craft({Uri(cluster)}, nullptr))).ok());
  EXPECT_EQ(hub_.sessions(), 0u);
}

TEST_F(TrustTest, ACertificateOfAnotherAuthorityIsRefused) {
  const intent::ClusterId cluster = hub_.Register("production");
  TestHub other;
  EXPECT_FALSE(Connect(Identity(Craft({Uri(cluster)}, &other.authority_keys()))).ok());
  EXPECT_EQ(hub_.sessions(), 0u);
}

TEST_F(TrustTest, ACertificateNeedsExactlyOneNameOfARegisteredCluster) {
  const intent::ClusterId cluster = hub_.Register("production");
  const hub::CertificateAndKey* issuer = &hub_.authority_keys();
  EXPECT_THAT(Connect(Identity(Craft({Uri(cluster)}, issuer))), IsOk());
  const auto refused = StatusIs(absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(Connect(Identity(Craft({}, issuer))), refused);
  EXPECT_THAT(Connect(Identity(Craft({Uri(cluster), Uri(cluster)}, issuer))), refused);
  EXPECT_THAT(Connect(Identity(Craft({"https://example.com/"}, issuer))), refused);
  const intent::ClusterId stranger = *intent::ClusterId::FromHex(std::string(32, 'a'));
  EXPECT_THAT(Connect(Identity(Craft({Uri(stranger)}, issuer))), refused);
}

TEST_F(TrustTest, AClientWithoutACertificateIsRefused) {
  hub_.Register("production");
  agent::IdentityFiles none = agent::IdentityFiles::In(directory_.path() + "/none");
  EXPECT_THAT(Connect(none), StatusIs(absl::StatusCode::kNotFound));
  auto channel = grpc::CreateChannel(hub_.agents(), grpc::InsecureChannelCredentials());
  EXPECT_FALSE(channel->WaitForConnected(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(500, GPR_TIMESPAN))))
      << "there must be no plaintext path";
}

TEST_F(TrustTest, ContentOfAnotherClusterIsNotServed) {
  const intent::ClusterId staging = hub_.Register("staging");
  const intent::ClusterId production = hub_.Register("production");
  const std::string bytes = "the secret of production";
  const object::Sha256 digest = object::Sha256::Of(bytes);
  intent::Assignment assignment;
  assignment.key = {intent::EntryKind::kApplication, "leidang/shop"};
  assignment.uid = intent::ComputeUid(hub_.id(), assignment.key, 0);
  assignment.body = "{}";
  assignment.sources.push_back(
      {.repo_url = "https://git.example.com/x.git", .commit = "", .path = ".", .tree = digest});
  hub::WriteBatch batch;
  batch.PutContent(digest, bytes);
  batch.Put(production, assignment);
  ASSERT_THAT(hub_.Commit(std::move(batch)), IsOk());

  Attempt stream_attempt;
  Attempt fetch_attempt;
  agent::GrpcTransport transport(loop_, Identity(Craft({Uri(staging)}, &hub_.authority_keys())));
  std::unique_ptr<agent::Stream> stream;
  std::unique_ptr<agent::Fetch> fetch;
  loop_.Post([&] { stream = transport.Open({hub_.agents(), ""}, &stream_attempt); });
  ASSERT_THAT(stream_attempt.Wait(), IsOk());
  loop_.Post([&] { fetch = transport.Start(digest, 0, &fetch_attempt); });
  EXPECT_THAT(fetch_attempt.Wait(), StatusIs(absl::StatusCode::kPermissionDenied));
  std::promise<void> gone;
  loop_.Post([&] {
    fetch.reset();
    stream.reset();
    gone.set_value();
  });
  gone.get_future().wait();
}

}  // namespace
}  // namespace leidang::tests
