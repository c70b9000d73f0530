#pragma once

// How objects are called as files of a directory target. Pure; thread-safe.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/object/key.h"

namespace leidang::agent {

// "shop.deployment.apps.cart.yaml", "_cluster.namespace.core.shop.yaml": flat, as a kubelet reads
// no directories below its own, and lower case. kInvalidArgument, naming the object, if it would be
// over 255 bytes or hold a "/".
absl::StatusOr<std::string> FileName(const object::ObjectKey& key);

// kInvalidArgument, naming both, if two of `keys` have one file; also the errors of FileName.
absl::Status CheckFileNames(const std::vector<object::ObjectKey>& keys);

// Names of files that a write leaves behind when it is cut short.
std::string TemporaryName(absl::string_view unique);
bool IsTemporaryName(absl::string_view name);

}  // namespace leidang::agent
