#include "agent/policy/policy_file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/log/memory_log.h"
#include "common/time/sim_loop.h"
#include "tests/support/temp_dir.h"

namespace leidang::agent {
namespace {

using ::testing::HasSubstr;

class PolicyFileTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  void Follow() {
    file_.Follow([this](const ClusterPolicy& policy) {
      paused_.push_back(policy.At(loop_.clock().Now()).changes == ClusterPolicy::Changes::kNone);
    });
  }

  testing::TempDir dir_;
  const std::string path_ = dir_.path() + "/policy.yaml";
  SimLoop loop_;
  MemoryLog log_;
  PolicyFile file_{loop_, log_, path_};
  std::vector<bool> paused_;  // Of each policy that was told.
};

TEST_F(PolicyFileTest, AFileThatIsMissingOrWrongIsAnErrorAtTheStart) {
  EXPECT_EQ(file_.Read().status().message(), "the policy " + path_ + " cannot be read");
  Write("pause: [");
  EXPECT_THAT(std::string(file_.Read().status().message()), HasSubstr(path_));
  Write(std::string(PolicyFile::kBytesMax + 1, '#'));
  EXPECT_TRUE(absl::IsResourceExhausted(file_.Read().status()));
}

TEST_F(PolicyFileTest, AChangeIsToldOnce) {
  Write("{}");
  ASSERT_TRUE(file_.Read().ok());
  Follow();
  loop_.RunFor(absl::Minutes(1));
  EXPECT_TRUE(paused_.empty());
  Write("pause: true");
  loop_.RunFor(absl::Minutes(1));
  EXPECT_EQ(paused_, std::vector<bool>{true});
}

TEST_F(PolicyFileTest, WhatCannotBeReadLeavesThePolicyAndIsToldOnce) {
  Write("pause: true");
  ASSERT_TRUE(file_.Read().ok());
  Follow();
  for (const char* text : {"", "pause: [", "puase: false"}) {
    Write(text);
    loop_.RunFor(absl::Minutes(1));
  }
  std::filesystem::remove(path_);
  loop_.RunFor(absl::Minutes(1));
  EXPECT_TRUE(paused_.empty());
  EXPECT_EQ(log_.lines().size(), 4u);
  Write("pause: false");
  loop_.RunFor(absl::Minutes(1));
  EXPECT_EQ(paused_, std::vector<bool>{false});
}

}  // namespace
}  // namespace leidang::agent
