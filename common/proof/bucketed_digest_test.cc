#include "common/proof/bucketed_digest.h"

#include <vector>

#include "gtest/gtest.h"

#include "common/random/random.h"

namespace leidang::proof {
namespace {

object::Sha256 RandomElement(Random& random) { return *object::Sha256::FromRaw(random.Bytes(32)); }

TEST(Sum256, SubtractionUndoesAdditionInAnyOrder) {
  SeededRandom random(1);
  std::vector<object::Sha256> elements;
  Sum256 sum;
  for (int i = 0; i < 1000; ++i) {
    elements.push_back(RandomElement(random));
    sum.Add(elements.back());
  }
  for (size_t i = 0; i < elements.size(); ++i) sum.Subtract(elements[(i * 7) % elements.size()]);
  EXPECT_EQ(sum, Sum256());
}

TEST(Sum256, CarriesAndBorrowsThroughAllWords) {
  object::Sha256 ones;
  ones.bytes.fill(0xff);
  object::Sha256 one;
  one.bytes[31] = 1;
  Sum256 sum;
  sum.Add(ones);
  sum.Add(one);
  EXPECT_EQ(sum, Sum256());
  sum.Subtract(one);
  EXPECT_EQ(sum.Raw(), std::string(32, '\xff'));
  EXPECT_EQ(Sum256::FromRaw(sum.Raw()), sum);
  EXPECT_FALSE(Sum256::FromRaw("short").has_value());
}

TEST(BucketedDigest, AddAndRemoveLeaveNoTrace) {
  SeededRandom random(2);
  BucketedDigest digest;
  const object::Sha256 empty_root = digest.Root();
  const intent::EntryKey key{intent::EntryKind::kApplication, "leidang/cart"};
  const object::Sha256 a = RandomElement(random);
  digest.Add(key, a);
  EXPECT_EQ(digest.count(), 1u);
  EXPECT_NE(digest.Root(), empty_root);
  digest.Remove(key, a);
  EXPECT_EQ(digest.Root(), empty_root);
  EXPECT_EQ(digest, BucketedDigest());
}

TEST(BucketedDigest, ARememberedRootIsThatOfTheDigestAtHand) {
  RememberedRoot root;
  BucketedDigest digest;
  EXPECT_EQ(root.Of(digest), digest.Root());
  for (uint8_t bucket = 0; bucket < 4; ++bucket) {
    digest.Add(bucket, object::Sha256::Of("a"));
    EXPECT_EQ(root.Of(digest), digest.Root());
    EXPECT_EQ(root.Of(digest), digest.Root());
  }
  digest.Remove(2, object::Sha256::Of("a"));
  EXPECT_EQ(root.Of(digest), digest.Root());
  EXPECT_EQ(root.Of(BucketedDigest()), BucketedDigest().Root());
}

TEST(BucketedDigest, DifferingBucketsAreThoseOfTheKeysThatDiffer) {
  SeededRandom random(3);
  BucketedDigest hub;
  BucketedDigest agent;
  for (int i = 0; i < 300; ++i) {
    const object::Sha256 element = RandomElement(random);
    const auto bucket = static_cast<uint8_t>(random.Below(kBuckets));
    hub.Add(bucket, element);
    agent.Add(bucket, element);
  }
  EXPECT_TRUE(BucketedDigest::Differing(hub, agent).empty());
  const object::Sha256 element = RandomElement(random);
  hub.Add(uint8_t{0}, element);
  agent.Add(uint8_t{255}, element);
  EXPECT_EQ(BucketedDigest::Differing(hub, agent), (std::vector<uint8_t>{0, 255}));
}

TEST(BucketedDigest, IsMadeFromAPeersBucketsInAnyForm) {
  SeededRandom random(4);
  BucketedDigest digest;
  for (int i = 0; i < 20; ++i) {
    digest.Add(static_cast<uint8_t>(random.Below(kBuckets)), RandomElement(random));
  }
  std::vector<Bucket> told(digest.buckets().rbegin(), digest.buckets().rend());
  told.push_back(Bucket{});  // Count 0.
  EXPECT_EQ(BucketedDigest::FromBuckets(told), digest);
  EXPECT_EQ(BucketedDigest::FromBuckets(told).Root(), digest.Root());
}

}  // namespace
}  // namespace leidang::proof
