#include "tests/tidy/fences.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"

namespace leidang::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Findings Check(const std::string& path, const std::string& include) {
  return CheckFences(Planted(path, "#include " + include + "\n"));
}

TEST(Fences, ALibraryOutsideItsFenceIsFound) {
  const std::pair<const char*, const char*> planted[] = {
      {"hub/session/a.cc", "<grpcpp/grpcpp.h>"},
      {"hub/control/a.cc", "<rocksdb/db.h>"},
      {"hub/resolve/a.cc", "<git2.h>"},
      {"agent/link/a.cc", "<sqlite3.h>"},
      {"generators/git/a.cc", "<yaml.h>"},
      {"cli/a.cc", "<yaml-cpp/yaml.h>"},
      {"agent/render/a.cc", "<openssl/evp.h>"},
      {"hub/control/a.cc", "\"re2/re2.h\""},
      {"hub/source/a.cc", "<curl/curl.h>"},
      {"agent/state/a.cc", "<spdlog/spdlog.h>"},
      {"hub/rpc/a.cc", "<boost/beast/core.hpp>"},
      {"hub/store/a.cc", "\"gtest/gtest.h\""},
      {"common/object/a.h", "<google/protobuf/x.h>"},
      {"hub/session/a.cc", "<zstd.h>"},
  };
  for (const auto& [path, include] : planted) {
    EXPECT_THAT(Found(Check(path, include)), ElementsAre("1: fences")) << path << " " << include;
  }
}

TEST(Fences, ALibraryInsideItsFencePasses) {
  EXPECT_THAT(Check("hub/store/rocks_store.cc", "<rocksdb/db.h>"), IsEmpty());
  EXPECT_THAT(Check("agent/link/grpc/a.cc", "<grpcpp/grpcpp.h>"), IsEmpty());
  EXPECT_THAT(Check("hub/store/store_test.cc", "\"gtest/gtest.h\""), IsEmpty());
  EXPECT_THAT(Check("hub/main.cc", "<CLI/CLI.hpp>"), IsEmpty());
}

TEST(Fences, WhatDebianLacksOrOursReplacesIsForbiddenEverywhere) {
  for (const char* include : {"\"absl/log/log.h\"", "\"absl/synchronization/mutex.h\"", "<format>",
                              "<regex>", "<string_view>", "<mutex>", "<thread>", "<random>"}) {
    EXPECT_THAT(Found(Check("hub/store/a.cc", include)), ElementsAre("1: fences")) << include;
  }
  EXPECT_THAT(Check("common/time/thread_loop.cc", "<thread>"), IsEmpty());
}

TEST(Fences, APureRoomHasNoOutsideWorld) {
  for (const char* include :
       {"<fstream>", "<filesystem>", "<chrono>", "\"common/log/log.h\"", "\"common/time/clock.h\"",
        "\"common/base/mutex.h\"", "<unistd.h>", "<sys/stat.h>"}) {
    EXPECT_THAT(Found(Check("agent/apply/a.cc", include)), ElementsAre("1: fences")) << include;
  }
  EXPECT_THAT(Check("agent/apply/a_test.cc", "<fstream>"), IsEmpty());
  EXPECT_THAT(Check("agent/render/a.cc", "<fstream>"), IsEmpty());
}

TEST(Fences, AnUnknownLibraryNeedsAFence) {
  EXPECT_THAT(Check("hub/store/a.cc", "<nlohmann/json.hpp>").at(0).advice,
              HasSubstr("no known library"));
  EXPECT_THAT(Found(Check("hub/store/a.cc", "\"store.h\"")), ElementsAre("1: fences"));
}

TEST(Fences, StandardAndSystemHeadersPass) {
  for (const char* include : {"<map>", "<cstdint>", "<sys/stat.h>", "<unistd.h>"}) {
    EXPECT_THAT(Check("hub/store/a.cc", include), IsEmpty()) << include;
  }
}

TEST(Fences, LinkingObeysTheSameTable) {
  EXPECT_EQ(MayLink("hub/session/x.cc", "grpc"), Sight::kForbidden);
  EXPECT_EQ(MayLink("hub/rpc/x.cc", "grpc"), Sight::kAllowed);
  EXPECT_EQ(MayLink("hub/rpc/x.cc", "absl"), Sight::kAllowed);
  EXPECT_EQ(MayLink("hub/rpc/x.cc", "unheard_of"), Sight::kForbidden);
}

}  // namespace
}  // namespace leidang::tidy
