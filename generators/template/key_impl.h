#pragma once

// What keys.cc and certificates.cc share.

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "generators/template/keys.h"
#include "generators/template/openssl_ptr.h"

namespace leidang::generators::gotmpl {

struct PrivateKey::Impl {
  PkeyPtr key;
};

absl::Status OpensslFailed(absl::string_view what);

}  // namespace leidang::generators::gotmpl
