#include "hub/auth/secret_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace leidang::hub {

SecretToken NewSecretToken(absl::string_view kind, Random& random) {
  SecretToken token;
  token.text = absl::StrCat("ldg_", kind, "_", absl::WebSafeBase64Escape(random.Bytes(32)));
  token.hash = HashOfToken(token.text);
  return token;
}

object::Sha256 HashOfToken(absl::string_view text) {
  return object::Sha256::Of(absl::StrCat("leidang.token.v1:", text));
}

bool SameHash(const object::Sha256& a, const object::Sha256& b) {
  uint8_t difference = 0;
  for (size_t i = 0; i < a.bytes.size(); ++i) difference |= a.bytes[i] ^ b.bytes[i];
  return difference == 0;
}

}  // namespace leidang::hub
