#include "tests/sim/replay/recording.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"

namespace leidang::sim {
namespace {

constexpr absl::string_view kFirstLine = "leidang link recording 1";

using Kind = RecordedStep::Kind;
struct Word {
  absl::string_view word;
  Kind kind;
};
constexpr Word kWords[] = {
    {"open", Kind::kOpen},
    {"up", Kind::kUp},
    {"down", Kind::kDown},
    {"agent-gone", Kind::kAgentGone},
    {"hub-closed", Kind::kHubClosed},
    {"end", Kind::kEnd},
};

bool ParseDeed(const std::vector<std::string>& words, Deed* deed) {
  deed->end = words[1];
  if (deed->end == "cut") return words.size() == 2;
  if (words.size() < 3 || (deed->end != "hub" && deed->end != "agent")) return false;
  deed->verb = words[2];
  for (size_t i = 3; i < words.size(); ++i) {
    const std::pair<std::string, std::string> argument =
        absl::StrSplit(words[i], absl::MaxSplits('=', 1));
    deed->arguments.insert(argument);
  }
  return true;
}

bool ParseFrame(const std::vector<std::string>& words, RecordedStep* step) {
  if (step->kind == Kind::kEnd) return words.size() == 2;
  const bool frame = step->kind == Kind::kUp || step->kind == Kind::kDown;
  if (words.size() != (frame ? 4u : 3u) || !absl::SimpleAtoi(words[2], &step->stream)) return false;
  if (!frame) return true;
  for (const char c : words[3]) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return false;
  }
  step->frame = absl::HexStringToBytes(words[3]);
  return words[3].size() % 2 == 0;
}

std::optional<RecordedStep> ParseStep(absl::string_view line) {
  const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
  RecordedStep step;
  if (words.size() < 2 || !absl::ParseDuration(words[0], &step.at)) return std::nullopt;
  for (const Word& word : kWords) {
    if (word.word != words[1]) continue;
    step.kind = word.kind;
    if (!ParseFrame(words, &step)) return std::nullopt;
    return step;
  }
  step.kind = Kind::kDeed;
  step.text = std::string(absl::StripPrefix(line, words[0] + " "));
  if (!ParseDeed(words, &step.deed)) return std::nullopt;
  return step;
}

bool ParseFact(absl::string_view line, Recording* recording) {
  Facts* facts = &recording->hub;
  if (!absl::ConsumePrefix(&line, "fact hub ")) {
    if (!absl::ConsumePrefix(&line, "fact agent ")) return false;
    facts = &recording->agent;
  }
  return facts->insert(absl::StrSplit(line, absl::MaxSplits('=', 1))).second;
}

absl::Status ParseLine(absl::string_view line, size_t number, Recording* recording) {
  const auto refuse = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(recording->name, ":", number, ": ", what));
  };
  if (number == 1) {
    if (line == kFirstLine) return absl::OkStatus();
    return refuse(absl::StrCat("is of no known version; the first line must be \"", kFirstLine,
                               "\": write it again with link_record"));
  }
  if (line.empty() || line[0] == '#') return absl::OkStatus();
  if (absl::ConsumePrefix(&line, "commit ")) {
    recording->commit = std::string(line);
    return absl::OkStatus();
  }
  if (absl::StartsWith(line, "fact ")) {
    if (ParseFact(line, recording)) return absl::OkStatus();
    return refuse("no fact: write `fact hub name=value`, each name once");
  }
  std::optional<RecordedStep> step = ParseStep(line);
  if (!step.has_value()) return refuse("no step: recording.h says how one is written");
  if (!recording->steps.empty() && step->at < recording->steps.back().at)
    return refuse("time goes back: put the lines in order");
  step->line = number;
  recording->steps.push_back(*std::move(step));
  return absl::OkStatus();
}

std::string PrintStep(const RecordedStep& step) {
  std::string line = absl::StrCat(absl::FormatDuration(step.at), " ");
  if (step.kind == Kind::kDeed) return absl::StrCat(line, step.text);
  for (const Word& word : kWords) {
    if (word.kind == step.kind) absl::StrAppend(&line, word.word);
  }
  if (step.kind == Kind::kEnd) return line;
  absl::StrAppend(&line, " ", step.stream);
  if (step.kind == Kind::kUp || step.kind == Kind::kDown)
    absl::StrAppend(&line, " ", absl::BytesToHexString(step.frame));
  return line;
}

}  // namespace

std::string Deed::Get(absl::string_view name) const {
  const auto found = arguments.find(std::string(name));
  return found == arguments.end() ? "" : found->second;
}

absl::StatusOr<Recording> ParseRecording(absl::string_view name, absl::string_view text) {
  Recording recording;
  recording.name = std::string(name);
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n'))
    RETURN_IF_ERROR(ParseLine(absl::StripTrailingAsciiWhitespace(line), ++number, &recording));
  if (recording.steps.empty() || recording.steps.back().kind != Kind::kEnd) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ":", number, ": the last step must be `TIME end`: is the file whole?"));
  }
  return recording;
}

std::string PrintRecording(const Recording& recording) {
  std::string text = absl::StrCat(kFirstLine, "\ncommit ", recording.commit, "\n");
  for (const RecordedStep& step : recording.steps) absl::StrAppend(&text, PrintStep(step), "\n");
  for (const auto& [name, value] : recording.hub)
    absl::StrAppend(&text, "fact hub ", name, "=", value, "\n");
  for (const auto& [name, value] : recording.agent)
    absl::StrAppend(&text, "fact agent ", name, "=", value, "\n");
  return text;
}

}  // namespace leidang::sim
