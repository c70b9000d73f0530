#include "common/process/startup_code.h"

#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace leidang {
namespace {

// kB that the kernel counts as pages of files, of this process.
size_t FilePages() {
  std::ifstream status("/proc/self/status");
  std::string field;
  while (status >> field) {
    size_t kilobytes = 0;
    if (field == "RssFile:" && status >> kilobytes) return kilobytes;
  }
  return 0;
}

TEST(StartupCode, IsGivenBackAndComesBackWhenItIsUsed) {
  const size_t before = FilePages();
  EXPECT_GT(ForgetStartupCode(), size_t{100} << 10);
  const size_t after = FilePages();
  EXPECT_LT(after, before);
  for (int i = 0; i < 3; ++i) EXPECT_GT(ForgetStartupCode(), 0u);
}

}  // namespace
}  // namespace leidang
