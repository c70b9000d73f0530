#include "tests/integration/trust/test_hub.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/time/waiting.h"
#include "hub/auth/secret_token.h"

namespace leidang::tests {

TestHub::TestHub(const hub::AdmissionOptions& admission, const hub::SessionOptions& session)
    : id_(*intent::HubId::FromRaw(random_.Bytes(16))) {
  authority_keys_ = *hub::CertificateAuthority::Create(id_, clock_.Now(), random_);
  authority_ = *hub::CertificateAuthority::Load(authority_keys_);
  store_ = *hub::OpenMemoryStore(&store_rows_, &commits_);
  ledger_ = *hub::OpenLedger(&ledger_rows_, &commits_);
  gate_ = std::make_unique<hub::ClusterGate>(id_);
  const absl::Status loaded = AwaitOn(loop_, [&](auto done) {
    records_ = std::make_unique<hub::FleetRecords>(loop_, *ledger_, log_);
    table_ = std::make_unique<hub::SessionTable>(loop_, *store_, session, nullptr);
    records_->Load(id_, std::move(done));
  });
  CHECK(loaded.ok());
  server_keys_ = *authority_->IssueServer({.dns = {"localhost", "hub.test"}, .ips = {"127.0.0.1"}},
                                          clock_.Now(), absl::Hours(1), random_);
  link_ = std::make_unique<hub::AgentLinkService>(loop_, *table_, *gate_);
  auto agents = hub::ListenAgents("127.0.0.1:0", server_keys_, authority_->certificate_pem(),
                                  link_.get(), admission);
  CHECK(agents.ok());
  servers_.agents = std::move(agents->server);
  servers_.admission = std::move(agents->admission);
  servers_.agents_port = agents->port;
  servers_.users_port = *hub::FreePort("127.0.0.1:0");
  enrolment_ = std::make_unique<hub::EnrolmentService>(hub::EnrolmentService::Parts{
      loop_, *records_, *authority_, random_, absl::StrCat(":", servers_.agents_port)});
  StartUsers();
}

void TestHub::StopUsers() {
  servers_.users->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
  servers_.users.reset();
}

void TestHub::StartUsers() {
  auto server = hub::ListenUsers(users(), server_keys_, {enrolment_.get()});
  CHECK(server.ok());
  servers_.users = *std::move(server);
}

TestHub::~TestHub() {
  hub::Shutdown(&servers_, absl::Milliseconds(200));
  OnLoop(loop_, [&] { table_.reset(); });
  loop_.Stop();
  commits_.Stop();
}

std::string TestHub::Certificate(const intent::ClusterId& cluster, const std::string& csr,
                                 absl::Time made) {
  const auto certificate =
      authority_->IssueAgent(csr, id_, cluster, made, absl::Hours(24 * 30), random_);
  CHECK(certificate.ok());
  return *certificate;
}

std::string TestHub::agents() const { return absl::StrCat("127.0.0.1:", servers_.agents_port); }
std::string TestHub::users() const { return absl::StrCat("127.0.0.1:", servers_.users_port); }

absl::Status TestHub::Write(std::vector<hub::change::Any> changes) {
  return AwaitOn(loop_, [&](auto done) { records_->Write(std::move(changes), std::move(done)); });
}

absl::Status TestHub::Commit(hub::WriteBatch batch) {
  return AwaitOn(loop_, [&](auto done) {
    store_->Commit(std::move(batch), &loop_,
                   [done](const hub::CommitResult& result) { done(result.status); });
  });
}

intent::ClusterId TestHub::Register(const std::string& name) {
  hub::ClusterRegistration cluster;
  cluster.id = *intent::ClusterId::FromRaw(random_.Bytes(16));
  cluster.name = name;
  cluster.server = absl::StrCat("https://", name, ".leidang.invalid");
  cluster.log = {id_, 1, random_.Next()};
  CHECK(Write({hub::change::PutCluster{cluster}}).ok());
  hub::WriteBatch batch;
  batch.OpenLog(cluster.id, cluster.log);
  CHECK(Commit(std::move(batch)).ok());
  clusters_.insert(cluster.id);
  gate_->Set(clusters_);
  return cluster.id;
}

std::string TestHub::Token(const intent::ClusterId& cluster, absl::Time expires) {
  const hub::SecretToken token = hub::NewSecretToken("join", random_);
  CHECK(Write({hub::change::PutJoinToken{
                  {.hash = token.hash, .cluster = cluster, .expires_at = expires}}})
            .ok());
  return token.text;
}

size_t TestHub::sessions() {
  size_t count = 0;
  OnLoop(loop_, [&] { count = table_->sessions(); });
  return count;
}

}  // namespace leidang::tests
