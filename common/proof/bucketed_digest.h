#pragma once

// Proof that two parties hold the same intent for a cluster: elements, buckets and the root, as
// docs/formats/digest.md defines them in bytes. Pure; thread-compatible.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/intent/intent.h"
#include "common/object/sha256.h"
#include "common/proof/sum256.h"

namespace leidang::proof {

inline constexpr size_t kBuckets = 256;

// The element of one live entry: SHA-256 over its canonical encoding.
object::Sha256 ElementOf(const intent::Assignment& assignment);

// The bucket of an entry: first byte of SHA-256 of its key in text form.
uint8_t BucketOf(const intent::EntryKey& key);
uint8_t BucketOf(absl::string_view key_text);

struct Bucket {
  uint8_t index = 0;
  uint64_t count = 0;
  Sum256 sum;

  friend bool operator==(const Bucket&, const Bucket&) = default;
};

// Counts and sums of the elements of a set of entries. A change costs O(1) additions and a look-up
// among the buckets in use; only those take memory, as most clusters have few entries.
class BucketedDigest {
 public:
  void Add(const intent::EntryKey& key, const object::Sha256& element);
  void Add(uint8_t bucket, const object::Sha256& element);
  // REQUIRES: the element is among those added.
  void Remove(const intent::EntryKey& key, const object::Sha256& element);
  void Remove(uint8_t bucket, const object::Sha256& element);

  // Hashes 10 KiB: some microseconds.
  object::Sha256 Root() const;
  uint64_t count() const { return count_; }
  // The buckets that hold entries, by index.
  const std::vector<Bucket>& buckets() const { return buckets_; }
  // The bucket with that index, empty if nothing is in it.
  Bucket bucket(uint8_t index) const;

  // Indexes of buckets that differ, ascending.
  static std::vector<uint8_t> Differing(const BucketedDigest& a, const BucketedDigest& b);

  // Of two parties' reports: a digest from the buckets in use. Those with count 0 are left out; of
  // several with one index the last counts.
  static BucketedDigest FromBuckets(const std::vector<Bucket>& buckets);

  friend bool operator==(const BucketedDigest&, const BucketedDigest&) = default;

 private:
  uint64_t count_ = 0;
  std::vector<Bucket> buckets_;  // Sorted by index, none with count 0.
};

// The root of a digest that is asked for more often than it changes, as heartbeats do: hashes only
// when the digest is another one than the last. Thread-compatible.
class RememberedRoot {
 public:
  const object::Sha256& Of(const BucketedDigest& digest);

 private:
  BucketedDigest digest_;
  object::Sha256 root_;  // None: not asked yet.
};

}  // namespace leidang::proof
