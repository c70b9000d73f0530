#include "tests/sim/replay/replay.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/stubs/logging.h"
#include "gtest/gtest.h"

#include "leidang/v1/link.pb.h"
#include "tests/sim/replay/frames.h"
#include "tests/sim/replay/recording.h"
#include "tests/support/status_matchers.h"

namespace leidang::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Kind = RecordedStep::Kind;

constexpr char kFolder[] = "tests/sim/recordings";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The recordings of one version.
struct Version {
  std::string folder;
  std::set<std::string> schema;
  std::vector<Recording> recordings;
};

Version ReadVersion(const std::filesystem::path& folder) {
  Version version{.folder = folder.string(), .schema = {}, .recordings = {}};
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.insert(entry.path());
  for (const std::filesystem::path& path : files) {
    const std::string text = ReadFile(path);
    if (path.extension() == ".txt") {
      version.schema = absl::StrSplit(text, '\n', absl::SkipEmpty());
      continue;
    }
    auto recording = ParseRecording(path.string(), text);
    EXPECT_OK(recording);
    if (recording.ok()) version.recordings.push_back(*std::move(recording));
  }
  EXPECT_FALSE(version.schema.empty()) << folder << " has no schema.txt";
  EXPECT_FALSE(version.recordings.empty()) << folder << " has no recording";
  return version;
}

std::vector<Version> ReadVersions() {
  std::set<std::filesystem::path> folders;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) folders.insert(entry);
  std::vector<Version> versions;
  for (const std::filesystem::path& folder : folders) versions.push_back(ReadVersion(folder));
  EXPECT_FALSE(versions.empty());
  return versions;
}

// The first complaint of both directions, if there is one.
absl::Status ReplayBoth(const Recording& recording, const ReplayOptions& options) {
  const absl::Status hub = ReplayAgainstHub(recording, options);
  return hub.ok() ? ReplayAgainstAgent(recording, options) : hub;
}

// In the order in which this version writes the fields, so that what is wrong with them must show
// in what they mean.
template <typename Message>
std::string Planted(const std::string& frame, const Renumbering& renumbering) {
  std::string bytes = Renumbered(*Message::descriptor(), frame, renumbering);
  Message message;
  return message.ParseFromString(bytes) ? message.SerializeAsString() : bytes;
}

bool Survives(const Version& version, const Renumbering& renumbering) {
  const google::protobuf::LogSilencer silence;  // Bytes that are no text any more.
  const ReplayOptions options{.schema = version.schema};
  return std::all_of(version.recordings.begin(), version.recordings.end(),
                     [&](Recording recording) {
                       for (RecordedStep& step : recording.steps) {
                         if (step.kind == Kind::kUp)
                           step.frame = Planted<v1::AgentMessage>(step.frame, renumbering);
                         if (step.kind == Kind::kDown)
                           step.frame = Planted<v1::HubMessage>(step.frame, renumbering);
                       }
                       return ReplayBoth(recording, options).ok();
                     });
}

// All fields that stand in the frames of a version.
std::set<const google::protobuf::FieldDescriptor*> FieldsIn(const Version& version) {
  std::set<const google::protobuf::FieldDescriptor*> fields;
  for (const Recording& recording : version.recordings) {
    for (const RecordedStep& step : recording.steps) {
      v1::AgentMessage up;
      v1::HubMessage down;
      if (step.kind == Kind::kUp && up.ParseFromString(step.frame)) CollectFields(up, &fields);
      if (step.kind == Kind::kDown && down.ParseFromString(step.frame))
        CollectFields(down, &fields);
    }
  }
  return fields;
}

TEST(LinkReplayTest, TodaysHubUnderstandsTheAgentsOfEarlierVersions) {
  for (const Version& version : ReadVersions()) {
    for (const Recording& recording : version.recordings)
      EXPECT_OK(ReplayAgainstHub(recording, {.schema = version.schema}));
  }
}

TEST(LinkReplayTest, TodaysAgentUnderstandsTheHubsOfEarlierVersions) {
  for (const Version& version : ReadVersions()) {
    for (const Recording& recording : version.recordings)
      EXPECT_OK(ReplayAgainstAgent(recording, {.schema = version.schema}));
  }
}

TEST(LinkReplayTest, FieldsAndMessagesOfLaterVersionsChangeNoAnswer) {
  for (const Version& version : ReadVersions()) {
    const ReplayOptions options{.schema = version.schema,
                                .speech = ReplayOptions::Speech::kWithUnknown};
    for (const Recording& recording : version.recordings) EXPECT_OK(ReplayBoth(recording, options));
  }
}

TEST(LinkReplayTest, EveryFieldKeepsItsNumberTypeAndName) {
  const std::set<std::string> today = LinkSchema();
  for (const Version& version : ReadVersions()) {
    std::vector<std::string> lost;
    std::set_difference(version.schema.begin(), version.schema.end(), today.begin(), today.end(),
                        std::back_inserter(lost));
    EXPECT_THAT(lost, IsEmpty()) << "agents and hubs of " << version.folder << " say these";
  }
}

