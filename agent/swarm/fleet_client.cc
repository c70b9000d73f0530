#include "agent/swarm/fleet_client.h"

#include <future>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/link/grpc/tls_probe.h"
#include "common/base/status_macros.h"

namespace leidang::agent {
namespace {

constexpr absl::Duration kCallDeadline = absl::Minutes(5);

// A unary call with its messages. gRPC and whoever waits share it.
template <typename Request, typename Response>
struct Call {
  grpc::ClientContext context;
  Request request;
  Response response;
};

absl::Status Named(absl::string_view what, const grpc::Status& status) {
  const absl::Status plain = FromGrpc(status);
  if (plain.ok()) return plain;
  return absl::Status(plain.code(), absl::StrCat(what, ": ", plain.message()));
}

}  // namespace

FleetClient::FleetClient(EventLoop& loop, const std::string& hub, std::string authority_pem,
                         std::string token)
    : loop_(loop), authority_pem_(std::move(authority_pem)), token_(std::move(token)) {
  const std::shared_ptr<grpc::Channel> channel = OpenEnrolmentChannel(hub, authority_pem_);
  fleet_ = v1::Fleet::NewStub(channel);
  enrolment_ = v1::Enrolment::NewStub(channel);
}

FleetClient::~FleetClient() = default;

void FleetClient::Prepare(grpc::ClientContext* context) const {
  context->AddMetadata("authorization", absl::StrCat("Bearer ", token_));
  context->set_wait_for_ready(true);
  context->set_deadline(
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(kCallDeadline), GPR_TIMESPAN)));
}

absl::Status FleetClient::All(size_t count,
                              const std::function<void(size_t index, Ended ended)>& start) {
  // On the loop only; the last call that ends says so.
  struct Batch {
    size_t next = 0;
    size_t under_way = 0;
    absl::Status status;
    std::promise<absl::Status> done;
    std::function<void()> more;
  };
  const auto batch = std::make_shared<Batch>();
  batch->more = [this, count, &start, batch] {
    while (batch->next < count && batch->under_way < kAtOnce && batch->status.ok()) {
      ++batch->under_way;
      start(batch->next++, [this, batch](const absl::Status& status) {
        loop_.Post([batch, status] {
          --batch->under_way;
          batch->status.Update(status);
          batch->more();
        });
      });
    }
    if (batch->under_way == 0) batch->done.set_value(batch->status);
  };
  loop_.Post([batch] { batch->more(); });
  const absl::Status status = batch->done.get_future().get();
  // On the loop, where it may still be on the stack: it holds itself.
  loop_.Post([batch] { batch->more = nullptr; });
  return status;
}

absl::StatusOr<std::vector<std::string>> FleetClient::Register(
    const std::vector<std::string>& names) {
  std::vector<std::string> tokens(names.size());
  RETURN_IF_ERROR(All(names.size(), [&](size_t i, Ended ended) {
    auto call = std::make_shared<Call<v1::RegisterClusterRequest, v1::RegisterClusterResponse>>();
    Prepare(&call->context);
    call->request.set_name(names[i]);
    (*call->request.mutable_labels())["swarm"] = i % 2 == 0 ? "even" : "odd";
    call->request.set_token_ttl_seconds(24 * 3600);
    fleet_->async()->RegisterCluster(
        &call->context, &call->request, &call->response,
        [call, ended = std::move(ended), &token = tokens[i]](const grpc::Status& status) {
          token = call->response.token();
          ended(Named("registering a cluster", status));
        });
  }));
  return tokens;
}

absl::StatusOr<std::vector<SwarmIdentity>> FleetClient::Join(
    const std::vector<std::string>& tokens) {
  std::vector<SwarmIdentity> identities(tokens.size());
  RETURN_IF_ERROR(All(tokens.size(), [&](size_t i, Ended ended) {
    absl::StatusOr<KeyAndRequest> made = MakeKeyAndRequest();
    if (!made.ok()) return ended(made.status());
    auto call = std::make_shared<Call<v1::JoinRequest, v1::JoinResponse>>();
    Prepare(&call->context);
    call->request.set_token(tokens[i]);
    call->request.set_csr(std::move(made->csr_der));
    SwarmIdentity& identity = identities[i];
    identity.certificate.key_pem = std::move(made->key_pem);
    identity.certificate.authority_pem = authority_pem_;
    enrolment_->async()->Join(
        &call->context, &call->request, &call->response,
        [call, ended = std::move(ended), &identity](const grpc::Status& status) {
          const auto cluster = intent::ClusterId::FromRaw(call->response.cluster_id());
          if (cluster) identity.cluster = *cluster;
          identity.certificate.certificate_pem = call->response.certificate_pem();
          ended(Named("joining", status));
        });
  }));
  return identities;
}

absl::Status FleetClient::Apply(const std::string& manifest_json) {
  grpc::ClientContext context;
  Prepare(&context);
  v1::ApplyRequest request;
  request.add_manifests(manifest_json);
  v1::ApplyResponse response;
  RETURN_IF_ERROR(Named("applying an object", fleet_->Apply(&context, request, &response)));
  for (const v1::ApplyResult& result : response.results()) {
    if (result.outcome() == v1::ApplyResult::REFUSED)
      return absl::FailedPreconditionError(
          absl::StrCat("the hub refuses ", result.name(), ": ", result.message()));
  }
  return absl::OkStatus();
}

absl::Status FleetClient::Refresh() {
  grpc::ClientContext context;
  Prepare(&context);
  v1::RefreshResponse response;
  return Named("asking for a look at Git",
               fleet_->Refresh(&context, v1::RefreshRequest(), &response));
}

absl::StatusOr<uint64_t> FleetClient::ListApplications(v1::ListRequest request) {
  grpc::ClientContext context;
  Prepare(&context);
  request.set_kind(v1::APPLICATION);
  v1::ListResponse response;
  RETURN_IF_ERROR(Named("listing Applications", fleet_->List(&context, request, &response)));
  return response.counts().total();
}

absl::StatusOr<FleetClient::Census> FleetClient::Count() {
  Census census;
  v1::ListRequest request;
  request.set_kind(v1::CLUSTER);
  request.set_page_size(1'000);
  do {
    grpc::ClientContext context;
    Prepare(&context);
    v1::ListResponse response;
    RETURN_IF_ERROR(Named("listing clusters", fleet_->List(&context, request, &response)));
    for (const v1::Resource& resource : response.items()) {
      const v1::ClusterSummary& cluster = resource.cluster();
      census.connected += cluster.connected() ? 1 : 0;
      census.acknowledged += cluster.acked_revision() == cluster.head_revision() ? 1 : 0;
      census.received += cluster.intent_proven() ? 1 : 0;
      census.in_sync += cluster.applied_proven() ? 1 : 0;
      census.applications += cluster.applications();
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return census;
}

}  // namespace leidang::agent
