#include "tests/integration/trust/connect_proxy.h"

#include <cstdlib>
#include <poll.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/check.h"

namespace leidang::tests {
namespace {

constexpr int kTickMs = 20;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// The port of "CONNECT host:port HTTP/1.1"; 0 for anything else.
int PortAskedFor(const std::string& head) {
  if (!absl::StartsWith(head, "CONNECT ")) return 0;
  const size_t end = head.find(' ', 8);
  const size_t colon = head.rfind(':', end);
  return end == std::string::npos || colon == std::string::npos
             ? 0
             : std::atoi(head.c_str() + colon + 1);
}

}  // namespace

ConnectProxy::ConnectProxy() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::listen(listener_, 16) == 0);
  CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ConnectProxy::~ConnectProxy() {
  stopping_ = true;
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    MutexLock lock(&mu_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  ::close(listener_);
}

std::string ConnectProxy::address() const { return absl::StrCat("127.0.0.1:", port_); }

void ConnectProxy::Accept() {
  while (!stopping_) {
    pollfd polled{listener_, POLLIN, 0};
    if (::poll(&polled, 1, kTickMs) != 1) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    MutexLock lock(&mu_);
    threads_.emplace_back([this, client] { Serve(client); });
  }
}

void ConnectProxy::Serve(int client) {
  std::string head;
  for (char c = 0; !absl::EndsWith(head, "\r\n\r\n") && ::recv(client, &c, 1, 0) == 1;)
    head.push_back(c);
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(PortAskedFor(head));
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    ++connections_;
    const std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n";
    ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    bool open = true;
    while (open && !stopping_) {
      pollfd polled[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
      ::poll(polled, 2, kTickMs);
      for (int i = 0; i < 2; ++i) {
        if (polled[i].revents == 0) continue;
        char buffer[16 << 10];
        const ssize_t count = ::recv(polled[i].fd, buffer, sizeof(buffer), 0);
        open = open && count > 0 &&
               ::send(polled[1 - i].fd, buffer, static_cast<size_t>(count), MSG_NOSIGNAL) == count;
      }
    }
  } else {
    const std::string answer = "HTTP/1.1 502 Bad Gateway\r\n\r\n";
    ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
  ::close(server);
  ::close(client);
}

}  // namespace leidang::tests
