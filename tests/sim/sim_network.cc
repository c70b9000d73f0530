#include "tests/sim/sim_network.h"

#include <algorithm>

#include "common/base/check.h"

namespace leidang::sim {

struct SimNetwork::Stream {
  uint64_t id = 0;
  size_t link = 0;
  HubDoor* door = nullptr;
  agent::StreamObserver* observer = nullptr;  // nullptr once the agent's end is gone.
  bool agent_open = false;                    // OnOpen was called.
  bool hub_end = false;                       // The hub's end exists.
  Pipe<v1::AgentMessage> up;
  Pipe<v1::HubMessage> down;
};

// The agent's end. Held by the link.
class SimNetwork::AgentEnd final : public agent::Stream {
 public:
  AgentEnd(SimNetwork& network, std::shared_ptr<SimNetwork::Stream> stream)
      : network_(network), stream_(std::move(stream)) {}

  ~AgentEnd() override {
    stream_->observer = nullptr;
    stream_->down.dead = true;
    stream_->down.items.clear();
    if (network_.silent_) {
      stream_->up.dead = true;
    } else if (!finished_) {
      network_.End(stream_, stream_->up, absl::CancelledError("the agent is gone"));
    }
  }

  void Write(v1::AgentMessage message) override {
    CHECK(stream_->agent_open && !finished_);
    if (network_.tap_ != nullptr) network_.tap_->OnAgentWrote(stream_->link, stream_->id, message);
    network_.Write(stream_, stream_->up, std::move(message));
  }
  void Read() override {
    CHECK(!stream_->down.wanted);
    stream_->down.wanted = true;
    network_.PumpLater(stream_, stream_->down, network_.loop_.clock().Monotonic());
  }
  void Finish() override {
    finished_ = true;
    network_.End(stream_, stream_->up, absl::OkStatus());
  }

 private:
  SimNetwork& network_;
  const std::shared_ptr<SimNetwork::Stream> stream_;
  bool finished_ = false;
};

// The hub's end. Held by the session.
class SimNetwork::HubEnd final : public hub::AgentStream {
 public:
  HubEnd(SimNetwork& network, std::shared_ptr<SimNetwork::Stream> stream)
      : network_(network), stream_(std::move(stream)) {
    stream_->hub_end = true;
  }

  ~HubEnd() override {
    stream_->hub_end = false;
    stream_->up.dead = true;
    stream_->up.items.clear();
    if (closed_) return;
    stream_->down.items.clear();
    if (network_.silent_) {
      stream_->down.dead = true;
    } else {
      network_.End(stream_, stream_->down, absl::UnavailableError("the hub is gone"));
    }
  }

  void Write(v1::HubMessage message) override {
    CHECK(!closed_);
    if (network_.tap_ != nullptr)
      network_.tap_->OnHubWrote(stream_->link, stream_->door, stream_->id, message);
    network_.Write(stream_, stream_->down, std::move(message));
  }
  void Read() override {
    CHECK(!stream_->up.wanted);
    stream_->up.wanted = true;
    network_.PumpLater(stream_, stream_->up, network_.loop_.clock().Monotonic());
  }
  void Close(absl::Status status) override {
    closed_ = true;
    network_.End(stream_, stream_->down, std::move(status));
  }

 private:
  SimNetwork& network_;
  const std::shared_ptr<SimNetwork::Stream> stream_;
  bool closed_ = false;
};

class SimNetwork::LinkTransport final : public agent::Transport {
 public:
  LinkTransport(SimNetwork& network, size_t link) : network_(network), link_(link) {}

  std::unique_ptr<agent::Stream> Open(const agent::HubAddress&,
                                      agent::StreamObserver* observer) override {
    auto stream = std::make_shared<SimNetwork::Stream>();
    stream->id = network_.next_stream_++;
    stream->link = link_;
    stream->door = network_.links_[link_].door;
    stream->observer = observer;
    network_.streams_[stream->id] = stream;
    network_.Open(stream);
    return std::make_unique<AgentEnd>(network_, std::move(stream));
  }

