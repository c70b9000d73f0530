#include "agent/link/grpc/grpc_transport.h"

#include <utility>

#include "absl/base/thread_annotations.h"

#include "common/base/mutex.h"
#include "leidang/v1/link.grpc.pb.h"

namespace leidang::agent {

// The gRPC side of one stream. Lives until gRPC is done with it, which may be after the Stream has
// gone: then its callbacks find `observer_` null on the loop. gRPC's threads post and return;
// operations are started under the mutex, so that none begins on a call that has ended.
class GrpcTransport::StreamCall final
    : public grpc::ClientBidiReactor<v1::AgentMessage, v1::HubMessage>,
      public std::enable_shared_from_this<StreamCall> {
 public:
  StreamCall(std::shared_ptr<LoopGate> loop, const std::shared_ptr<grpc::Channel>& channel,
             StreamObserver* observer)
      : loop_(std::move(loop)), stub_(v1::AgentLink::NewStub(channel)), observer_(observer) {}

  void Begin() {
    loop_->Begin();
    self_ = shared_from_this();
    stub_->async()->Connect(&context_, this);
    AddHold();  // Reads and writes are started outside reactions.
    StartCall();
  }

  void Write(v1::AgentMessage message) ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (released_) return;
    outgoing_ = std::move(message);
    StartWrite(&outgoing_);
  }

  void Read() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (released_) return;
    StartRead(&incoming_);
  }

  void Finish() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (released_) return;
    StartWritesDone();
  }

  // On the loop: no callback from here on.
  void Abandon() ABSL_LOCKS_EXCLUDED(mu_) {
    observer_ = nullptr;
    context_.TryCancel();
    Release();
  }

  void OnReadInitialMetadataDone(bool ok) override {
    // Refused, or never connected: no read or write is under way that could tell.
    if (!ok) return Release();
    Post([](StreamObserver* observer) { observer->OnOpen(); });
  }
  void OnReadDone(bool ok) override {
    if (!ok) return Release();
    auto message = std::make_shared<v1::HubMessage>(std::move(incoming_));
    incoming_ = v1::HubMessage();
    Post([message](StreamObserver* observer) { observer->OnMessage(std::move(*message)); });
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Release();
    Post([](StreamObserver* observer) { observer->OnWritten(); });
  }
  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<LoopGate> gate = loop_;  // This may be gone when End returns.
    gate->End(std::move(self_), [this, status = FromGrpc(status)] {
      if (observer_ != nullptr) observer_->OnClosed(status);
    });
  }

 private:
  // The hold goes once: gRPC may then end the call.
  void Release() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (released_) return;
    released_ = true;
    RemoveHold();
  }

  void Post(std::function<void(StreamObserver*)> fn) {
    loop_->Post([self = shared_from_this(), fn = std::move(fn)] {
      if (self->observer_ != nullptr) fn(self->observer_);
    });
  }

  const std::shared_ptr<LoopGate> loop_;
  const std::unique_ptr<v1::AgentLink::Stub> stub_;
  StreamObserver* observer_;  // Loop only.
  grpc::ClientContext context_;
  v1::AgentMessage outgoing_;
  v1::HubMessage incoming_;
  std::shared_ptr<StreamCall> self_;  // Until OnDone.

  Mutex mu_;
  bool released_ ABSL_GUARDED_BY(mu_) = false;
};

class GrpcTransport::GrpcStream final : public Stream {
 public:
  explicit GrpcStream(std::shared_ptr<StreamCall> call) : call_(std::move(call)) {}
  ~GrpcStream() override { call_->Abandon(); }

  void Write(v1::AgentMessage message) override { call_->Write(std::move(message)); }
  void Read() override { call_->Read(); }
  void Finish() override { call_->Finish(); }

 private:
  const std::shared_ptr<StreamCall> call_;
};

namespace {

// A stream that could not be opened at all: it says so, later.
class FailedStream final : public Stream {
 public:
  FailedStream(EventLoop& loop, StreamObserver* observer, absl::Status status)
      : observer_(std::make_shared<StreamObserver*>(observer)) {
    loop.Post([observer = observer_, status = std::move(status)] {
      if (*observer != nullptr) (*observer)->OnClosed(status);
    });
  }
  ~FailedStream() override { *observer_ = nullptr; }

  void Write(v1::AgentMessage) override {}
  void Read() override {}
  void Finish() override {}

 private:
  const std::shared_ptr<StreamObserver*> observer_;
};

}  // namespace

