#include "hub/rpc/admission.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <netdb.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace leidang::hub {
namespace {

constexpr int kBacklog = 4096;
constexpr int kPauseMs = 100;  // Where the process has no descriptor left.

int PortOf(int descriptor) {
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 0;
  return name.ss_family == AF_INET6 ? ntohs(reinterpret_cast<const sockaddr_in6*>(&name)->sin6_port)
                                    : ntohs(reinterpret_cast<const sockaddr_in*>(&name)->sin_port);
}

// -1 with errno.
int ListenOn(const addrinfo& address) {
  const int descriptor = ::socket(
      address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol);
  if (descriptor < 0) return -1;
  const int on = 1;
  const int off = 0;
  // A hub that is started again finds its port in TIME_WAIT.
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ai_family == AF_INET6)
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  if (::bind(descriptor, address.ai_addr, address.ai_addrlen) == 0 &&
      ::listen(descriptor, kBacklog) == 0) {
    return descriptor;
  }
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return -1;
}

bool HasGone(int descriptor) {
  char byte = 0;
  return ::recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Admission>> Admission::Listen(const std::string& address,
                                                             const AdmissionOptions& options) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the listen address \"", address, "\" is not HOST:PORT"));
  }
  std::string host = address.substr(0, colon);
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]"))
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.empty() ? nullptr : host.c_str(),
                                      address.c_str() + colon + 1, &hints, &found);
      error != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", address, ": ", ::gai_strerror(error)));
  }
  const int descriptor = ListenOn(*found);
  const int error = errno;
  ::freeaddrinfo(found);
  if (descriptor < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": ", std::strerror(error),
                     ": is the port taken by another program, or the address of another machine?"));
  }
  return std::unique_ptr<Admission>(new Admission(descriptor, PortOf(descriptor), options));
}

Admission::Admission(int listener, int port, const AdmissionOptions& options)
    : listener_(listener),
      port_(port),
      options_(options),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      tokens_(options.burst) {}

Admission::~Admission() {
  Stop();
  ::close(listener_);
  ::close(wake_);
}

void Admission::Start(LetIn let_in, Arrived arrived) {
  refilled_ = clock_.Monotonic();
  thread_.Run(
      [this, let_in = std::move(let_in), arrived = std::move(arrived)] { Serve(let_in, arrived); });
}

void Admission::Stop() {
  stopping_ = true;
  const uint64_t one = 1;
  if (::write(wake_, &one, sizeof(one)) < 0) return;  // It is readable already.
  thread_.Stop();
}

bool Admission::AcceptAll() {
  while (held_.size() < options_.held_max) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0) return errno != EMFILE && errno != ENFILE && errno != ENOMEM;
    const int on = 1;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    held_.push_back(connection);
  }
  return true;
}

void Admission::Pass(const LetIn& let_in, uint64_t arrived) {
  const absl::Duration now = clock_.Monotonic();
  tokens_ = std::min(options_.burst,
                     tokens_ + absl::ToDoubleSeconds(now - refilled_) * options_.per_second);
  refilled_ = now;
  // Which one it was does not matter.
  for (; arrived_ < arrived; ++arrived_) {
    if (!unfinished_.empty()) unfinished_.pop_front();
  }
  while (!unfinished_.empty() && now - unfinished_.front() > options_.unfinished_time)
    unfinished_.pop_front();
  while (!held_.empty() && tokens_ >= 1 && unfinished_.size() < options_.unfinished_max) {
    const int connection = held_.front();
    held_.pop_front();
    if (HasGone(connection)) {
      ::close(connection);
      continue;
    }
    tokens_ -= 1;
    unfinished_.push_back(now);
    let_in(listener_, connection);
  }
  held_count_ = held_.size();
}

int Admission::WaitMs(bool can_accept) const {
  if (!can_accept) return kPauseMs;
  if (!held_.empty()) return std::max(1, static_cast<int>(1000 / options_.per_second));
  return -1;
}

void Admission::Serve(const LetIn& let_in, const Arrived& arrived) {
  bool can_accept = true;
  while (!stopping_) {
    const bool wants_more = can_accept && held_.size() < options_.held_max;
    pollfd polled[2] = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    ::poll(polled, wants_more ? 2 : 1, WaitMs(can_accept));
    if (stopping_) break;
    can_accept = AcceptAll();
    Pass(let_in, arrived());
  }
  for (const int connection : held_) ::close(connection);
  held_.clear();
  held_count_ = 0;
}

}  // namespace leidang::hub
