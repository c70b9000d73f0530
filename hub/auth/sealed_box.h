#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/random/random.h"

namespace leidang::hub {

// Bytes under a passphrase: encrypted and authenticated (docs/formats/identity.md). The key comes
// from the passphrase by scrypt, which takes 32 MiB and some tenths of a second.
inline constexpr size_t kPassphraseMin = 12;

// kInvalidArgument for a passphrase below kPassphraseMin bytes.
absl::StatusOr<std::string> SealBox(absl::string_view passphrase, absl::string_view content,
                                    Random& random);

// kInvalidArgument for what is no sealed box, or of a later version; kUnauthenticated for a wrong
// passphrase or altered bytes, which cannot be told apart.
absl::StatusOr<std::string> OpenBox(absl::string_view passphrase, absl::string_view box);

}  // namespace leidang::hub