 private:
  SimNetwork& network_;
  const size_t link_;
};

SimNetwork::SimNetwork(SimLoop& loop, Random& random, Trace& trace, NetworkTap* tap)
    : loop_(loop), random_(random), trace_(trace), tap_(tap) {}

SimNetwork::~SimNetwork() = default;

size_t SimNetwork::AddLink(const intent::ClusterId& cluster, HubDoor* door) {
  links_.push_back({.cluster = cluster, .door = door});
  return links_.size() - 1;
}

std::unique_ptr<agent::Transport> SimNetwork::TransportOf(size_t link) {
  return std::make_unique<LinkTransport>(*this, link);
}

absl::Duration SimNetwork::Latency(size_t link) {
  return absl::Microseconds(static_cast<int64_t>(500 + random_.Below(20'000))) + links_[link].extra;
}

bool SimNetwork::IsBlocked(const Stream& stream, const Pipe<v1::AgentMessage>&) const {
  return links_[stream.link].up_blocked;
}
bool SimNetwork::IsBlocked(const Stream& stream, const Pipe<v1::HubMessage>&) const {
  return links_[stream.link].down_blocked;
}

void SimNetwork::Block(size_t link, bool up, bool down) {
  links_[link].up_blocked = up;
  links_[link].down_blocked = down;
  const absl::Duration now = loop_.clock().Monotonic();
  for (const auto& [id, weak] : streams_) {
    const std::shared_ptr<Stream> stream = weak.lock();
    if (stream == nullptr || stream->link != link) continue;
    PumpLater(stream, stream->up, now);
    PumpLater(stream, stream->down, now);
  }
  if (Blocked(link)) return;
  for (const auto& weak : std::exchange(links_[link].arriving, {})) {
    if (const std::shared_ptr<Stream> stream = weak.lock(); stream != nullptr)
      loop_.After(Latency(link), [this, stream] { Arrive(stream); });
  }
}

void SimNetwork::Open(const std::shared_ptr<Stream>& stream) {
  stream->up.deliver = [this, s = stream.get()](v1::AgentMessage message) {
    trace_.Note("to hub",
                {s->id, static_cast<uint64_t>(message.message_case()), message.ByteSizeLong()});
    s->door->Received(s->id, std::move(message));
  };
  stream->up.end = [s = stream.get()](absl::Status status) {
    s->door->Closed(s->id, std::move(status));
  };
  stream->up.written = [s = stream.get()] {
    if (s->observer != nullptr) s->observer->OnWritten();
  };
  stream->down.deliver = [this, s = stream.get()](v1::HubMessage message) {
    trace_.Note("to agent",
                {s->id, static_cast<uint64_t>(message.message_case()), message.ByteSizeLong()});
    if (s->observer != nullptr) s->observer->OnMessage(std::move(message));
  };
  stream->down.end = [s = stream.get()](absl::Status status) {
    if (s->observer != nullptr) std::exchange(s->observer, nullptr)->OnClosed(std::move(status));
  };
  stream->down.written = [s = stream.get()] {
    if (s->hub_end) s->door->Written(s->id);
  };
  // Connecting takes a way there and back, and waits while either is blocked.
  loop_.After(Latency(stream->link), [this, stream] { Arrive(stream); });
}

void SimNetwork::Arrive(const std::shared_ptr<Stream>& stream) {
  if (stream->observer == nullptr) return;
  if (Blocked(stream->link)) {
    std::vector<std::weak_ptr<Stream>>& arriving = links_[stream->link].arriving;
    std::erase_if(arriving, [](const std::weak_ptr<Stream>& other) { return other.expired(); });
    arriving.push_back(stream);
    return;
  }
  if (!stream->door->Accept(stream->id, links_[stream->link].cluster,
                            std::make_unique<HubEnd>(*this, stream))) {
    TellAgent(stream, absl::UnavailableError("connection refused"));
    return;
  }
  loop_.After(Latency(stream->link), [this, stream] { Established(stream); });
}

void SimNetwork::Established(const std::shared_ptr<Stream>& stream) {
  if (stream->observer == nullptr || stream->up.dead) return;
  stream->agent_open = true;
  stream->observer->OnOpen();
}

void SimNetwork::TellAgent(const std::shared_ptr<Stream>& stream, absl::Status status) {
  loop_.After(Latency(stream->link), [stream, status = std::move(status)] {
    if (stream->observer != nullptr) std::exchange(stream->observer, nullptr)->OnClosed(status);
  });
}

void SimNetwork::TellHub(const std::shared_ptr<Stream>& stream, absl::Status status) {
  loop_.After(Latency(stream->link), [stream, status = std::move(status)] {
    if (stream->hub_end) stream->door->Closed(stream->id, status);
  });
}

template <typename Message>
void SimNetwork::Write(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe,
                       Message message) {
  const absl::Duration due =
      std::max(pipe.last_due, loop_.clock().Monotonic() + Latency(stream->link));
  pipe.last_due = due;
  pipe.items.push_back({due, std::make_shared<Message>(std::move(message)), absl::OkStatus()});
  if (pipe.items.size() < kBufferedMax) {
    loop_.Post([stream, &pipe] { pipe.written(); });
  } else {
    // A dead pipe never has room again: its writer hears nothing more.
    pipe.writer_waits = true;
  }
  if (!pipe.dead) PumpLater(stream, pipe, due);
}

template <typename Message>
void SimNetwork::End(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe,
                     absl::Status status) {
  if (pipe.dead) return;
  const absl::Duration due =
      std::max(pipe.last_due, loop_.clock().Monotonic() + Latency(stream->link));
  pipe.last_due = due;
  pipe.items.push_back({due, nullptr, std::move(status)});
  PumpLater(stream, pipe, due);
}

template <typename Message>
void SimNetwork::PumpLater(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe,
                           absl::Duration due) {
  // The pipe is part of the stream, which the callback keeps.
  loop_.After(due - loop_.clock().Monotonic(), [this, stream, &pipe] { Pump(stream, pipe); });
}

template <typename Message>
void SimNetwork::Pump(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe) {
  if (pipe.dead || pipe.items.empty() || IsBlocked(*stream, pipe)) return;
  if (pipe.items.front().due > loop_.clock().Monotonic()) return;
  if (pipe.items.front().message == nullptr) {
    const absl::Status status = pipe.items.front().status;
    pipe.dead = true;
    pipe.items.clear();
    pipe.end(status);
    return;
  }
  if (!pipe.wanted) return;
  const std::shared_ptr<Message> message = pipe.items.front().message;
  pipe.items.pop_front();
  pipe.wanted = false;
  if (pipe.writer_waits) {
    pipe.writer_waits = false;
    loop_.Post([stream, &pipe] {
      if (!pipe.dead) pipe.written();
    });
  }
  if (!pipe.items.empty())
    PumpLater(stream, pipe, std::max(pipe.items.front().due, loop_.clock().Monotonic()));
  pipe.deliver(std::move(*message));
}

size_t SimNetwork::Cut(size_t link, bool tell_agent, bool tell_hub) {
  size_t cut = 0;
  for (const auto& [id, weak] : streams_) {
    const std::shared_ptr<Stream> stream = weak.lock();
    if (stream == nullptr || stream->link != link || stream->up.dead || !stream->agent_open)
      continue;
    ++cut;
    stream->up.dead = true;
    stream->down.dead = true;
    if (tell_agent) TellAgent(stream, absl::UnavailableError("connection reset"));
    if (tell_hub) TellHub(stream, absl::UnavailableError("connection reset"));
  }
  std::erase_if(streams_, [](const auto& item) { return item.second.expired(); });
  return cut;
}

size_t SimNetwork::open_streams() const {
  size_t open = 0;
  for (const auto& [id, weak] : streams_) {
    const std::shared_ptr<Stream> stream = weak.lock();
    if (stream != nullptr && (stream->observer != nullptr || stream->hub_end)) ++open;
  }
  return open;
}

}  // namespace leidang::sim
