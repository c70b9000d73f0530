#pragma once

namespace leidang::hub {

// Makes every TLS connection of this process that begins later cheaper to hold: OpenSSL keeps no
// record buffers (2 x 16 KiB) for one that is idle, and as a server makes no session tickets, which
// agents would not use: each attempt of theirs is a channel of its own. gRPC gives no access to
// its TLS objects. Thread-safe; once is enough.
void SaveOnTls();

}  // namespace leidang::hub
