#include "tests/support/fleet/in_process_edge.h"

#include <optional>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace leidang::testing {
namespace {

constexpr size_t kChunkBytes = 256u << 10;

void Count(const v1::HubMessage& message, Traffic* traffic) {
  switch (message.message_case()) {
    case v1::HubMessage::kWelcome:
      ++traffic->welcomes;
      if (message.welcome().mode() == v1::Welcome::RESUME) ++traffic->resumes;
      break;
    case v1::HubMessage::kChanges:
      for (const v1::Change& change : message.changes().changes())
        ++(change.has_tombstone() ? traffic->tombstones : traffic->puts);
      break;
    case v1::HubMessage::kBucketRequest:
      ++traffic->compares;
      break;
    default:
      break;
  }
}

}  // namespace

// Session loop, but for the loop itself.
struct InProcessEdge::Shared {
  explicit Shared(EventLoop& l) : loop(l) {}

  EventLoop& loop;
  hub::SessionTable* table = nullptr;
  Admits admits;
  uint64_t begun = 0;
  std::map<uint64_t, std::shared_ptr<InProcessStream>> streams;  // In the order of their coming.
  std::map<intent::ClusterId, Traffic> traffic;
};

// One stream. `observer` is of the agent's loop, all else of the session loop.
struct InProcessStream : std::enable_shared_from_this<InProcessStream> {
  InProcessStream(std::shared_ptr<InProcessEdge::Shared> e, const intent::ClusterId& c,
                  EventLoop& loop, agent::StreamObserver* o)
      : edge(std::move(e)), cluster(c), agent_loop(loop), observer(o) {}

  class HubEnd final : public hub::AgentStream {
   public:
    explicit HubEnd(std::shared_ptr<InProcessStream> stream) : stream_(std::move(stream)) {}
    ~HubEnd() override {
      if (closed_) return;
      stream_->told = true;
      stream_->End(absl::UnavailableError("the hub ended the stream"));
    }
    void Write(v1::HubMessage message) override {
      CHECK(!stream_->to_agent.has_value());
      Count(message, &stream_->edge->traffic[stream_->cluster]);
      stream_->to_agent = std::move(message);
      stream_->PumpToAgent();
    }
    void Read() override {
      stream_->hub_reads = true;
      stream_->PumpToHub();
    }
    void Close(absl::Status status) override {
      closed_ = true;
      stream_->told = true;
      stream_->closing = std::move(status);
      stream_->PumpToAgent();
    }

   private:
    const std::shared_ptr<InProcessStream> stream_;
    bool closed_ = false;
  };

  void Begin() {
    if (edge->table == nullptr || !edge->admits(cluster)) {
      const bool nobody = edge->table == nullptr;
      over = told = true;
      return ToAgent([nobody](agent::StreamObserver* o) {
        o->OnClosed(nobody ? absl::UnavailableError("nobody listens")
                           : absl::UnauthenticatedError("the cluster is not registered"));
      });
    }
    number = ++edge->begun;
    edge->streams[number] = shared_from_this();
    id = edge->table->Accept(cluster, std::make_unique<HubEnd>(shared_from_this()));
    ToAgent([](agent::StreamObserver* o) { o->OnOpen(); });
  }

  void ToAgent(std::function<void(agent::StreamObserver*)> fn) {
    agent_loop.Post([self = shared_from_this(), fn = std::move(fn)] {
      if (self->observer != nullptr) fn(self->observer);
    });
  }
  void PumpToAgent() {
    if (over) return;
    if (to_agent.has_value()) {
      if (!agent_reads) return;
      agent_reads = false;
      auto message = std::make_shared<v1::HubMessage>(*std::exchange(to_agent, std::nullopt));
      ToAgent([message](agent::StreamObserver* o) { o->OnMessage(std::move(*message)); });
      if (!told) edge->loop.Post([self = shared_from_this()] { self->TellWritten(); });
    }
    if (closing.has_value()) End(*closing);
  }
  void TellWritten() {
    if (!told && edge->table != nullptr) edge->table->Written(id);
  }
  void PumpToHub() {
    if (over || told || !hub_reads || !to_hub.has_value()) return;
    hub_reads = false;
    v1::AgentMessage message = *std::exchange(to_hub, std::nullopt);
    ToAgent([](agent::StreamObserver* o) { o->OnWritten(); });
    edge->table->Received(id, std::move(message));
  }
  // The agent's end is told, if it is still there.
  void End(const absl::Status& status) {
    if (std::exchange(over, true)) return;
    ToAgent([status](agent::StreamObserver* o) { o->OnClosed(status); });
    edge->streams.erase(number);
  }
  // The agent has hung up, or the connection broke.
  void Gone(const absl::Status& status) {
    if (!std::exchange(told, true) && edge->table != nullptr) edge->table->Closed(id, status);
    End(status);
  }

  const std::shared_ptr<InProcessEdge::Shared> edge;
  const intent::ClusterId cluster;
  EventLoop& agent_loop;
  agent::StreamObserver* observer;

  uint64_t number = 0;  // 0 until it has begun.
  hub::SessionId id = 0;
  std::optional<v1::HubMessage> to_agent;
  std::optional<v1::AgentMessage> to_hub;
  std::optional<absl::Status> closing;
  bool agent_reads = false;
  bool hub_reads = false;
  bool told = false;  // The table hears no more of it.
  bool over = false;  // Nor does the agent.
};

