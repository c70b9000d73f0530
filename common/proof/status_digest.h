#pragma once

// Digest of the statuses that an agent reported and a hub stored, by which a hub finds that a crash
// lost some of them. docs/formats/digest.md defines it in bytes. Pure; thread-compatible.

#include <cstdint>

#include "common/intent/status.h"
#include "common/object/sha256.h"
#include "common/proof/sum256.h"

namespace leidang::proof {

// Covers every field.
object::Sha256 StatusElementOf(const intent::EntryStatus& status);

class StatusDigest {
 public:
  void Add(const object::Sha256& element);
  // REQUIRES: the element is among those added.
  void Remove(const object::Sha256& element);

  object::Sha256 Root() const;
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
  Sum256 sum_;
};

}  // namespace leidang::proof