TEST(LinkReplayTest, EveryMessageOfTheLinkIsRecordedSomewhere) {
  std::set<const google::protobuf::FieldDescriptor*> recorded;
  for (const Version& version : ReadVersions()) recorded.merge(FieldsIn(version));
  std::vector<std::string> missing;
  for (const google::protobuf::Descriptor* type :
       {v1::AgentMessage::descriptor(), v1::HubMessage::descriptor()}) {
    for (int i = 0; i < type->field_count(); ++i) {
      const google::protobuf::FieldDescriptor& field = *type->field(i);
      // Reserved for several hubs: nobody says them.
      if (field.name() == "redirect" || field.name() == "rebase") continue;
      if (!recorded.contains(&field)) missing.push_back(field.full_name());
    }
  }
  EXPECT_THAT(missing, IsEmpty()) << "record a session that has it: tests/sim/README.md";
}

// What follows plants faults in the recordings as a change of link.proto would be one.

TEST(LinkReplayTest, AFieldThatGotAnotherNumberIsNoticed) {
  for (const Version& version : ReadVersions()) {
    ASSERT_TRUE(Survives(version, {.type = "none", .numbers = {}}));
    for (const google::protobuf::FieldDescriptor* field : FieldsIn(version)) {
      EXPECT_FALSE(Survives(version, {.type = field->containing_type()->full_name(),
                                      .numbers = {{field->number(), field->number() + 500}}}))
          << field->full_name();
    }
  }
}

TEST(LinkReplayTest, FieldsThatChangedTheirMeaningsAreNoticed) {
  for (const Version& version : ReadVersions()) {
    const std::set<const google::protobuf::FieldDescriptor*> fields = FieldsIn(version);
    for (const google::protobuf::FieldDescriptor* one : fields) {
      for (const google::protobuf::FieldDescriptor* other : fields) {
        if (one->containing_type() != other->containing_type() || one->number() >= other->number())
          continue;
        EXPECT_FALSE(Survives(version, {.type = one->containing_type()->full_name(),
                                        .numbers = {{one->number(), other->number()},
                                                    {other->number(), one->number()}}}))
            << one->full_name() << " and " << other->name();
      }
    }
  }
}

TEST(LinkReplayTest, AnAnswerThatDoesNotComeIsNoticed) {
  const Version version = ReadVersions().front();
  for (const Kind kind : {Kind::kUp, Kind::kDown}) {
    Recording recording = version.recordings.front();
    const auto last = std::find_if(recording.steps.rbegin(), recording.steps.rend(),
                                   [&](const RecordedStep& step) { return step.kind == kind; });
    ASSERT_NE(last, recording.steps.rend());
    recording.steps.insert(last.base(), *last);
    const absl::Status status = ReplayBoth(recording, {.schema = version.schema});
    EXPECT_FALSE(status.ok());
  }
}

TEST(LinkReplayTest, AnotherEndIsNoticed) {
  const Version version = ReadVersions().front();
  Recording recording = version.recordings.front();
  recording.hub["root"] = "0";
  EXPECT_THAT(std::string(ReplayAgainstHub(recording, {.schema = version.schema}).message()),
              HasSubstr("at the end root was 0"));
  recording.agent["intent-root"] = "0";
  EXPECT_THAT(std::string(ReplayAgainstAgent(recording, {.schema = version.schema}).message()),
              HasSubstr("at the end intent-root was 0"));
}

std::string ErrorOf(absl::string_view text) {
  return std::string(ParseRecording("a.link", text).status().message());
}

TEST(RecordingTest, IsPrintedAsItWasRead) {
  for (const Version& version : ReadVersions()) {
    for (const Recording& recording : version.recordings) {
      const std::string text = PrintRecording(recording);
      const auto again = ParseRecording(recording.name, text);
      ASSERT_OK(again);
      EXPECT_EQ(PrintRecording(*again), text);
      EXPECT_EQ(recording.commit.size(), 40u) << recording.name;
    }
  }
}

TEST(RecordingTest, SaysWhereAFileIsWrong) {
  const std::string first = "leidang link recording 1\n";
  EXPECT_THAT(ErrorOf("leidang link recording 2\n0s end"), HasSubstr("a.link:1: is of no known"));
  EXPECT_THAT(ErrorOf(first + "0s up 1 0g\n0s end"), HasSubstr("a.link:2: no step"));
  EXPECT_THAT(ErrorOf(first + "0s up 1 012\n0s end"), HasSubstr("a.link:2: no step"));
  EXPECT_THAT(ErrorOf(first + "0s up x 01\n0s end"), HasSubstr("a.link:2: no step"));
  EXPECT_THAT(ErrorOf(first + "0s sing\n0s end"), HasSubstr("a.link:2: no step"));
  EXPECT_THAT(ErrorOf(first + "soon end"), HasSubstr("a.link:2: no step"));
  EXPECT_THAT(ErrorOf(first + "2s open 1\n1s end"), HasSubstr("a.link:3: time goes back"));
  EXPECT_THAT(ErrorOf(first + "fact hub a=1\nfact hub a=2"), HasSubstr("a.link:3: no fact"));
  EXPECT_THAT(ErrorOf(first + "1s open 1\n"), HasSubstr("the last step must be"));
}

}  // namespace
}  // namespace leidang::sim
