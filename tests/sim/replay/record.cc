#include "tests/sim/replay/record.h"

#include <deque>
#include <map>

#include "absl/strings/str_cat.h"

#include "tests/sim/replay/agent_end.h"
#include "tests/sim/replay/hub_end.h"

namespace leidang::sim {
namespace {

using Kind = RecordedStep::Kind;

// Both ends with nothing between them but the order of what is written.
class Recorder {
 public:
  Recorder(const Recording& script, const std::string& commit) : script_(script) {
    out_.name = script.name;
    out_.commit = commit;
  }

  absl::StatusOr<Recording> Run() {
    for (const RecordedStep& step : script_.steps) {
      if (step.kind != Kind::kDeed && step.kind != Kind::kEnd) continue;
      PassUntil(step.at);
      if (step.kind == Kind::kEnd) break;
      out_.steps.push_back(step);
      const absl::Status done = Do(step.deed);
      if (!done.ok()) {
        return absl::Status(done.code(),
                            absl::StrCat(script_.name, ":", step.line, ": ", done.message()));
      }
    }
    Note(Kind::kEnd, 0, "");
    out_.hub = hub_.Show();
    out_.agent = agent_.Show();
    return out_;
  }

 private:
  struct Line {
    std::deque<v1::AgentMessage> up;
    std::deque<v1::HubMessage> down;
  };

  absl::Duration Now() const { return loop_.clock().Monotonic(); }
  void PassUntil(absl::Duration at) { loop_.RunFor(at - Now()); }

  void Note(Kind kind, uint64_t stream, std::string frame) {
    RecordedStep step;
    step.at = Now();
    step.kind = kind;
    step.stream = stream;
    step.frame = std::move(frame);
    out_.steps.push_back(std::move(step));
  }

  absl::Status Do(const Deed& deed) {
    if (deed.end == "hub") return hub_.Do(deed);
    if (deed.end == "agent") return agent_.Do(deed);
    for (auto& [stream, line] : lines_) {
      hub_.Close(stream);
      agent_.Close(stream, absl::UnavailableError("connection reset"));
    }
    return absl::OkStatus();
  }

  void Opened(uint64_t stream) {
    if (!agent_.Has(stream)) return;
    Note(Kind::kOpen, stream, "");
    lines_[stream];
    hub_.Accept(stream);
    agent_.Accept(stream);
    Pump();
  }
  void AgentWrote(uint64_t stream, const v1::AgentMessage& message) {
    Note(Kind::kUp, stream, message.SerializeAsString());
    lines_[stream].up.push_back(message);
    Pump();
  }
  void HubWrote(uint64_t stream, const v1::HubMessage& message) {
    Note(Kind::kDown, stream, message.SerializeAsString());
    lines_[stream].down.push_back(message);
    Pump();
  }
  void AgentGone(uint64_t stream) {
    Note(Kind::kAgentGone, stream, "");
    hub_.Close(stream);
  }
  // What was written before it arrives before it.
  void HubClosed(uint64_t stream) {
    if (!lines_[stream].down.empty() && agent_.Has(stream)) {
      loop_.After(absl::Milliseconds(1), [this, stream] { HubClosed(stream); });
      return;
    }
    Note(Kind::kHubClosed, stream, "");
    agent_.Close(stream, absl::OkStatus());
  }

  // Delivers what is wanted, each on its own: what one message leads to comes before the next.
  void Pump() {
    if (pumping_) return;
    pumping_ = true;
    loop_.Post([this] {
      pumping_ = false;
      for (auto& [stream, line] : lines_) {
        if (!line.up.empty() && hub_.Wants(stream)) {
          const v1::AgentMessage message = line.up.front();
          line.up.pop_front();
          hub_.Say(stream, message);
          return Pump();
        }
        if (!line.down.empty() && agent_.Wants(stream)) {
          const v1::HubMessage message = line.down.front();
          line.down.pop_front();
          agent_.Say(stream, message);
          return Pump();
        }
      }
      Wait();
    });
  }
  // Somebody does not ask for a message yet.
  void Wait() {
    for (const auto& [stream, line] : lines_) {
      const bool up = !line.up.empty() && hub_.Has(stream);
      const bool down = !line.down.empty() && agent_.Has(stream);
      if (!up && !down) continue;
      loop_.After(absl::Milliseconds(1), [this] { Pump(); });
      return;
    }
  }

  const Recording& script_;
  Recording out_;
  SimLoop loop_;
  HubEnd hub_{loop_,
              {.wrote = [this](uint64_t stream, const v1::HubMessage& m) { HubWrote(stream, m); },
               .closed = [this](uint64_t stream) { HubClosed(stream); }}};
  AgentEnd agent_{
      loop_,
      {.opened = [this](uint64_t stream) { Opened(stream); },
       .wrote = [this](uint64_t stream, const v1::AgentMessage& m) { AgentWrote(stream, m); },
       .gone = [this](uint64_t stream) { AgentGone(stream); }}};
  std::map<uint64_t, Line> lines_;
  bool pumping_ = false;
};

}  // namespace

absl::StatusOr<Recording> Record(const Recording& script, const std::string& commit) {
  return Recorder(script, commit).Run();
}

}  // namespace leidang::sim
