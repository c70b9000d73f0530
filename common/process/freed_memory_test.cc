// What is given back for real; not with sanitizers, which have a malloc of their own.

#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

#include "common/process/slack_memory.h"
#include "tests/support/status_matchers.h"

namespace leidang {
namespace {

constexpr size_t kMb = size_t{1} << 20;

TEST(SlackMemory, WhatIsFreeBetweenBlocksInUseIsGivenBack) {
  std::vector<std::unique_ptr<std::vector<char>>> blocks;
  for (int i = 0; i < 40'000; ++i) {
    blocks.push_back(std::make_unique<std::vector<char>>(4'000, 'x'));
  }
  ASSERT_OK_AND_ASSIGN(const size_t full, ResidentBytes());
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 16 != 0) blocks[i].reset();
  }
  GiveBackFreeMemory();
  ASSERT_OK_AND_ASSIGN(const size_t after, ResidentBytes());
  EXPECT_LT(after + 50 * kMb, full);
}

}  // namespace
}  // namespace leidang
