#include "hub/rpc/tls_savings.h"

#include "openssl/ssl.h"

namespace leidang::hub {
namespace {

// OpenSSL calls it at the end of SSL_new, when the settings of the context are in place.
void OnNewConnection(void* parent, void*, CRYPTO_EX_DATA*, int, long, void*) {
  auto* ssl = static_cast<SSL*>(parent);
  SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  SSL_set_num_tickets(ssl, 0);
}

}  // namespace

void SaveOnTls() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, OnNewConnection, nullptr, nullptr);
  static_cast<void>(kIndex);
}

}  // namespace leidang::hub
