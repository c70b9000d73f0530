#include "agent/link/grpc/tls_probe.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <netdb.h>
#include <unistd.h>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "agent/link/grpc/proxy.h"
#include "common/base/status_macros.h"
#include "common/object/sha256.h"

namespace leidang::agent {
namespace {

constexpr size_t kProxyAnswerMax = 16 << 10;

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;

absl::Status OpensslError(absl::StatusCode code, absl::string_view what) {
  char text[256] = "no details";
  if (const unsigned long error = ERR_get_error(); error != 0)
    ERR_error_string_n(error, text, sizeof(text));
  ERR_clear_error();
  return absl::Status(code, absl::StrCat(what, ": ", text));
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// `who` is who should be there, for errors: "the hub at", "the proxy".
absl::StatusOr<Socket> Connect(absl::string_view who, const std::string& target,
                               absl::Duration timeout) {
  const size_t colon = target.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("the address of ", who, " \"", target, "\" is not HOST:PORT"));
  }
  absl::string_view host(target.data(), colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error =
          ::getaddrinfo(std::string(host).c_str(), target.c_str() + colon + 1, &hints, &found);
      error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot resolve ", who, " ", target, ": ", ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, Freed<::freeaddrinfo>> addresses(found);
  int last_error = 0;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    Socket socket(
        ::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol));
    const timeval limit = absl::ToTimeval(timeout);
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (::connect(socket.fd(), address->ai_addr, address->ai_addrlen) == 0) return socket;
    last_error = errno;
  }
  return absl::UnavailableError(
      absl::StrCat("cannot connect to ", who, " ", target, ": ", std::strerror(last_error)));
}

// Asks an HTTP proxy for a way to `target`.
absl::StatusOr<Socket> ConnectThrough(const std::string& proxy, const std::string& target,
                                      absl::Duration timeout) {
  ASSIGN_OR_RETURN(Socket socket, Connect("the proxy", proxy, timeout));
  const std::string request =
      absl::StrCat("CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\n\r\n");
  if (::send(socket.fd(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return absl::UnavailableError(absl::StrCat("the proxy ", proxy, " does not listen"));
  }
  std::string answer;
  // Byte by byte: what follows the head is the hub's.
  for (char c = 0; answer.size() < kProxyAnswerMax && !absl::EndsWith(answer, "\r\n\r\n");) {
    if (::recv(socket.fd(), &c, 1, 0) != 1) break;
    answer.push_back(c);
  }
  const size_t space = answer.find(' ');
  if (!absl::EndsWith(answer, "\r\n\r\n") || space == std::string::npos ||
      answer.compare(space + 1, 1, "2") != 0) {
    return absl::UnavailableError(absl::StrCat("the proxy ", proxy, " gives no way to ", target,
                                               ": it says \"", answer.substr(0, answer.find('\r')),
                                               "\"; is the hub allowed there?"));
  }
  return socket;
}

absl::StatusOr<std::string> PinOf(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return OpensslError(absl::StatusCode::kInternal, "cannot encode a public key");
  const std::string bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return absl::StrCat("sha256:", object::Sha256::Of(bytes).Hex());
}

absl::StatusOr<std::string> RequestFor(EVP_PKEY* key) {
  RequestPtr request(X509_REQ_new());
  if (X509_REQ_set_pubkey(request.get(), key) != 1 ||
      X509_REQ_sign(request.get(), key, EVP_sha256()) == 0) {
    return OpensslError(absl::StatusCode::kInternal, "cannot make a certificate request");
  }
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  if (size <= 0)
    return OpensslError(absl::StatusCode::kInternal, "cannot encode a certificate request");
  std::string encoded(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return encoded;
}

}  // namespace

absl::StatusOr<KeyAndRequest> MakeKeyAndRequest() {
  PkeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return OpensslError(absl::StatusCode::kInternal, "cannot make an EC P-256 key");
  KeyAndRequest out;
  BioPtr bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpensslError(absl::StatusCode::kInternal, "cannot write a private key");
  }
  out.key_pem = TextOf(bio.get());
  ASSIGN_OR_RETURN(out.csr_der, RequestFor(key.get()));
  return out;
}

absl::StatusOr<std::string> MakeRequest(const std::string& key_pem) {
  BioPtr bio(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return OpensslError(absl::StatusCode::kDataLoss, "the agent's key cannot be read");
  return RequestFor(key.get());
}

absl::StatusOr<CertificateDates> DatesOf(const std::string& certificate_pem) {
  BioPtr bio(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  const CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!certificate)
    return OpensslError(absl::StatusCode::kDataLoss, "the agent's certificate cannot be read");
  std::tm from{};
  std::tm to{};
  if (ASN1_TIME_to_tm(X509_get0_notBefore(certificate.get()), &from) != 1 ||
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &to) != 1) {
    return OpensslError(absl::StatusCode::kDataLoss, "the agent's certificate has no dates");
  }
  return CertificateDates{absl::FromTM(from, absl::UTCTimeZone()),
                          absl::FromTM(to, absl::UTCTimeZone())};
}

absl::Status CheckPinForm(const std::string& pin) {
  absl::string_view rest = pin;
  if (absl::ConsumePrefix(&rest, "sha256:") && object::Sha256::FromHex(rest))
    return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the CA pin \"", pin, "\" is not sha256: and 64 hexadecimal digits"));
}

absl::StatusOr<std::string> FetchPinnedAuthority(const std::string& target, const std::string& pin,
                                                 absl::Duration timeout) {
  RETURN_IF_ERROR(CheckPinForm(pin));
  const std::string proxy = ProxyFor(target);
  ASSIGN_OR_RETURN(const Socket socket, proxy.empty() ? Connect("the hub at", target, timeout)
                                                      : ConnectThrough(proxy, target, timeout));
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  // Nobody is trusted yet: the pin decides, and nothing is sent before it has.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SslPtr ssl(SSL_new(context.get()));
  static constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kAlpn, sizeof(kAlpn));
  SSL_set_fd(ssl.get(), socket.fd());
  if (SSL_connect(ssl.get()) != 1) {
    return OpensslError(absl::StatusCode::kUnavailable,
                        absl::StrCat("no TLS handshake with the hub at ", target));
  }
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
  for (int i = 0; chain != nullptr && i < sk_X509_num(chain); ++i) {
    X509* certificate = sk_X509_value(chain, i);
    ASSIGN_OR_RETURN(const std::string shown, PinOf(certificate));
    if (shown != pin) continue;
    BioPtr bio(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(bio.get(), certificate) != 1) {
      return OpensslError(absl::StatusCode::kInternal, "cannot write a certificate");
    }
    return TextOf(bio.get());
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "the hub at ", target, " does not have the authority with the pin ", pin,
      ": is this the right address, and the command that the hub printed for this cluster?"));
}

}  // namespace leidang::agent
