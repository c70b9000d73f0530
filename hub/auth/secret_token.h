#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "common/object/sha256.h"
#include "common/random/random.h"

namespace leidang::hub {

// A secret that a person or an agent shows to be let in: 256 random bits, as text
// "ldg_<kind>_<base64url>", so that secret scanners and people recognise it. Only its hash is ever
// stored.
struct SecretToken {
  std::string text;
  object::Sha256 hash;
};

// `kind`: "join", "admin", "user".
SecretToken NewSecretToken(absl::string_view kind, Random& random);

// What is stored and looked up for a token shown by a peer.
object::Sha256 HashOfToken(absl::string_view text);

// Takes the same time whatever the difference.
bool SameHash(const object::Sha256& a, const object::Sha256& b);

}  // namespace leidang::hub
