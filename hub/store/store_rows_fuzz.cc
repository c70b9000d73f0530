// Keys and values as a damaged disk may give them: the first byte chooses what they are taken for,
// the second how long the key is.

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

#include "hub/store/meta_record.h"
#include "hub/store/records.h"

namespace leidang::hub {
namespace {

// Damage is a status; only that it does not crash is looked at.
template <typename Decoded>
void Try(const Decoded& decoded) {
  decoded.status().IgnoreError();
}

void DecodeAs(int kind, absl::string_view key, absl::string_view value) {
  switch (kind) {
    case 0:
      return Try(DecodeLogHeader(key, value));
    case 1:
      Try(ParseLogKey(key));
      return Try(DecodeLogEntry(key, value));
    case 2:
      return Try(DecodeAssignment(key, value));
    case 3:
      Try(ParseSetIndexKey(key));
      return Try(DecodeApplication(key, value));
    case 4:
      return Try(DecodeSetState(key, value));
    case 5:
      return Try(DecodeStatus(key, value));
    default:
      return Try(DecodeMeta(key, value));
  }
}

}  // namespace
}  // namespace leidang::hub

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const absl::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  const absl::string_view key = rest.substr(0, data[1]);
  leidang::hub::DecodeAs(data[0] % 7, key, rest.substr(key.size()));
  return 0;
}
