#include "tests/sim/replay/replay.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "tests/sim/replay/agent_end.h"
#include "tests/sim/replay/equivalence.h"
#include "tests/sim/replay/frames.h"
#include "tests/sim/replay/hub_end.h"

namespace leidang::sim {
namespace {

using Kind = RecordedStep::Kind;

constexpr absl::Duration kPatience = absl::Minutes(20);
constexpr absl::Duration kAsksWithin = absl::Seconds(10);

// An agent says nothing but Hello and what it is asked before it is welcomed, of any version.
bool MaySpeakBefore(const v1::AgentMessage& message) {
  return !message.has_hello() && !message.has_bucket_report();
}
bool MaySpeakBefore(const v1::HubMessage&) { return true; }

// What both directions share: `Mine` says today's end, `Theirs` the recorded one.
template <typename Mine, typename Theirs>
class Replay {
 public:
  Replay(const Recording& recording, const ReplayOptions& options)
      : recording_(recording), options_(options) {}
  virtual ~Replay() = default;

  absl::Status Run() {
    for (const RecordedStep& step : recording_.steps) {
      loop_.RunFor(std::max(absl::ZeroDuration(), step.at - loop_.clock().Monotonic()));
      const absl::Status done = Step(step);
      if (!done.ok()) {
        return absl::Status(done.code(),
                            absl::StrCat(recording_.name, ":", step.line, ": ", done.message()));
      }
    }
    return CompareFacts();
  }

 protected:
  virtual absl::Status Step(const RecordedStep& step) = 0;
  virtual const Facts& Recorded() const = 0;
  virtual Facts Today() = 0;
  // Whether an answer that nobody recorded may be left out.
  virtual bool MayBeMore(const Mine& message) const = 0;

  void Wrote(uint64_t stream, const Mine& message) {
    answers_[{stream, message.message_case()}].push_back(message);
  }

  // The bytes as today's version reads them; it must know all of them.
  template <typename Message>
  absl::StatusOr<Message> Understood(const RecordedStep& step) const {
    Message message;
    if (!message.ParseFromString(step.frame)) return absl::DataLossError("the frame has no sense");
    if (message.message_case() == Message::MESSAGE_NOT_SET)
      return absl::DataLossError("the frame is of no known kind");
    if (const std::string unknown = FirstUnknown(message); !unknown.empty())
      return absl::DataLossError(absl::StrCat("the frame has an unknown field ", unknown));
    if (message.SerializeAsString() != step.frame)
      return absl::DataLossError("the frame would be written otherwise today");
    return message;
  }

  // Says it as soon as today's end asks for a message, and, of a later version, more than it.
  absl::Status Say(Theirs message, const std::function<bool()>& wants,
                   const std::function<void(const Theirs&)>& say) {
    std::vector<Theirs> all;
    if (options_.speech == ReplayOptions::Speech::kWithUnknown) {
      if (MaySpeakBefore(message)) {
        all.emplace_back();
        AddUnknown(&all.back());
      }
      AddUnknown(&message);
    }
    all.push_back(std::move(message));
    for (const Theirs& each : all) {
      if (!loop_.RunUntil(wants, kAsksWithin))
        return absl::FailedPreconditionError("today's end has ended, or asks for no message");
      loop_.Post([&] { say(each); });
      loop_.RunFor(absl::ZeroDuration());
    }
    return absl::OkStatus();
  }

  // Takes today's answer of that kind.
  absl::Status Expect(uint64_t stream, const Mine& recorded) {
    std::deque<Mine>& answers = answers_[{stream, recorded.message_case()}];
    std::string differs = "nothing of that kind";
    while (loop_.RunUntil([&] { return !answers.empty(); }, kPatience)) {
      const Mine today = std::move(answers.front());
      answers.pop_front();
      differs = Difference(options_.schema, recorded, today);
      if (differs.empty()) return absl::OkStatus();
      if (!MayBeMore(today)) break;
    }
    return absl::FailedPreconditionError(
        absl::StrCat("recorded was {", recorded.ShortDebugString(), "}, today: ", differs));
  }

  absl::Status CompareFacts() {
    for (const auto& [place, answers] : answers_) {
      for (const Mine& answer : answers) {
        if (MayBeMore(answer)) continue;
        return absl::FailedPreconditionError(absl::StrCat(
            recording_.name, ": today's end says more: {", answer.ShortDebugString(), "}"));
      }
    }
    const Facts today = Today();
    for (const auto& [name, value] : Recorded()) {
      const auto found = today.find(name);
      if (found != today.end() && found->second == value) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(recording_.name, ": at the end ", name, " was ", value, ", today ",
                       found == today.end() ? "missing" : found->second));
    }
    for (const auto& [name, value] : today) {
      if (Recorded().contains(name)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat(recording_.name, ": at the end there is ", name, "=", value, " today"));
    }
    return absl::OkStatus();
  }

