#include "hub/auth/peer_identity.h"

#include "gtest/gtest.h"

#include "hub/auth/secret_token.h"

namespace leidang::hub {
namespace {

constexpr char kHub[] = "00112233445566778899aabbccddeeff";
constexpr char kCluster[] = "ffeeddccbbaa99887766554433221100";

TEST(PeerIdentity, GoesBothWays) {
  const PeerIdentity identity{*intent::HubId::FromHex(kHub), *intent::ClusterId::FromHex(kCluster)};
  const auto read = IdentityOf({AgentUri(identity)});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, identity);
}

TEST(PeerIdentity, IsRefusedUnlessThereIsExactlyOneUriOfTheRightForm) {
  const std::string good = std::string("spiffe://") + kHub + "/cluster/" + kCluster;
  for (const std::vector<std::string>& uris :
       {std::vector<std::string>{},
        {good, good},
        {"https://" + good.substr(9)},
        {good + "/x"},
        {good.substr(0, 50)},
        {"spiffe://" + std::string(kHub) + "/user/" + kCluster},
        {""},
        {"spiffe://"}}) {
    EXPECT_EQ(IdentityOf(uris).status().code(), absl::StatusCode::kUnauthenticated);
  }
}

TEST(SecretToken, IsDifferentEachTimeAndFoundByItsHash) {
  SeededRandom random(7);
  const SecretToken a = NewSecretToken("join", random);
  const SecretToken b = NewSecretToken("join", random);
  EXPECT_NE(a.text, b.text);
  EXPECT_EQ(a.text.substr(0, 9), "ldg_join_");
  EXPECT_TRUE(SameHash(HashOfToken(a.text), a.hash));
  EXPECT_FALSE(SameHash(HashOfToken(a.text), b.hash));
}

}  // namespace
}  // namespace leidang::hub
