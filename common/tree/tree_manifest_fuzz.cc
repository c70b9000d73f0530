#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "common/tree/tree_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<leidang::tree::TreeManifest> manifest = leidang::tree::Parse(bytes);
  if (manifest.ok()) {
    const absl::StatusOr<std::string> again = leidang::tree::Encode(*manifest);
    CHECK(again.ok());
    CHECK(bytes == *again);
  }
  return 0;
}
