#include "tests/integration/network/faulty_proxy.h"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "absl/time/clock.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/base/check.h"

namespace leidang::testing {
namespace {

constexpr size_t kHeldMax = 256 << 10;  // Of one direction; beyond it the sender waits.
constexpr int kTickMs = 10;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int ListenAnywhere(int* port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  CHECK(descriptor >= 0);
  sockaddr_in address = Loopback(0);
  CHECK(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  CHECK(::listen(descriptor, 128) == 0);
  socklen_t size = sizeof(address);
  CHECK(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  *port = ntohs(address.sin_port);
  return descriptor;
}

void CloseWithReset(int* descriptor) {
  if (*descriptor < 0) return;
  const linger now{1, 0};
  ::setsockopt(*descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(std::exchange(*descriptor, -1));
}

}  // namespace

FaultyProxy::FaultyProxy(size_t listeners, int upstream_port) : upstream_port_(upstream_port) {
  for (size_t i = 0; i < listeners; ++i) {
    int port = 0;
    Listener listener;
    listener.descriptor = ListenAnywhere(&port);
    ports_.push_back(port);
    MutexLock lock(&mu_);
    listeners_.push_back(listener);
  }
  thread_ = std::thread([this] { Run(); });
}

FaultyProxy::~FaultyProxy() {
  stopping_ = true;
  thread_.join();
  MutexLock lock(&mu_);
  for (Connection& connection : connections_) Reset(connection);
  for (const Listener& listener : listeners_) ::close(listener.descriptor);
}

void FaultyProxy::Cut(size_t listener) {
  MutexLock lock(&mu_);
  for (Connection& connection : connections_) {
    if (connection.listener == listener) Reset(connection);
  }
}

void FaultyProxy::Delay(size_t listener, absl::Duration by, absl::Duration lasting) {
  MutexLock lock(&mu_);
  listeners_[listener].delay = by;
  listeners_[listener].delay_until = absl::Now() + lasting;
}

void FaultyProxy::HalfOpen(size_t listener, absl::Duration lasting) {
  MutexLock lock(&mu_);
  for (Connection& connection : connections_) {
    if (connection.listener != listener) continue;
    CloseWithReset(&connection.agent);
    connection.silent_until = absl::Now() + lasting;
  }
}

void FaultyProxy::Swallow(size_t listener, absl::Duration lasting) {
  MutexLock lock(&mu_);
  for (Connection& connection : connections_) {
    if (connection.listener == listener) connection.silent_until = absl::Now() + lasting;
  }
}

void FaultyProxy::Refuse(size_t listener, absl::Duration lasting) {
  MutexLock lock(&mu_);
  listeners_[listener].refuse_until = absl::Now() + lasting;
}

void FaultyProxy::CutIdle(size_t listener, absl::Duration after) {
  MutexLock lock(&mu_);
  listeners_[listener].idle_max = after;
}

void FaultyProxy::Heal() {
  MutexLock lock(&mu_);
  for (Listener& listener : listeners_) {
    listener.idle_max = absl::InfiniteDuration();
    listener.delay_until = absl::InfinitePast();
    listener.refuse_until = absl::InfinitePast();
  }
  for (Connection& connection : connections_) {
    if (connection.silent_until != absl::InfinitePast()) Reset(connection);
  }
}

void FaultyProxy::Reset(Connection& connection) {
  CloseWithReset(&connection.agent);
  CloseWithReset(&connection.hub);
  connection.dead = true;
}

void FaultyProxy::AcceptAll(size_t listener) {
  while (true) {
    int agent =
        ::accept4(listeners_[listener].descriptor, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (agent < 0) return;
    ++accepted_;
    if (absl::Now() < listeners_[listener].refuse_until) {
      CloseWithReset(&agent);
      continue;
    }
    int hub = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(upstream_port_);
    if (hub < 0 ||
        (::connect(hub, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
         errno != EINPROGRESS)) {
      CloseWithReset(&hub);
      CloseWithReset(&agent);
      continue;
    }
    const int on = 1;
    ::setsockopt(agent, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::setsockopt(hub, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    Connection connection;
    connection.listener = listener;
    connection.agent = agent;
    connection.hub = hub;
    connection.moved = absl::Now();
    connection.up.from = connection.down.to = agent;
    connection.up.to = connection.down.from = hub;
    connections_.push_back(std::move(connection));
  }
}

void FaultyProxy::Take(Connection& connection, Pipe& pipe, absl::Time now) {
  const Listener& listener = listeners_[connection.listener];
  char buffer[16 << 10];
  while (!pipe.ended && pipe.held < kHeldMax) {
    const ssize_t count = ::recv(pipe.from, buffer, sizeof(buffer), 0);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) Reset(connection);
      return;
    }
    if (count == 0) {
      pipe.ended = true;
      return;
    }
    absl::Time due = now < listener.delay_until ? now + listener.delay : now;
    if (!pipe.pieces.empty()) due = std::max(due, pipe.pieces.back().due);
    pipe.pieces.push_back({std::string(buffer, static_cast<size_t>(count)), due});
    connection.moved = now;
    pipe.held += static_cast<size_t>(count);
    bytes_ += static_cast<uint64_t>(count);
  }
}

void FaultyProxy::Pass(Connection& connection, Pipe& pipe, absl::Time now) {
  while (!pipe.pieces.empty() && pipe.pieces.front().due <= now) {
    std::string& bytes = pipe.pieces.front().bytes;
    const ssize_t count = ::send(pipe.to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ENOTCONN) Reset(connection);
      return;
    }
    pipe.held -= static_cast<size_t>(count);
    if (static_cast<size_t>(count) < bytes.size()) {
      bytes.erase(0, static_cast<size_t>(count));
      return;
    }
    pipe.pieces.pop_front();
  }
  if (pipe.ended && pipe.pieces.empty() && !pipe.closed) {
    ::shutdown(pipe.to, SHUT_WR);
    pipe.closed = true;
  }
}

void FaultyProxy::Sweep(absl::Time now) {
  for (auto it = connections_.begin(); it != connections_.end();) {
    Connection& connection = *it;
    if (connection.silent_until != absl::InfinitePast()) {
      if (now >= connection.silent_until) Reset(connection);
    } else {
      for (Pipe* pipe : {&connection.up, &connection.down}) {
        if (!connection.dead) Take(connection, *pipe, now);
        if (!connection.dead) Pass(connection, *pipe, now);
      }
      if (!connection.dead && connection.up.closed && connection.down.closed) Reset(connection);
      if (!connection.dead && now - connection.moved > listeners_[connection.listener].idle_max) {
        ++idle_cuts_;
        Reset(connection);
      }
    }
    it = connection.dead ? connections_.erase(it) : std::next(it);
  }
}

void FaultyProxy::Run() {
  while (!stopping_) {
    std::vector<pollfd> polled;
    {
      MutexLock lock(&mu_);
      for (const Listener& listener : listeners_)
        polled.push_back({listener.descriptor, POLLIN, 0});
      for (const Connection& connection : connections_) {
        if (connection.silent_until != absl::InfinitePast()) continue;
        for (const Pipe* pipe : {&connection.up, &connection.down}) {
          if (!pipe->ended && pipe->held < kHeldMax) polled.push_back({pipe->from, POLLIN, 0});
        }
      }
    }
    ::poll(polled.data(), polled.size(), kTickMs);
    MutexLock lock(&mu_);
    for (size_t i = 0; i < listeners_.size(); ++i) {
      if ((polled[i].revents & POLLIN) != 0) AcceptAll(i);
    }
    Sweep(absl::Now());
  }
}

}  // namespace leidang::testing
