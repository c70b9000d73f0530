#pragma once

#include <memory>
#include <string>

#include "common/log/log.h"
#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "common/time/thread_loop.h"
#include "hub/auth/certificate_authority.h"
#include "hub/auth/cluster_gate.h"
#include "hub/control/fleet_records.h"
#include "hub/ledger/row_ledger.h"
#include "hub/rpc/agent_link_service.h"
#include "hub/rpc/enrolment_service.h"
#include "hub/rpc/servers.h"
#include "hub/session/session_table.h"
#include "hub/store/memory_rows.h"
#include "hub/store/memory_store.h"

namespace leidang::tests {

// The edges of a hub on loopback, over real TLS: agent port and enrolment, with store and ledger in
// memory.
class TestHub {
 public:
  explicit TestHub(const hub::AdmissionOptions& admission = {},
                   const hub::SessionOptions& session = {});
  ~TestHub();

  // The user port, where certificates are renewed, is closed; and opened again where it was.
  void StopUsers();
  void StartUsers();

  // Registers a cluster and opens its log.
  intent::ClusterId Register(const std::string& name);
  // A join token for it that expires at `expires`.
  std::string Token(const intent::ClusterId& cluster, absl::Time expires);
  // The certificate of an agent of that cluster, made for `csr` at `made`, good for 30 days.
  std::string Certificate(const intent::ClusterId& cluster, const std::string& csr,
                          absl::Time made);
  // Commits and waits.
  absl::Status Commit(hub::WriteBatch batch);

  const intent::HubId& id() const { return id_; }
  const hub::CertificateAuthority& authority() const { return *authority_; }
  const hub::CertificateAndKey& authority_keys() const { return authority_keys_; }
  std::string agents() const;
  int agents_port() const { return servers_.agents_port; }
  std::string users() const;
  absl::Time Now() const { return clock_.Now(); }
  size_t sessions();

 private:
  absl::Status Write(std::vector<hub::change::Any> changes);

  // They go last, since everything below holds them.
  ThreadLoop loop_{"hub"};
  ThreadLoop commits_{"commit"};

  RealClock clock_;
  SystemRandom random_;
  NoLog log_;
  intent::HubId id_;
  hub::MemoryRows store_rows_;
  hub::MemoryRows ledger_rows_;
  hub::CertificateAndKey authority_keys_;
  hub::CertificateAndKey server_keys_;
  std::unique_ptr<hub::CertificateAuthority> authority_;
  std::unique_ptr<hub::Store> store_;
  std::unique_ptr<hub::Ledger> ledger_;
  std::unique_ptr<hub::FleetRecords> records_;
  std::unique_ptr<hub::ClusterGate> gate_;
  std::unique_ptr<hub::SessionTable> table_;
  std::unique_ptr<hub::AgentLinkService> link_;
  std::unique_ptr<hub::EnrolmentService> enrolment_;
  hub::ListeningServers servers_;
  std::set<intent::ClusterId> clusters_;
};

}  // namespace leidang::tests
