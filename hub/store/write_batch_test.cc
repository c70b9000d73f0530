#include "hub/store/write_batch.h"

#include <string>
#include <variant>

#include "gtest/gtest.h"

namespace leidang::hub {
namespace {

WriteBatch ContentOf(const std::vector<size_t>& sizes) {
  WriteBatch batch;
  for (const size_t size : sizes) {
    const std::string bytes(size, 'x');
    batch.PutContent(object::Sha256::Of(bytes), bytes);
  }
  return batch;
}

TEST(WriteBatch, InPartsKeepsEveryOperationAndTheirOrder) {
  const std::vector<size_t> sizes = {100, 200, 5'000, 300, 400, 700, 1};
  const size_t bytes = ContentOf(sizes).bytes();
  const std::vector<WriteBatch> parts = ContentOf(sizes).InParts(1'000);
  std::vector<size_t> found;
  size_t sum = 0;
  for (const WriteBatch& part : parts) {
    EXPECT_TRUE(part.bytes() <= 1'000 || part.ops().size() == 1) << part.bytes();
    EXPECT_FALSE(part.empty());
    EXPECT_FALSE(part.status_only());
    sum += part.bytes();
    for (const op::Any& operation : part.ops())
      found.push_back(std::get<op::PutContent>(operation).bytes.size());
  }
  EXPECT_EQ(found, sizes);
  EXPECT_EQ(sum, bytes);
  EXPECT_EQ(parts.size(), 4u);
}

TEST(WriteBatch, OneThatIsSmallEnoughStaysWhole) {
  EXPECT_EQ(ContentOf({1, 2, 3}).InParts(1'000).size(), 1u);
  EXPECT_TRUE(WriteBatch().InParts(1'000).empty());
}

TEST(WriteBatch, PartsOfStatusesNeedNoSync) {
  WriteBatch batch;
  for (int i = 0; i < 3; ++i) {
    batch.DeleteStatus(intent::ClusterId(), {intent::EntryKind::kApplication, "a"}, intent::Uid());
  }
  const std::vector<WriteBatch> parts = std::move(batch).InParts(100);
  EXPECT_EQ(parts.size(), 3u);
  for (const WriteBatch& part : parts) EXPECT_TRUE(part.status_only());
}

}  // namespace
}  // namespace leidang::hub
