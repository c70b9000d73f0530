// Certificates that end, and agents behind a proxy: over real sockets and TLS.

#include <cstdlib>
#include <future>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

#include "agent/link/grpc/certificate_keeper.h"
#include "agent/link/grpc/join.h"
#include "agent/link/grpc/tls_probe.h"
#include "common/time/thread_loop.h"
#include "leidang/v1/enrolment.grpc.pb.h"
#include "tests/integration/trust/attempt.h"
#include "tests/integration/trust/connect_proxy.h"
#include "tests/integration/trust/test_certificates.h"
#include "tests/integration/trust/test_hub.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leidang::tests {
namespace {

using testing::IsOk;

constexpr absl::Duration kDay = absl::Hours(24);

// Hands the first warning or error to the test.
class FirstTrouble final : public Log {
 public:
  void Write(LogLevel level, absl::string_view, absl::string_view message,
             std::initializer_list<LogField> fields) override {
    if (level < LogLevel::kWarning || told_) return;
    told_ = true;
    std::string text(message);
    for (const LogField& field : fields) absl::StrAppend(&text, " ", field.value);
    trouble_.set_value(text);
  }
  std::string Wait() {
    std::future<std::string> trouble = trouble_.get_future();
    return trouble.wait_for(std::chrono::seconds(10)) == std::future_status::ready ? trouble.get()
                                                                                   : "";
  }

 private:
  bool told_ = false;
  std::promise<std::string> trouble_;
};

class RenewalTest : public ::testing::Test {
 protected:
  RenewalTest() : cluster_(hub_.Register("staging")) {}
  ~RenewalTest() override {
    OnLoop([this] { keeper_.reset(); });
    loop_.Stop();
  }

  void OnLoop(const std::function<void()>& fn) {
    std::promise<void> done;
    loop_.Post([&] {
      fn();
      done.set_value();
    });
    done.get_future().wait();
  }

  // An identity whose certificate was made so long ago; it lasts 30 days.
  void MakeIdentity(absl::Duration age) {
    const auto made = agent::MakeKeyAndRequest();
    ASSERT_TRUE(made.ok());
    files_ = WriteIdentity(directory_.path() + "/identity",
                           hub_.Certificate(cluster_, made->csr_der, hub_.Now() - age),
                           made->key_pem, hub_.authority().certificate_pem());
  }

  void MakeKeeper(absl::Duration look_every = absl::Hours(1)) {
    OnLoop([this, look_every] {
      keeper_ = std::make_unique<agent::CertificateKeeper>(
          loop_, random_, log_,
          agent::CertificateKeeper::Options{
              .hub = hub_.users(), .files = files_, .look_every = look_every});
      keeper_->OnRenewed([this] { renewed_.set_value(); });
    });
  }

  bool AwaitRenewal() {
    return renewed_.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  }

  absl::Status Connect() { return ConnectOnce(loop_, files_, {hub_.agents(), ""}); }
  std::string Certificate() const { return testing::ReadFile(files_.certificate); }

  TestHub hub_;
  const intent::ClusterId cluster_;
  testing::TempDir directory_;
  agent::IdentityFiles files_;
  SystemRandom random_;
  FirstTrouble log_;
  ThreadLoop loop_{"agent"};
  std::promise<void> renewed_;
  std::unique_ptr<agent::CertificateKeeper> keeper_;
};

TEST_F(RenewalTest, ACertificateIsRenewedAtTwoThirdsOfItsLife) {
  MakeIdentity(21 * kDay);
  ASSERT_THAT(Connect(), IsOk());
  MakeKeeper();
  OnLoop([this] { keeper_->Start(); });
  ASSERT_TRUE(AwaitRenewal());
  const auto dates = agent::DatesOf(Certificate());
  ASSERT_TRUE(dates.ok());
  EXPECT_GT(dates->not_after, hub_.Now() + 29 * kDay);
  EXPECT_THAT(Connect(), IsOk());
}

TEST_F(RenewalTest, AHubThatIsDownIsAskedAgainUntilItRenews) {
  MakeIdentity(21 * kDay);
  const std::string before = Certificate();
  hub_.StopUsers();
  MakeKeeper(absl::Milliseconds(50));
  OnLoop([this] { keeper_->Start(); });
  EXPECT_TRUE(absl::StrContains(log_.Wait(), "not renewed; will try again"));
  EXPECT_EQ(Certificate(), before);
  EXPECT_THAT(Connect(), IsOk());
  hub_.StartUsers();
  ASSERT_TRUE(AwaitRenewal());
  EXPECT_NE(Certificate(), before);
}

// gRPC ends the call on a thread of its own, perhaps when the loop is no more.
TEST_F(RenewalTest, AnAgentMayEndWhileItIsRenewed) {
  MakeIdentity(21 * kDay);
  for (int i = 0; i < 20; ++i) {
    ThreadLoop loop("short");
    std::promise<void> gone;
    loop.Post([&] {
      agent::CertificateKeeper keeper(loop, random_, log_, {.hub = hub_.users(), .files = files_});
      keeper.Start();
      gone.set_value();
    });
    gone.get_future().wait();
  }
}

TEST_F(RenewalTest, WhatIsNoCertificateIsNotWrittenOverTheOldOne) {
  MakeIdentity(21 * kDay);
  ASSERT_THAT(agent::WriteIdentityFile(files_.key, "no key", 0600), IsOk());
  const std::string before = Certificate();
  MakeKeeper();
  OnLoop([this] { keeper_->Start(); });
  EXPECT_TRUE(absl::StrContains(log_.Wait(), "key cannot be read"));
  EXPECT_EQ(Certificate(), before);
}

TEST_F(RenewalTest, AYoungCertificateIsLeftAlone) {
  MakeIdentity(19 * kDay);
  const std::string before = Certificate();
  MakeKeeper();
  OnLoop([this] { keeper_->Start(); });
  OnLoop([] {});
  EXPECT_EQ(Certificate(), before);
}

TEST_F(RenewalTest, AnAgentWhoseCertificateEndedWhileItWasAwayAsksWhyAndComesBack) {
  MakeIdentity(40 * kDay);
  ASSERT_FALSE(Connect().ok());
  MakeKeeper();
  OnLoop([this] { keeper_->OnFailure(absl::StatusCode::kUnavailable, 3); });
  EXPECT_TRUE(absl::StrContains(log_.Wait(), "EXPIRED"));
  ASSERT_TRUE(AwaitRenewal());
  EXPECT_THAT(Connect(), IsOk());
}

TEST_F(RenewalTest, ThirtyDaysAfterItsEndItIsRenewedNoMore) {
  MakeIdentity(61 * kDay);
  const std::string before = Certificate();
  MakeKeeper();
  OnLoop([this] { keeper_->Start(); });
  EXPECT_TRUE(absl::StrContains(log_.Wait(), "join with a new token"));
  EXPECT_EQ(Certificate(), before);
}

TEST_F(RenewalTest, ACertificateOfBeforeTheLastJoinIsNotRenewed) {
  MakeIdentity(21 * kDay);
  const auto joined = agent::Join({.hub = hub_.users(),
                                   .token = hub_.Token(cluster_, hub_.Now() + kDay),
                                   .ca_pin = hub_.authority().pin()},
                                  directory_.path() + "/other/identity");
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->enrolment_address, hub_.users());
  MakeKeeper();
  OnLoop([this] { keeper_->Start(); });
  EXPECT_TRUE(absl::StrContains(log_.Wait(), "has joined for this cluster since"));
}

