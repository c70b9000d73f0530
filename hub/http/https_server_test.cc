#include "hub/http/https_server.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "boost/asio/connect.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http/empty_body.hpp"
#include "boost/beast/http/read.hpp"
#include "boost/beast/http/string_body.hpp"
#include "boost/beast/http/write.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/random/random.h"
#include "common/time/real_clock.h"
#include "hub/auth/certificate_authority.h"
#include "hub/http/status_pages.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;
using Error = boost::system::error_code;

class HttpsServerTest : public ::testing::Test {
 protected:
  HttpsServerTest() {
    const intent::HubId hub = *intent::HubId::FromRaw("the hub, 16 byte");
    const CertificateAndKey ca = *CertificateAuthority::Create(hub, RealClock().Now(), random_);
    authority_ = *CertificateAuthority::Load(ca);
    const CertificateAndKey server = *authority_->IssueServer(
        {{"localhost"}, {"127.0.0.1"}}, RealClock().Now(), absl::Hours(1), random_);
    options_.address = "127.0.0.1:0";
    options_.certificate_pem = server.certificate_pem;
    options_.key_pem = server.key_pem;
  }

  void Listen() {
    ASSERT_OK_AND_ASSIGN(
        server_, HttpsServer::Listen(options_, [this](const HttpRequest& request) {
          return ServeStatus({metrics_, [] { return absl::OkStatus(); }, [this] { return ready_; }},
                             request);
        }));
  }

  using Stream = asio::ssl::stream<asio::ip::tcp::socket>;

  // Connects and verifies the certificate against the hub's authority.
  std::unique_ptr<Stream> Connect() {
    asio::ssl::context tls(asio::ssl::context::tls_client);
    const std::string pem = authority_->certificate_pem();
    tls.add_certificate_authority(asio::buffer(pem.data(), pem.size()));
    tls.set_verify_mode(asio::ssl::verify_peer);
    auto stream = std::make_unique<Stream>(io_, tls);
    Error error;
    stream->lowest_layer().connect(
        {asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(server_->port())}, error);
    if (!error) stream->handshake(asio::ssl::stream_base::client, error);
    return error ? nullptr : std::move(stream);
  }

  static http::response<http::string_body> Ask(Stream& stream, const std::string& target,
                                               http::verb verb = http::verb::get) {
    http::request<http::empty_body> request(verb, target, 11);
    request.set(http::field::host, "localhost");
    Error error;
    http::write(stream, request, error);
    EXPECT_FALSE(error) << error.message();
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(stream, buffer, response, error);
    EXPECT_FALSE(error) << error.message();
    return response;
  }

  SystemRandom random_;
  Metrics metrics_;
  absl::Status ready_;
  std::unique_ptr<CertificateAuthority> authority_;
  HttpsServer::Options options_;
  std::unique_ptr<HttpsServer> server_;
  asio::io_context io_;
};

TEST_F(HttpsServerTest, ServesMetricsHealthAndReadinessOnOneConnection) {
  metrics_.AddGauge({.name = "leidang_hub_answer", .help = "For the test."}).Set(42);
  Listen();
  const auto stream = Connect();
  ASSERT_NE(stream, nullptr);
  EXPECT_THAT(Ask(*stream, "/metrics").body(), HasSubstr("leidang_hub_answer 42"));
  EXPECT_EQ(Ask(*stream, "/healthz").result_int(), 200u);
  EXPECT_EQ(Ask(*stream, "/readyz?verbose").result_int(), 200u);
  ready_ = absl::ResourceExhaustedError("the disk is full");
  const auto unready = Ask(*stream, "/readyz");
  EXPECT_EQ(unready.result_int(), 503u);
  EXPECT_EQ(unready.body(), "the disk is full\n");
  EXPECT_EQ(Ask(*stream, "/other").result_int(), 404u);
  EXPECT_EQ(Ask(*stream, "/metrics", http::verb::post).result_int(), 405u);
}

TEST_F(HttpsServerTest, HeadIsToldHowLongTheAnswerIsAndNothingElse) {
  Listen();
  const auto stream = Connect();
  ASSERT_NE(stream, nullptr);
  http::request<http::empty_body> request(http::verb::head, "/healthz", 11);
  http::write(*stream, request);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.skip(true);
  http::read(*stream, buffer, parser);
  EXPECT_EQ(parser.get()[http::field::content_length], "3");
  EXPECT_EQ(Ask(*stream, "/healthz").body(), "ok\n") << "the connection is still in step";
}

TEST_F(HttpsServerTest, ThereIsNoPlaintext) {
  Listen();
  asio::ip::tcp::socket socket(io_);
  socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(server_->port())});
  Error error;
  asio::write(socket, asio::buffer(std::string("GET /metrics HTTP/1.1\r\n\r\n")), error);
  std::string answer(512, '\0');
  const size_t size = socket.read_some(asio::buffer(answer), error);
  EXPECT_THAT(answer.substr(0, size), ::testing::Not(HasSubstr("HTTP/1.1 200")));
}

TEST_F(HttpsServerTest, ConnectionsBeyondTheLimitAreClosed) {
  options_.connections_max = 2;
  Listen();
  const auto one = Connect();
  const auto two = Connect();
  ASSERT_NE(one, nullptr);
  ASSERT_NE(two, nullptr);
  EXPECT_EQ(Connect(), nullptr);
  EXPECT_EQ(Ask(*one, "/healthz").result_int(), 200u);
}

TEST_F(HttpsServerTest, ALargeRequestIsRefused) {
  options_.request_bytes_max = 1024;
  Listen();
  const auto stream = Connect();
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(Ask(*stream, absl::StrCat("/", std::string(4'000, 'x'))).result_int(), 413u);
}

TEST_F(HttpsServerTest, WhatCannotBeServedOnIsRefusedByName) {
  Listen();
  options_.address = absl::StrCat("127.0.0.1:", server_->port());
  EXPECT_THAT(HttpsServer::Listen(options_, nullptr),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot listen on 127.0.0.1")));
  for (const char* address : {"7480", "nowhere:7480", "127.0.0.1:70000", ""}) {
    options_.address = address;
    EXPECT_THAT(HttpsServer::Listen(options_, nullptr),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not ADDRESS:PORT")));
  }
  options_.certificate_pem = "nonsense";
  EXPECT_THAT(HttpsServer::Listen(options_, nullptr),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("certificate")));
}

}  // namespace
}  // namespace leidang::hub
