#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"

#include "common/object/sha256.h"

namespace leidang::agent {

// Brings content by its digest into State; agent/link's fetcher stands behind it. Loop-bound.
class ContentPort {
 public:
  using Done = std::function<void(absl::Status)>;

  virtual ~ContentPort() = default;

  // Calls `done`, never inside the call, once State has the content, or with the error why it never
  // will. Until then it goes on trying.
  virtual uint64_t Want(const object::Sha256& digest, Done done) = 0;
  // Its `done` will not run.
  virtual void Forget(uint64_t want) = 0;
};

}  // namespace leidang::agent