TEST_F(RenewalTest, WhoDoesNotHoldTheKeyGetsNoCertificate) {
  MakeIdentity(21 * kDay);
  const auto other = agent::MakeKeyAndRequest();
  ASSERT_TRUE(other.ok());
  const auto stub = v1::Enrolment::NewStub(
      agent::OpenEnrolmentChannel(hub_.users(), hub_.authority().certificate_pem()));
  grpc::ClientContext context;
  v1::RenewRequest request;
  request.set_certificate_pem(Certificate());
  request.set_csr(other->csr_der);
  v1::RenewResponse response;
  const grpc::Status status = stub->Renew(&context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_TRUE(response.certificate_pem().empty());
}

TEST_F(RenewalTest, AnAgentBehindAProxyJoinsAndConnectsThroughIt) {
  const ConnectProxy proxy;
  ::setenv("HTTPS_PROXY", ("http://" + proxy.address() + "/").c_str(), 1);
  const auto named = [](const std::string& address) {
    return "hub.test" + address.substr(address.rfind(':'));
  };
  const std::string identity = directory_.path() + "/agent/identity";
  const auto joined = agent::Join({.hub = named(hub_.users()),
                                   .token = hub_.Token(cluster_, hub_.Now() + kDay),
                                   .ca_pin = hub_.authority().pin()},
                                  identity);
  EXPECT_TRUE(joined.ok()) << joined.status();
  EXPECT_GE(proxy.connections(), 2u);  // The look at the authority, and the join.
  const uint64_t before = proxy.connections();
  EXPECT_THAT(ConnectOnce(loop_, agent::IdentityFiles::In(identity), {named(hub_.agents()), ""}),
              IsOk());
  EXPECT_GT(proxy.connections(), before);
  ::unsetenv("HTTPS_PROXY");
}

TEST_F(RenewalTest, AProxyThatIsNotThereIsNamed) {
  ::setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
  const auto joined =
      agent::Join({.hub = "hub.test:1", .token = "t", .ca_pin = hub_.authority().pin()},
                  directory_.path() + "/agent/identity");
  const absl::Status connected = [this] {
    MakeIdentity(kDay);
    return ConnectOnce(loop_, files_, {"hub.test:1", ""});
  }();
  ::unsetenv("HTTPS_PROXY");
  EXPECT_THAT(joined.status(), testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(absl::StrContains(joined.status().message(), "the proxy 127.0.0.1:1"))
      << joined.status();
  EXPECT_THAT(connected, testing::StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(RenewalTest, AProxyThatGivesNoWayIsNamed) {
  const ConnectProxy proxy;
  ::setenv("HTTPS_PROXY", proxy.address().c_str(), 1);
  const auto joined =
      agent::Join({.hub = "hub.test:1", .token = "t", .ca_pin = hub_.authority().pin()},
                  directory_.path() + "/agent/identity");
  ::unsetenv("HTTPS_PROXY");
  ASSERT_FALSE(joined.ok());
  EXPECT_TRUE(absl::StrContains(joined.status().message(), proxy.address())) << joined.status();
  EXPECT_TRUE(absl::StrContains(joined.status().message(), "502")) << joined.status();
}

}  // namespace
}  // namespace leidang::tests
