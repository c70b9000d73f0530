#include "hub/rpc/agent_link_service.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"
#include "common/object/sha256.h"
#include "hub/rpc/to_grpc.h"

namespace leidang::hub {
namespace {

constexpr size_t kChunkBytes = 256 << 10;

// One agent's stream, shared by gRPC (until OnDone) and by the table's session (until it lets go).
// Operations are started under the mutex, so that none begins after Finish.
class AgentCall final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage>,
                        public std::enable_shared_from_this<AgentCall> {
 public:
  AgentCall(EventLoop& loop, SessionTable& table, grpc::CallbackServerContext* context)
      : loop_(loop), table_(table), context_(context) {}

  void Begin(const intent::ClusterId& cluster);

  void Refuse(const absl::Status& status) {
    self_ = shared_from_this();
    End(status);
  }

  void StartWriting(v1::HubMessage message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (finished_) return;
    outgoing_ = std::move(message);
    writing_ = true;
    StartWrite(&outgoing_);
  }

  void StartReading() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (finished_) return;
    StartRead(&incoming_);
  }

  // Ends once what was written has left.
  void End(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (finished_ || ending_) return;
    if (writing_) {
      ending_ = status;
      return;
    }
    FinishLocked(status);
  }

  void Abort() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (finished_) return;
    context_->TryCancel();
    FinishLocked(absl::CancelledError("the session has ended"));
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Gone(absl::OkStatus());
    auto message = std::make_shared<v1::AgentMessage>(std::move(incoming_));
    incoming_ = v1::AgentMessage();
    loop_.Post([self = shared_from_this(), message] {
      if (self->id_ != 0) self->table_.Received(self->id_, *message);
    });
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(&mu_);
      writing_ = false;
      if (ending_ && !finished_) FinishLocked(*ending_);
    }
    if (!ok) return Gone(absl::UnavailableError("the agent's connection is lost"));
    loop_.Post([self = shared_from_this()] {
      if (self->id_ != 0) self->table_.Written(self->id_);
    });
  }

  void OnCancel() override { Gone(absl::UnavailableError("the agent's connection is lost")); }
  void OnDone() override { self_.reset(); }

 private:
  friend class GrpcAgentStream;

  void FinishLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    finished_ = true;
    Finish(ToGrpc(status));
  }

  // The agent has gone: the table is told, and gRPC gets its end.
  void Gone(const absl::Status& status) {
    loop_.Post([self = shared_from_this(), status] {
      if (self->id_ != 0) self->table_.Closed(self->id_, status);
    });
    MutexLock lock(&mu_);
    writing_ = false;
    if (!finished_) FinishLocked(status);
  }

  EventLoop& loop_;
  SessionTable& table_;
  grpc::CallbackServerContext* const context_;
  SessionId id_ = 0;  // Loop only. 0: not accepted yet, or the session has let go.
  v1::AgentMessage incoming_;
  v1::HubMessage outgoing_;
  std::shared_ptr<AgentCall> self_;  // Until OnDone.

  Mutex mu_;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::Status> ending_ ABSL_GUARDED_BY(mu_);
};

class GrpcAgentStream final : public AgentStream {
 public:
  explicit GrpcAgentStream(std::shared_ptr<AgentCall> call) : call_(std::move(call)) {}
  ~GrpcAgentStream() override {
    call_->id_ = 0;
    if (!closed_) call_->Abort();
  }

  void Write(v1::HubMessage message) override { call_->StartWriting(std::move(message)); }
  void Read() override { call_->StartReading(); }
  void Close(absl::Status status) override {
    closed_ = true;
    call_->id_ = 0;
    call_->End(status);
  }

 private:
  const std::shared_ptr<AgentCall> call_;
  bool closed_ = false;
};

void AgentCall::Begin(const intent::ClusterId& cluster) {
  self_ = shared_from_this();
  // The agent takes this as "connected and let in".
  StartSendInitialMetadata();
  loop_.Post([self = shared_from_this(), cluster] {
    self->id_ = self->table_.Accept(cluster, std::make_unique<GrpcAgentStream>(self));
  });
}

