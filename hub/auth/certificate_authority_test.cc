#include "hub/auth/certificate_authority.h"

#include <cstdlib>
#include <filesystem>

#include "gtest/gtest.h"
#include <sys/stat.h>

#include "hub/auth/openssl_pointers.h"

namespace leidang::hub {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

intent::HubId Hub() { return *intent::HubId::FromHex("00112233445566778899aabbccddeeff"); }
intent::ClusterId Cluster() {
  return *intent::ClusterId::FromHex("ffeeddccbbaa99887766554433221100");
}

std::unique_ptr<CertificateAuthority> Authority(uint64_t seed) {
  SeededRandom random(seed);
  return *CertificateAuthority::Load(*CertificateAuthority::Create(Hub(), kNow, random));
}

std::string Csr(const char* group) {
  PkeyPtr key(EVP_EC_gen(group));
  X509ReqPtr request(X509_REQ_new());
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

X509Ptr Parse(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return X509Ptr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

bool IssuedBy(X509* certificate, const CertificateAuthority& authority) {
  const X509Ptr ca = Parse(authority.certificate_pem());
  return X509_verify(certificate, X509_get0_pubkey(ca.get())) == 1;
}

TEST(CertificateAuthority, SignsAnAgentForItsClusterAlone) {
  const auto authority = Authority(1);
  SeededRandom random(2);
  const auto pem =
      authority->IssueAgent(Csr("P-256"), Hub(), Cluster(), kNow, absl::Hours(24), random);
  ASSERT_TRUE(pem.ok()) << pem.status();
  const X509Ptr certificate = Parse(*pem);
  EXPECT_TRUE(IssuedBy(certificate.get(), *authority));
  EXPECT_FALSE(IssuedBy(certificate.get(), *Authority(3)));
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr));
  ASSERT_EQ(sk_GENERAL_NAME_num(names), 1);
  const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, 0);
  ASSERT_EQ(name->type, GEN_URI);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(
                ASN1_STRING_get0_data(name->d.uniformResourceIdentifier))),
            "spiffe://00112233445566778899aabbccddeeff/cluster/ffeeddccbbaa99887766554433221100");
  GENERAL_NAMES_free(names);
  EXPECT_EQ(X509_check_ca(certificate.get()), 0);
}

TEST(CertificateAuthority, RefusesRequestsThatAreDamagedOrOfAnotherKind) {
  const auto authority = Authority(1);
  SeededRandom random(2);
  std::string damaged = Csr("P-256");
  damaged[damaged.size() - 1] ^= 1;
  for (const std::string& csr : {std::string(), std::string("nonsense"), damaged, Csr("P-384")}) {
    EXPECT_EQ(
        authority->IssueAgent(csr, Hub(), Cluster(), kNow, absl::Hours(1), random).status().code(),
        absl::StatusCode::kInvalidArgument);
  }
}

TEST(CertificateAuthority, PinsItsPublicKey) {
  EXPECT_EQ(Authority(1)->pin().size(), 7u + 64u);
  EXPECT_NE(Authority(1)->pin(), Authority(1)->pin()) << "each authority has a key of its own";
}

TEST(CertificateAuthority, ServerCertificatesNeedAName) {
  const auto authority = Authority(1);
  SeededRandom random(2);
  EXPECT_FALSE(authority->IssueServer({}, kNow, absl::Hours(1), random).ok());
  EXPECT_FALSE(
      authority->IssueServer({.ips = {"not-an-address"}}, kNow, absl::Hours(1), random).ok());
  const auto server = authority->IssueServer({.dns = {"localhost"}, .ips = {"127.0.0.1"}}, kNow,
                                             absl::Hours(1), random);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(IssuedBy(Parse(server->certificate_pem).get(), *authority));
}

class OnDisk : public testing::Test {
 protected:
  OnDisk() {
    std::string pattern = (std::filesystem::temp_directory_path() / "leidang-ca-XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
  }
  ~OnDisk() override { std::filesystem::remove_all(directory_); }

  absl::StatusOr<std::unique_ptr<CertificateAuthority>> Open() {
    return CertificateAuthority::OpenOrCreate(directory_ + "/ca", Hub(), kNow, random_);
  }

  SeededRandom random_{5};
  std::string directory_;
};

TEST_F(OnDisk, IsMadeOnceAndKeptPrivate) {
  const auto first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Open();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*first)->pin(), (*second)->pin());
  struct stat info{};
  ASSERT_EQ(::stat((directory_ + "/ca/ca.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(OnDisk, RefusesAKeyThatOthersCanRead) {
  ASSERT_TRUE(Open().ok());
  ::chmod((directory_ + "/ca/ca.key").c_str(), 0644);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(OnDisk, NeverReplacesHalfAnAuthority) {
  ASSERT_TRUE(Open().ok());
  std::filesystem::remove(directory_ + "/ca/ca.key");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/ca/ca.key"));
}

}  // namespace
}  // namespace leidang::hub
