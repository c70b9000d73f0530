#include "common/proof/bucketed_digest.h"

#include <algorithm>
#include <map>
#include <string>

#include "common/base/check.h"

namespace leidang::proof {
namespace {

constexpr uint8_t kElementVersion = 1;

void AppendU64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void AppendBytes(std::string& out, absl::string_view bytes) {
  AppendU64(out, bytes.size());
  out.append(bytes.data(), bytes.size());
}

std::vector<Bucket>::iterator Find(std::vector<Bucket>& buckets, uint8_t index) {
  return std::lower_bound(buckets.begin(), buckets.end(), index,
                          [](const Bucket& bucket, uint8_t i) { return bucket.index < i; });
}

}  // namespace

object::Sha256 ElementOf(const intent::Assignment& assignment) {
  std::string text;
  text.reserve(assignment.body.size() + 256);
  text.push_back(static_cast<char>(kElementVersion));
  text.push_back(static_cast<char>(assignment.key.kind));
  AppendBytes(text, assignment.key.ToString());
  AppendBytes(text, assignment.uid.Raw());
  AppendBytes(text, assignment.body);
  AppendU64(text, assignment.sources.size());
  for (const intent::Source& source : assignment.sources) {
    AppendBytes(text, source.repo_url);
    AppendBytes(text, source.target_revision);
    AppendBytes(text, source.path);
    text.push_back(static_cast<char>(source.tool));
    AppendBytes(text, source.tree.Raw());
  }
  return object::Sha256::Of(text);
}

uint8_t BucketOf(absl::string_view key_text) { return object::Sha256::Of(key_text).bytes[0]; }

uint8_t BucketOf(const intent::EntryKey& key) { return BucketOf(key.ToString()); }

void BucketedDigest::Add(const intent::EntryKey& key, const object::Sha256& element) {
  Add(BucketOf(key), element);
}

void BucketedDigest::Add(uint8_t bucket, const object::Sha256& element) {
  auto it = Find(buckets_, bucket);
  if (it == buckets_.end() || it->index != bucket) {
    it = buckets_.insert(it, Bucket{bucket, 0, Sum256()});
  }
  ++it->count;
  it->sum.Add(element);
  ++count_;
}

void BucketedDigest::Remove(const intent::EntryKey& key, const object::Sha256& element) {
  Remove(BucketOf(key), element);
}

void BucketedDigest::Remove(uint8_t bucket, const object::Sha256& element) {
  const auto it = Find(buckets_, bucket);
  CHECK(it != buckets_.end() && it->index == bucket && it->count > 0);
  it->sum.Subtract(element);
  --count_;
  if (--it->count == 0) {
    CHECK(it->sum == Sum256());
    buckets_.erase(it);
  }
}

object::Sha256 BucketedDigest::Root() const {
  std::string text;
  text.reserve(kBuckets * 40);
  size_t next = 0;
  for (size_t index = 0; index < kBuckets; ++index) {
    if (next < buckets_.size() && buckets_[next].index == index) {
      AppendU64(text, buckets_[next].count);
      text += buckets_[next].sum.Raw();
      ++next;
    } else {
      text.append(40, '\0');
    }
  }
  return object::Sha256::Of(text);
}

const object::Sha256& RememberedRoot::Of(const BucketedDigest& digest) {
  if (root_.IsNone() || digest_ != digest) {
    digest_ = digest;
    root_ = digest.Root();
  }
  return root_;
}

Bucket BucketedDigest::bucket(uint8_t index) const {
  for (const Bucket& bucket : buckets_) {
    if (bucket.index == index) return bucket;
  }
  return Bucket{index, 0, Sum256()};
}

std::vector<uint8_t> BucketedDigest::Differing(const BucketedDigest& a, const BucketedDigest& b) {
  std::vector<uint8_t> differing;
  for (size_t index = 0; index < kBuckets; ++index) {
    const auto i = static_cast<uint8_t>(index);
    if (!(a.bucket(i) == b.bucket(i))) differing.push_back(i);
  }
  return differing;
}

BucketedDigest BucketedDigest::FromBuckets(const std::vector<Bucket>& buckets) {
  std::map<uint8_t, Bucket> by_index;
  for (const Bucket& bucket : buckets) by_index[bucket.index] = bucket;
  BucketedDigest digest;
  for (const auto& [index, bucket] : by_index) {
    if (bucket.count == 0) continue;
    digest.buckets_.push_back(bucket);
    digest.count_ += bucket.count;
  }
  return digest;
}

}  // namespace leidang::proof