// One content on its way to an agent. gRPC's flow control asks for the next piece.
class FetchCall final : public grpc::ServerWriteReactor<v1::FetchChunk>,
                        public std::enable_shared_from_this<FetchCall> {
 public:
  FetchCall(EventLoop& loop, SessionTable& table) : loop_(loop), table_(table) {}

  void Begin(const absl::StatusOr<intent::ClusterId>& cluster, const v1::FetchRequest& request) {
    self_ = shared_from_this();
    const auto digest = object::Sha256::FromRaw(request.digest());
    if (!cluster.ok()) return Finish(ToGrpc(cluster.status()));
    if (!digest) {
      return Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "the digest is not 32 bytes"));
    }
    loop_.Post([self = shared_from_this(), cluster = *cluster, digest = *digest,
                offset = request.offset()] { self->Await(cluster, digest, offset); });
  }

  void OnWriteDone(bool ok) override {
    loop_.Post([self = shared_from_this(), ok] {
      if (!ok) return self->End(absl::UnavailableError("the agent's connection is lost"));
      self->WriteNext();
    });
  }
  void OnCancel() override {
    loop_.Post(
        [self = shared_from_this()] { self->End(absl::CancelledError("the agent has gone")); });
  }
  void OnDone() override {
    loop_.Post([self = shared_from_this()] {
      self->sender_.reset();
      self->self_.reset();
    });
  }

 private:
  // An agent beyond its share waits, and holds up nobody else.
  void After(absl::Duration wait, const std::function<void(FetchCall&)>& next) {
    if (wait <= absl::ZeroDuration()) return next(*this);
    loop_.After(wait, [self = shared_from_this(), next] { next(*self); });
  }

  void Await(const intent::ClusterId& cluster, const object::Sha256& digest, uint64_t offset) {
    After(table_.content().TakeFetch(cluster, loop_.clock().Monotonic()),
          [cluster, digest, offset](FetchCall& call) { call.Open(cluster, digest, offset); });
  }

  void Open(const intent::ClusterId& cluster, const object::Sha256& digest, uint64_t offset) {
    if (ended_) return;
    absl::StatusOr<std::unique_ptr<ContentSender>> sender =
        table_.content().Open(cluster, digest, offset);
    if (!sender.ok()) return End(sender.status());
    sender_ = *std::move(sender);
    chunk_.set_total(sender_->total());
    WriteNext();
  }

  void WriteNext() {
    if (ended_) return;
    std::string bytes = sender_->Next(kChunkBytes);
    const bool last = bytes.empty();
    if (last && chunk_.total() == 0) return End(absl::OkStatus());
    const absl::Duration wait = sender_->Take(bytes.size(), loop_.clock().Monotonic());
    chunk_.set_data(std::move(bytes));
    outgoing_ = std::exchange(chunk_, v1::FetchChunk());
    After(wait, [](FetchCall& call) {
      if (!call.ended_) call.StartWrite(&call.outgoing_);
    });
  }

  void End(const absl::Status& status) {
    if (ended_) return;
    ended_ = true;
    sender_.reset();
    Finish(ToGrpc(status));
  }

  EventLoop& loop_;
  SessionTable& table_;
  std::unique_ptr<ContentSender> sender_;
  v1::FetchChunk chunk_;  // Being filled; has `total` until the first was sent.
  v1::FetchChunk outgoing_;
  bool ended_ = false;
  std::shared_ptr<FetchCall> self_;
};

}  // namespace

absl::StatusOr<intent::ClusterId> AgentLinkService::Authenticate(
    const grpc::CallbackServerContext& context) const {
  std::vector<std::string> uris;
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  if (auth != nullptr && auth->IsPeerAuthenticated()) {
    for (const grpc::string_ref& uri : auth->FindPropertyValues("peer_uri"))
      uris.emplace_back(uri.data(), uri.size());
  }
  absl::StatusOr<PeerIdentity> identity = IdentityOf(uris);
  if (!identity.ok()) return identity.status();
  if (absl::Status status = gate_.Check(*identity); !status.ok()) return status;
  return identity->cluster;
}

grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage>* AgentLinkService::Connect(
    grpc::CallbackServerContext* context) {
  ++arrived_;
  auto call = std::make_shared<AgentCall>(loop_, table_, context);
  AgentCall* reactor = call.get();
  if (const absl::StatusOr<intent::ClusterId> cluster = Authenticate(*context); cluster.ok()) {
    call->Begin(*cluster);
  } else {
    call->Refuse(cluster.status());
  }
  return reactor;
}

grpc::ServerWriteReactor<v1::FetchChunk>* AgentLinkService::Fetch(
    grpc::CallbackServerContext* context, const v1::FetchRequest* request) {
  auto call = std::make_shared<FetchCall>(loop_, table_);
  FetchCall* reactor = call.get();
  call->Begin(Authenticate(*context), *request);
  return reactor;
}

}  // namespace leidang::hub
