#include "tests/tidy/rooms.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/tidy/planted.h"

namespace leidang::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Findings Check(const std::string& path, const std::string& text) {
  return CheckRooms(Planted(path, text));
}

TEST(Rooms, HubAndAgentNeverIncludeEachOther) {
  EXPECT_THAT(Found(Check("hub/session/a.cc", "#include \"agent/link/link.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Found(Check("agent/link/a.cc", "\n#include \"hub/model/model.h\"\n")),
              ElementsAre("2: rooms"));
  EXPECT_THAT(Found(Check("hub/main.cc", "#include \"agent/state/state.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Found(Check("agent/link/a_test.cc", "#include \"hub/model/model.h\"\n")),
              ElementsAre("1: rooms"));
}

TEST(Rooms, OnlyTestsSeeBothEnds) {
  EXPECT_THAT(Check("tests/sim/a.cc", "#include \"hub/model/m.h\"\n#include \"agent/link/l.h\"\n"),
              IsEmpty());
}

TEST(Rooms, ALowerRoomDoesNotSeeAHigherOne) {
  EXPECT_THAT(Found(Check("hub/store/a.cc", "#include \"hub/control/control.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Found(Check("common/base/a.h", "#include \"common/object/value.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Found(Check("generators/list/a.cc", "#include \"hub/model/m.h\"\n")),
              ElementsAre("1: rooms"));
}

TEST(Rooms, AnAllowedEdgePasses) {
  EXPECT_THAT(Check("hub/control/a.cc",
                    "#include \"generators/expand.h\"\n#include \"common/kube/cron.h\"\n"),
              IsEmpty());
}

TEST(Rooms, GeneratedTypesDoNotTravelIn) {
  EXPECT_THAT(Found(Check("hub/control/a.cc", "#include \"leidang/v1/link.pb.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Found(Check("hub/session/a.cc", "#include \"leidang/v1/link.grpc.pb.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Found(Check("hub/session/a.cc", "#include \"leidang/store/v1/records.pb.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Check("hub/rpc/a.cc", "#include \"leidang/v1/link.grpc.pb.h\"\n"), IsEmpty());
}

TEST(Rooms, ProductCodeDoesNotSeeTests) {
  EXPECT_THAT(Found(Check("hub/store/a.cc", "#include \"tests/support/x.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Check("hub/store/a_test.cc", "#include \"tests/support/x.h\"\n"), IsEmpty());
}

TEST(Rooms, AnUnknownFolderIsNoRoom) {
  EXPECT_THAT(Found(Check("hub/extras/a.cc", "")), ElementsAre("0: rooms"));
  EXPECT_THAT(Found(Check("hub/store/a.cc", "#include \"hub/extras/a.h\"\n")),
              ElementsAre("1: rooms"));
  EXPECT_THAT(Found(Check("a.cc", "")), ElementsAre("0: rooms"));
}

TEST(Rooms, TheMessageSaysWhatMayBeSeen) {
  EXPECT_THAT(
      Check("hub/source/a.cc", "#include \"hub/store/store.h\"\n").at(0).Text(),
      HasSubstr(
          "hub/source/a.cc:1: rooms: hub/source may not see hub/store, only: common hub/model"));
}

}  // namespace
}  // namespace leidang::tidy
