#pragma once

// SimNetwork: streams between agents and hubs in virtual time, and what goes wrong with them.
//
// A stream keeps the order of its messages, as TCP does. It can be slow, be cut with both ends
// told, be half-open (one end is never told and talks to nobody), or lie behind a partition in one
// direction or both, where messages wait until it heals. Streams of one agent are independent: what
// an old one still carries arrives after a new one has begun. Writers meet backpressure: so many
// messages on the way, and a reader that asks for none.
//
// Loop-bound; one SimLoop.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/link/transport.h"
#include "common/intent/intent.h"
#include "common/random/random.h"
#include "common/time/sim_loop.h"
#include "hub/session/agent_stream.h"
#include "hub/session/session_table.h"
#include "leidang/v1/link.pb.h"
#include "tests/sim/trace.h"

namespace leidang::sim {

// Where a hub listens. Ids are of the door: never given twice, whatever process stands behind it.
class HubDoor {
 public:
  virtual ~HubDoor() = default;
  // False: nobody listens.
  virtual bool Accept(uint64_t stream, const intent::ClusterId& cluster,
                      std::unique_ptr<hub::AgentStream> end) = 0;
  virtual void Received(uint64_t stream, v1::AgentMessage message) = 0;
  virtual void Written(uint64_t stream) = 0;
  virtual void Closed(uint64_t stream, absl::Status status) = 0;
};

// Sees every message when its sender writes it.
class NetworkTap {
 public:
  virtual ~NetworkTap() = default;
  virtual void OnAgentWrote(size_t link, uint64_t stream, const v1::AgentMessage& message) = 0;
  virtual void OnHubWrote(size_t link, const HubDoor* hub, uint64_t stream,
                          const v1::HubMessage& message) = 0;
};

// Messages in one direction of a stream.
template <typename Message>
struct Pipe {
  struct Item {
    absl::Duration due;
    std::shared_ptr<Message> message;  // nullptr: the end, with `status`.
    absl::Status status;
  };
  std::deque<Item> items;
  absl::Duration last_due;
  bool wanted = false;        // The reader asked for a message.
  bool writer_waits = false;  // For room.
  bool dead = false;          // What is written vanishes.
  std::function<void(Message)> deliver;
  std::function<void(absl::Status)> end;
  std::function<void()> written;
};

class SimNetwork {
 public:
  static constexpr size_t kBufferedMax = 4;  // Messages on the way in one direction of a stream.

  // `tap` may be nullptr. All must outlive the network, and the network all streams.
  SimNetwork(SimLoop& loop, Random& random, Trace& trace, NetworkTap* tap);
  ~SimNetwork();

  // The line of one agent. Links are numbered from 0.
  size_t AddLink(const intent::ClusterId& cluster, HubDoor* door);
  std::unique_ptr<agent::Transport> TransportOf(size_t link);
  // Where new streams of the link go.
  void Route(size_t link, HubDoor* door) { links_[link].door = door; }
  HubDoor* RouteOf(size_t link) const { return links_[link].door; }

  void Block(size_t link, bool up, bool down);
  void SetExtraLatency(size_t link, absl::Duration extra) { links_[link].extra = extra; }
  absl::Duration Latency(size_t link);
  bool Blocked(size_t link) const { return links_[link].up_blocked || links_[link].down_blocked; }

  // Cuts the open streams of a link. How many there were.
  size_t Cut(size_t link, bool tell_agent, bool tell_hub);
  // Ends that are destroyed without a word are not noticed by their peers while this is set.
  void SetSilent(bool silent) { silent_ = silent; }

  // Attempts to connect, since the beginning.
  uint64_t attempts() const { return next_stream_ - 1; }
  // Streams that have not ended at both ends.
  size_t open_streams() const;

 private:
  class AgentEnd;
  class HubEnd;
  class LinkTransport;
  struct Stream;
  struct Link {
    intent::ClusterId cluster;
    HubDoor* door = nullptr;
    bool up_blocked = false;
    bool down_blocked = false;
    absl::Duration extra;
    std::vector<std::weak_ptr<Stream>> arriving;  // That wait until it is blocked no more.
  };

  void Open(const std::shared_ptr<Stream>& stream);
  void Arrive(const std::shared_ptr<Stream>& stream);
  void Established(const std::shared_ptr<Stream>& stream);
  void TellAgent(const std::shared_ptr<Stream>& stream, absl::Status status);
  void TellHub(const std::shared_ptr<Stream>& stream, absl::Status status);

  template <typename Message>
  void Write(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe, Message message);
  template <typename Message>
  void End(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe, absl::Status status);
  template <typename Message>
  void Pump(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe);
  template <typename Message>
  void PumpLater(const std::shared_ptr<Stream>& stream, Pipe<Message>& pipe, absl::Duration due);
  bool IsBlocked(const Stream& stream, const Pipe<v1::AgentMessage>&) const;
  bool IsBlocked(const Stream& stream, const Pipe<v1::HubMessage>&) const;

  SimLoop& loop_;
  Random& random_;
  Trace& trace_;
  NetworkTap* const tap_;
  std::vector<Link> links_;
  std::map<uint64_t, std::weak_ptr<Stream>> streams_;
  uint64_t next_stream_ = 1;
  bool silent_ = false;
};

}  // namespace leidang::sim
