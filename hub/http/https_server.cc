#include "hub/http/https_server.h"

#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/core/tcp_stream.hpp"
#include "boost/beast/http/empty_body.hpp"
#include "boost/beast/http/parser.hpp"
#include "boost/beast/http/read.hpp"
#include "boost/beast/http/string_body.hpp"
#include "boost/beast/http/write.hpp"
#include "boost/beast/ssl/ssl_stream.hpp"

#include "common/time/thread_loop.h"

namespace leidang::hub {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Error = boost::system::error_code;
using Tcp = asio::ip::tcp;

constexpr std::chrono::milliseconds kAcceptPause{100};

std::string Text(const auto& view) { return std::string(view.data(), view.size()); }

// What all connections share. The server's thread only, after construction.
struct Shared {
  HttpsServer::Options options;
  HttpsServer::Handle handle;
  size_t connections = 0;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  // Its end is that of the connections that are left, which count themselves off.
  asio::io_context io{1};
  Tcp::acceptor acceptor{io};
  asio::steady_timer pause{io};
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Shared& shared, Tcp::socket socket)
      : shared_(shared), stream_(std::move(socket), shared.tls) {
    ++shared_.connections;
  }
  ~Connection() { --shared_.connections; }

  void Run() {
    Expire();
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](const Error& error) {
                              if (!error) self->Read();
                            });
  }

 private:
  void Expire() {
    beast::get_lowest_layer(stream_).expires_after(
        std::chrono::milliseconds(absl::ToInt64Milliseconds(shared_.options.timeout)));
  }

  void Read() {
    Expire();
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(shared_.options.request_bytes_max));
    parser_->body_limit(shared_.options.request_bytes_max);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const Error& error, size_t) {
                       if (!error) return self->Answer();
                       if (error == http::error::header_limit || error == http::error::body_limit) {
                         self->Write({413, "text/plain", "the request is too large\n"},
                                     Then::kClose, Body::kSent);
                       }
                     });
  }

  void Answer() {
    const auto& request = parser_->get();
    HttpRequest asked{Text(request.method_string()), Text(request.target())};
    asked.path = asked.path.substr(0, asked.path.find('?'));
    HttpResponse response = shared_.handle(asked);
    Write(std::move(response), request.keep_alive() ? Then::kReadMore : Then::kClose,
          request.method() == http::verb::head ? Body::kLeftOut : Body::kSent);
  }

  enum class Then { kReadMore, kClose };
  enum class Body { kSent, kLeftOut };  // HEAD is told only how long it is.

  void Write(HttpResponse response, Then then, Body body) {
    Expire();
    answer_ = {};
    answer_.result(static_cast<unsigned>(response.status));
    answer_.set(http::field::content_type, response.content_type);
    answer_.set(http::field::cache_control, "no-store");
    answer_.keep_alive(then == Then::kReadMore);
    answer_.body() = std::move(response.body);
    answer_.prepare_payload();
    if (body == Body::kLeftOut) answer_.body().clear();
    http::async_write(stream_, answer_,
                      [self = shared_from_this(), then](const Error& error, size_t) {
                        if (error) return;
                        if (then == Then::kReadMore) return self->Read();
                        self->stream_.async_shutdown([self](const Error&) {});
                      });
  }

  Shared& shared_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> answer_;
};

absl::StatusOr<Tcp::endpoint> EndpointOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  Error error;
  std::string host = colon == std::string::npos ? "" : address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const asio::ip::address ip = asio::ip::make_address(host, error);
  if (error || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the listen address \"", address, "\" is not ADDRESS:PORT, such as 127.0.0.1:7480"));
  }
  return Tcp::endpoint(ip, static_cast<uint16_t>(port));
}

absl::Status LoadTls(Shared& shared) {
  const auto buffer = [](const std::string& pem) { return asio::buffer(pem.data(), pem.size()); };
  Error error;
  error =
      shared.tls.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
  if (!error) {
    error = shared.tls.use_certificate_chain(buffer(shared.options.certificate_pem), error);
  }
  if (!error) {
    error =
        shared.tls.use_private_key(buffer(shared.options.key_pem), asio::ssl::context::pem, error);
  }
  if (!error) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the server's certificate or key cannot be used: ", error.message()));
}

}  // namespace

class HttpsServer::Impl {
 public:
  ~Impl() {
    shared_.io.stop();
    thread_.Stop();
  }

  absl::Status Listen(const Options& options, Handle handle) {
    shared_.options = options;
    shared_.handle = std::move(handle);
    absl::Status status = LoadTls(shared_);
    if (!status.ok()) return status;
    const absl::StatusOr<Tcp::endpoint> endpoint = EndpointOf(options.address);
    if (!endpoint.ok()) return endpoint.status();
    Error error;
    error = shared_.acceptor.open(endpoint->protocol(), error);
    if (!error) error = shared_.acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) error = shared_.acceptor.bind(*endpoint, error);
    if (!error) error = shared_.acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) port_ = shared_.acceptor.local_endpoint(error).port();
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", options.address, ": ", error.message()));
    }
    Accept();
    thread_.Post([this] { shared_.io.run(); });
    return absl::OkStatus();
  }

  int port() const { return port_; }

 private:
  void Accept() {
    shared_.acceptor.async_accept([this](const Error& error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error && shared_.connections < shared_.options.connections_max) {
        std::make_shared<Connection>(shared_, std::move(socket))->Run();
      }
      if (!error) return Accept();
      // No descriptor is left, or the like: it will not be better at once.
      shared_.pause.expires_after(kAcceptPause);
      shared_.pause.async_wait([this](const Error& cancelled) {
        if (!cancelled) Accept();
      });
    });
  }

  int port_ = 0;
  Shared shared_;
  ThreadLoop thread_{"http"};
};

HttpsServer::HttpsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpsServer::~HttpsServer() = default;

absl::StatusOr<std::unique_ptr<HttpsServer>> HttpsServer::Listen(const Options& options,
                                                                 Handle handle) {
  auto impl = std::make_unique<Impl>();
  if (absl::Status status = impl->Listen(options, std::move(handle)); !status.ok()) return status;
  return std::unique_ptr<HttpsServer>(new HttpsServer(std::move(impl)));
}

int HttpsServer::port() const { return impl_->port(); }

}  // namespace leidang::hub