  const Recording& recording_;
  const ReplayOptions& options_;
  SimLoop loop_;
  std::map<std::pair<uint64_t, int>, std::deque<Mine>> answers_;
};

class AgainstHub final : public Replay<v1::HubMessage, v1::AgentMessage> {
 public:
  using Replay::Replay;

 private:
  absl::Status Step(const RecordedStep& step) override {
    switch (step.kind) {
      case Kind::kDeed:
        if (step.deed.end == "hub") return hub_.Do(step.deed);
        if (step.deed.end == "cut") {
          for (const uint64_t stream : streams_) hub_.Close(stream);
        }
        return absl::OkStatus();
      case Kind::kOpen:
        streams_.insert(step.stream);
        hub_.Accept(step.stream);
        return absl::OkStatus();
      case Kind::kUp: {
        ASSIGN_OR_RETURN(const v1::AgentMessage message, Understood<v1::AgentMessage>(step));
        // What an agent still wrote when its hub had ended the stream reached nobody.
        if (!hub_.Has(step.stream)) return absl::OkStatus();
        return Say(
            message, [&] { return hub_.Wants(step.stream); },
            [&](const v1::AgentMessage& said) { hub_.Say(step.stream, said); });
      }
      case Kind::kDown: {
        ASSIGN_OR_RETURN(const v1::HubMessage message, Understood<v1::HubMessage>(step));
        return Expect(step.stream, message);
      }
      case Kind::kAgentGone:
        hub_.Close(step.stream);
        return absl::OkStatus();
      case Kind::kHubClosed:
        if (loop_.RunUntil([&] { return !hub_.Has(step.stream); }, kPatience))
          return absl::OkStatus();
        return absl::FailedPreconditionError("today's hub does not end the stream");
      case Kind::kEnd:
        break;
    }
    return absl::OkStatus();
  }
  const Facts& Recorded() const override { return recording_.hub; }
  Facts Today() override { return hub_.Show(); }
  bool MayBeMore(const v1::HubMessage&) const override { return false; }

  HubEnd hub_{loop_,
              {.wrote = [this](uint64_t stream, const v1::HubMessage& m) { Wrote(stream, m); },
               .closed = [](uint64_t) {}}};
  std::set<uint64_t> streams_;
};

class AgainstAgent final : public Replay<v1::AgentMessage, v1::HubMessage> {
 public:
  using Replay::Replay;

 private:
  absl::Status Step(const RecordedStep& step) override {
    switch (step.kind) {
      case Kind::kDeed:
        if (step.deed.end == "agent") return agent_.Do(step.deed);
        if (step.deed.end == "cut") {
          for (const uint64_t stream : streams_)
            agent_.Close(stream, absl::UnavailableError("connection reset"));
        }
        return absl::OkStatus();
      case Kind::kOpen:
        if (!loop_.RunUntil([&] { return agent_.Has(step.stream); }, kPatience))
          return absl::FailedPreconditionError("today's agent does not connect");
        streams_.insert(step.stream);
        agent_.Accept(step.stream);
        return absl::OkStatus();
      case Kind::kUp: {
        ASSIGN_OR_RETURN(const v1::AgentMessage message, Understood<v1::AgentMessage>(step));
        return Expect(step.stream, message);
      }
      case Kind::kDown: {
        ASSIGN_OR_RETURN(const v1::HubMessage message, Understood<v1::HubMessage>(step));
        if (!agent_.Has(step.stream)) return absl::OkStatus();
        return Say(
            message, [&] { return agent_.Wants(step.stream); },
            [&](const v1::HubMessage& said) { agent_.Say(step.stream, said); });
      }
      case Kind::kAgentGone:
        if (loop_.RunUntil([&] { return !agent_.Has(step.stream); }, kPatience))
          return absl::OkStatus();
        return absl::FailedPreconditionError("today's agent does not end the stream");
      case Kind::kHubClosed:
        agent_.Close(step.stream, absl::OkStatus());
        return absl::OkStatus();
      case Kind::kEnd:
        break;
    }
    return absl::OkStatus();
  }
  const Facts& Recorded() const override { return recording_.agent; }
  Facts Today() override { return agent_.Show(); }
  bool MayBeMore(const v1::AgentMessage& message) const override { return message.has_heartbeat(); }

  AgentEnd agent_{
      loop_,
      {.opened = [](uint64_t) {},
       .wrote = [this](uint64_t stream, const v1::AgentMessage& m) { Wrote(stream, m); },
       .gone = [](uint64_t) {}}};
  std::set<uint64_t> streams_;
};

}  // namespace

absl::Status ReplayAgainstHub(const Recording& recording, const ReplayOptions& options) {
  return AgainstHub(recording, options).Run();
}

absl::Status ReplayAgainstAgent(const Recording& recording, const ReplayOptions& options) {
  return AgainstAgent(recording, options).Run();
}

}  // namespace leidang::sim