namespace {

class AgentEnd final : public agent::Stream {
 public:
  explicit AgentEnd(std::shared_ptr<InProcessStream> stream, EventLoop& hub_loop)
      : stream_(std::move(stream)), hub_loop_(hub_loop) {
    hub_loop_.Post([s = stream_] { s->Begin(); });
  }
  ~AgentEnd() override {
    stream_->observer = nullptr;
    hub_loop_.Post([s = stream_] { s->Gone(absl::CancelledError("the agent hung up")); });
  }
  void Write(v1::AgentMessage message) override {
    auto shared = std::make_shared<v1::AgentMessage>(std::move(message));
    hub_loop_.Post([s = stream_, shared] {
      s->to_hub = std::move(*shared);
      s->PumpToHub();
    });
  }
  void Read() override {
    hub_loop_.Post([s = stream_] {
      s->agent_reads = true;
      s->PumpToAgent();
    });
  }
  void Finish() override {
    hub_loop_.Post([s = stream_] { s->Gone(absl::OkStatus()); });
  }

 private:
  const std::shared_ptr<InProcessStream> stream_;
  EventLoop& hub_loop_;
};

}  // namespace

// One content call. `observer` is of the agent's loop.
class InProcessFetch final : public agent::Fetch {
 public:
  struct Call {
    EventLoop& agent_loop;
    agent::FetchObserver* observer;
  };

  InProcessFetch(std::shared_ptr<InProcessEdge::Shared> edge, const intent::ClusterId& cluster,
                 EventLoop& agent_loop, const object::Sha256& digest, uint64_t offset,
                 agent::FetchObserver* observer)
      : call_(std::make_shared<Call>(Call{agent_loop, observer})) {
    EventLoop& loop = edge->loop;
    loop.Post([call = call_, edge = std::move(edge), cluster, digest, offset] {
      Serve(call, *edge, cluster, digest, offset);
    });
  }
  ~InProcessFetch() override { call_->observer = nullptr; }

 private:
  static void Tell(const std::shared_ptr<Call>& call,
                   std::function<void(agent::FetchObserver*)> fn) {
    call->agent_loop.Post([call, fn = std::move(fn)] {
      if (call->observer != nullptr) fn(call->observer);
    });
  }
  static void End(const std::shared_ptr<Call>& call, const absl::Status& status) {
    Tell(call, [status](agent::FetchObserver* o) { o->OnFetched(status); });
  }
  static void Serve(const std::shared_ptr<Call>& call, InProcessEdge::Shared& edge,
                    const intent::ClusterId& cluster, const object::Sha256& digest,
                    uint64_t offset) {
    if (edge.table == nullptr || !edge.admits(cluster))
      return End(call, absl::UnavailableError("nobody listens"));
    ++edge.traffic[cluster].contents;
    const absl::StatusOr<std::unique_ptr<hub::ContentSender>> sender =
        edge.table->content().Open(cluster, digest, offset);
    if (!sender.ok()) return End(call, sender.status());
    uint64_t total = (*sender)->total();
    for (std::string chunk = (*sender)->Next(kChunkBytes); !chunk.empty();
         chunk = (*sender)->Next(kChunkBytes)) {
      Tell(call, [chunk, total](agent::FetchObserver* o) { o->OnChunk(chunk, total); });
      total = 0;
    }
    End(call, absl::OkStatus());
  }

  const std::shared_ptr<Call> call_;
};

InProcessEdge::InProcessEdge(EventLoop& session_loop)
    : shared_(std::make_shared<Shared>(session_loop)) {}
InProcessEdge::~InProcessEdge() = default;

void InProcessEdge::Open(hub::SessionTable* table, Admits admits) {
  shared_->table = table;
  shared_->admits = std::move(admits);
}

const Traffic& InProcessEdge::TrafficOf(const intent::ClusterId& cluster) {
  return shared_->traffic[cluster];
}

void InProcessEdge::Close() {
  const auto streams = std::exchange(shared_->streams, {});
  for (const auto& [number, stream] : streams) {
    stream->told = true;
    stream->End(absl::UnavailableError("connection reset"));
  }
  shared_->table = nullptr;
}

std::unique_ptr<agent::Transport> InProcessEdge::TransportOf(const intent::ClusterId& cluster,
                                                             EventLoop& agent_loop) const {
  class Dialler final : public agent::Transport {
   public:
    Dialler(std::shared_ptr<Shared> edge, const intent::ClusterId& cluster, EventLoop& loop)
        : edge_(std::move(edge)), cluster_(cluster), loop_(loop) {}
    std::unique_ptr<agent::Stream> Open(const agent::HubAddress&,
                                        agent::StreamObserver* observer) override {
      return std::make_unique<AgentEnd>(
          std::make_shared<InProcessStream>(edge_, cluster_, loop_, observer), edge_->loop);
    }

   private:
    const std::shared_ptr<Shared> edge_;
    const intent::ClusterId cluster_;
    EventLoop& loop_;
  };
  return std::make_unique<Dialler>(shared_, cluster, agent_loop);
}

std::unique_ptr<agent::ContentSource> InProcessEdge::ContentOf(const intent::ClusterId& cluster,
                                                               EventLoop& agent_loop) const {
  class Source final : public agent::ContentSource {
   public:
    Source(std::shared_ptr<Shared> edge, const intent::ClusterId& cluster, EventLoop& loop)
        : edge_(std::move(edge)), cluster_(cluster), loop_(loop) {}
    std::unique_ptr<agent::Fetch> Start(const object::Sha256& digest, uint64_t offset,
                                        agent::FetchObserver* observer) override {
      return std::make_unique<InProcessFetch>(edge_, cluster_, loop_, digest, offset, observer);
    }

   private:
    const std::shared_ptr<Shared> edge_;
    const intent::ClusterId cluster_;
    EventLoop& loop_;
  };
  return std::make_unique<Source>(shared_, cluster, agent_loop);
}

}  // namespace leidang::testing
