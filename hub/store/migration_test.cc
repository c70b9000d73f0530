#include "hub/store/migration.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"

#include "hub/store/memory_rows.h"
#include "hub/store/meta_record.h"
#include "hub/store/store_contract.h"
#include "tests/support/status_matchers.h"

namespace leidang::hub {
namespace {

using ::leidang::testing::IsOkAndHolds;
using ::leidang::testing::StatusIs;
using ::testing::HasSubstr;

class MigrationTest : public ::testing::Test {
 protected:
  MigrationTest() { Write(kMetaStoreKey, EncodeMeta({TestHub(), absl::UnixEpoch(), 1})); }

  void Write(const std::string& key, std::string value) {
    RowBatch batch;
    batch.Put(Family::kMeta, key, std::move(value));
    ASSERT_OK(disk_.Persist(std::move(batch), Durability::kSynced));
  }
  std::string Read(const std::string& key) {
    return disk_.Reveal(nullptr)->Get(Family::kMeta, key)->value_or("");
  }
  uint32_t Format() { return DecodeMeta(kMetaStoreKey, Read(kMetaStoreKey), 99)->format; }

  // Appends its name to a row.
  Migration Step(uint32_t from) {
    return {from, [this, from](Rows& rows) {
              if (from == fails_at_) return absl::ResourceExhaustedError("the disk is full");
              RowBatch batch;
              batch.Put(Family::kMeta, "ran", Read("ran") + std::to_string(from));
              return rows.Persist(std::move(batch), Durability::kSynced);
            }};
  }

  MemoryRows disk_;
  uint32_t fails_at_ = 0;
};

TEST_F(MigrationTest, StepsRunInOrderFromTheFormatThatIsFound) {
  EXPECT_THAT(Migrate(disk_, {Step(2), Step(1), Step(3)}, 4), IsOkAndHolds(1u));
  EXPECT_EQ(Read("ran"), "123");
  EXPECT_EQ(Format(), 4u);
  EXPECT_THAT(Migrate(disk_, {Step(2), Step(1), Step(3)}, 4), IsOkAndHolds(4u));
  EXPECT_EQ(Read("ran"), "123");
}

TEST_F(MigrationTest, OneThatWasInterruptedGoesOnAtItsStep) {
  fails_at_ = 2;
  EXPECT_THAT(Migrate(disk_, {Step(1), Step(2)}, 3),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("full")));
  EXPECT_EQ(Format(), 2u);
  fails_at_ = 0;
  EXPECT_THAT(Migrate(disk_, {Step(1), Step(2)}, 3), IsOkAndHolds(2u));
  EXPECT_EQ(Read("ran"), "12");
  EXPECT_EQ(Format(), 3u);
}

TEST_F(MigrationTest, AGapIsRefusedAndSaysWhatToDo) {
  EXPECT_THAT(Migrate(disk_, {Step(2)}, 3),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("versions in between")));
  EXPECT_EQ(Format(), 1u);
}

TEST_F(MigrationTest, ALaterFormatIsRefusedAndNothingIsWritten) {
  Write(kMetaStoreKey, EncodeMeta({TestHub(), absl::UnixEpoch(), 7}));
  EXPECT_THAT(Migrate(disk_, {}, 1),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("the store has format 7; this program reads up to 1")));
  EXPECT_EQ(Format(), 7u);
}

TEST_F(MigrationTest, EveryFormatBelowTodaysHasItsStep) {
  std::vector<Migration> steps = StoreMigrations();
  ASSERT_EQ(steps.size(), kFormat - 1);
}

}  // namespace
}  // namespace leidang::hub