class GrpcTransport::FetchCall final : public grpc::ClientReadReactor<v1::FetchChunk>,
                                       public std::enable_shared_from_this<FetchCall> {
 public:
  FetchCall(std::shared_ptr<LoopGate> loop, const std::shared_ptr<grpc::Channel>& channel,
            FetchObserver* observer)
      : loop_(std::move(loop)), stub_(v1::AgentLink::NewStub(channel)), observer_(observer) {}

  void Begin(const object::Sha256& digest, uint64_t offset) {
    loop_->Begin();
    self_ = shared_from_this();
    request_.set_digest(digest.Raw());
    request_.set_offset(offset);
    stub_->async()->Fetch(&context_, &request_, this);
    AddHold();
    StartRead(&chunk_);
    StartCall();
  }

  void Abandon() ABSL_LOCKS_EXCLUDED(mu_) {
    observer_ = nullptr;
    context_.TryCancel();
    Release();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Release();
    loop_->Post([self = shared_from_this()] { self->Deliver(); });
  }
  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<LoopGate> gate = loop_;  // This may be gone when End returns.
    gate->End(std::move(self_), [this, status = FromGrpc(status)] {
      if (observer_ != nullptr) observer_->OnFetched(status);
    });
  }

 private:
  void Deliver() ABSL_LOCKS_EXCLUDED(mu_) {
    if (observer_ == nullptr) return;
    observer_->OnChunk(std::move(*chunk_.mutable_data()), chunk_.total());
    MutexLock lock(&mu_);
    if (released_) return;
    chunk_.Clear();
    StartRead(&chunk_);
  }

  void Release() ABSL_LOCKS_EXCLUDED(mu_) {
    MutexLock lock(&mu_);
    if (released_) return;
    released_ = true;
    RemoveHold();
  }

  const std::shared_ptr<LoopGate> loop_;
  const std::unique_ptr<v1::AgentLink::Stub> stub_;
  FetchObserver* observer_;  // Loop only.
  grpc::ClientContext context_;
  v1::FetchRequest request_;
  v1::FetchChunk chunk_;
  std::shared_ptr<FetchCall> self_;  // Until OnDone.

  Mutex mu_;
  bool released_ ABSL_GUARDED_BY(mu_) = false;
};

class GrpcTransport::GrpcFetch final : public Fetch {
 public:
  explicit GrpcFetch(std::shared_ptr<FetchCall> call) : call_(std::move(call)) {}
  ~GrpcFetch() override { call_->Abandon(); }

 private:
  const std::shared_ptr<FetchCall> call_;
};

namespace {

class FailedFetch final : public Fetch {
 public:
  FailedFetch(EventLoop& loop, FetchObserver* observer, absl::Status status)
      : observer_(std::make_shared<FetchObserver*>(observer)) {
    loop.Post([observer = observer_, status = std::move(status)] {
      if (*observer != nullptr) (*observer)->OnFetched(status);
    });
  }
  ~FailedFetch() override { *observer_ = nullptr; }

 private:
  const std::shared_ptr<FetchObserver*> observer_;
};

}  // namespace

GrpcTransport::GrpcTransport(EventLoop& loop, IdentityFiles files)
    : GrpcTransport(loop, [files = std::move(files)] { return ReadIdentity(files); }) {}
GrpcTransport::GrpcTransport(EventLoop& loop, IdentityReader identity)
    : loop_(loop), gate_(std::make_shared<LoopGate>(loop)), identity_(std::move(identity)) {}
GrpcTransport::~GrpcTransport() { gate_->Close(); }

std::unique_ptr<Stream> GrpcTransport::Open(const HubAddress& hub, StreamObserver* observer) {
  const absl::StatusOr<Identity> identity = identity_();
  if (!identity.ok()) return std::make_unique<FailedStream>(loop_, observer, identity.status());
  channel_ = OpenChannel(hub, *identity);
  auto call = std::make_shared<StreamCall>(gate_, channel_, observer);
  call->Begin();
  return std::make_unique<GrpcStream>(std::move(call));
}

std::unique_ptr<Fetch> GrpcTransport::Start(const object::Sha256& digest, uint64_t offset,
                                            FetchObserver* observer) {
  if (channel_ == nullptr) {
    return std::make_unique<FailedFetch>(loop_, observer,
                                         absl::UnavailableError("there is no connection to a hub"));
  }
  auto call = std::make_shared<FetchCall>(gate_, channel_, observer);
  call->Begin(digest, offset);
  return std::make_unique<GrpcFetch>(std::move(call));
}

}  // namespace leidang::agent
