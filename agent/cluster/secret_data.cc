#include "agent/cluster/secret_data.h"

#include <utility>

#include "absl/strings/escaping.h"

namespace leidang::agent {

void FoldStringData(object::Value& manifest) {
  if (object::FindString(manifest, {"kind"}) != "Secret" ||
      object::FindString(manifest, {"apiVersion"}) != "v1") {
    return;
  }
  object::Object& secret = manifest.get_object();
  object::Value* plain = secret.if_contains("stringData");
  if (plain == nullptr) return;
  if (plain->is_object()) {
    const object::Object texts = plain->get_object();
    object::Value& data = secret["data"];
    if (!data.is_object()) data = object::Object();
    for (const auto& member : texts) {
      // What is no text is left to the API server to refuse.
      if (!member.value().is_string()) return;
      const auto& text = member.value().get_string();
      data.get_object()[member.key()] =
          absl::Base64Escape(absl::string_view(text.data(), text.size()));
    }
  }
  object::StableErase(secret, "stringData");
}

}  // namespace leidang::agent
