#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace leidang::hub {

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // "/metrics"; what follows a question mark is left out.
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// A small HTTPS server for machines that look after the hub. TLS 1.2 or later; there is no
// plaintext. One thread of its own; connections beyond the limit are closed at once, slow ones
// after the timeout, requests beyond the size are refused.
class HttpsServer {
 public:
  struct Options {
    std::string address;  // "HOST:PORT", the host a numeric address; port 0 takes a free one.
    std::string certificate_pem;
    std::string key_pem;
    size_t connections_max = 64;
    size_t request_bytes_max = 16 << 10;
    absl::Duration timeout = absl::Seconds(15);
  };
  // Called on the server's thread, one request at a time: must answer soon.
  using Handle = std::function<HttpResponse(const HttpRequest&)>;

  // kInvalidArgument names what is wrong with the options; kUnavailable when the port is taken.
  static absl::StatusOr<std::unique_ptr<HttpsServer>> Listen(const Options& options, Handle handle);
  // Closes all connections.
  ~HttpsServer();

  int port() const;

 private:
  class Impl;
  explicit HttpsServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace leidang::hub
