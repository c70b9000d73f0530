#include "agent/scripts/script_worker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "agent/scripts/worker_main.h"
#include "agent/scripts/worker_messages.h"
#include "common/base/status_macros.h"
#include "common/object/sha256.h"
#include "common/process/piped_child.h"

namespace leidang::agent {
namespace {

using object::Value;

constexpr size_t kRestingMax = 1000;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEIDANG_SHADOWED
#endif
#endif

// The address sanitizer's shadow counts as memory and is far beyond any limit.
uint64_t MemoryLimit(const ScriptWorkerOptions& options) {
#if defined(LEIDANG_SHADOWED) || defined(__SANITIZE_ADDRESS__)
  return 0 * options.memory_bytes_max;
#else
  return options.memory_bytes_max;
#endif
}

}  // namespace

// The child and the thread's view of it.
class ScriptWorker::Child {
 public:
  Child(const Clock& clock, const ScriptWorkerOptions& options)
      : clock_(clock), options_(options) {}

  absl::StatusOr<Value> Ask(const ScriptCall& call);
  void EndIfIdle();
  Snapshot Look() const {
    return {.pid = child_ == nullptr ? 0 : child_->pid(), .starts = starts_, .confined = confined_};
  }

 private:
  // Grows with each failure in a row.
  struct Rest {
    absl::Duration length;
    absl::Duration until;
  };

  void Begin(Rest& rest) const;
  absl::Status CheckRest(const Rest& rest, absl::string_view why) const;
  absl::Status EnsureStarted();
  absl::Status Start();
  absl::StatusOr<std::string> ReadFrame(absl::Duration deadline);
  absl::Status Failed(const absl::Status& how);

  const Clock& clock_;
  const ScriptWorkerOptions& options_;
  std::unique_ptr<PipedChild> child_;
  Rest start_;
  std::map<object::Sha256, Rest> resting_;  // By script.
  absl::Duration used_;
  uint64_t starts_ = 0;
  bool confined_ = false;
};

void ScriptWorker::Child::Begin(Rest& rest) const {
  rest.length = std::clamp(rest.length * 2, options_.rest_min, options_.rest_max);
  rest.until = clock_.Monotonic() + rest.length;
}

absl::Status ScriptWorker::Child::CheckRest(const Rest& rest, absl::string_view why) const {
  const absl::Duration left = rest.until - clock_.Monotonic();
  if (rest.length == absl::ZeroDuration() || left <= absl::ZeroDuration()) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(why, "; not tried again for ",
                   absl::FormatDuration(absl::Ceil(left, absl::Milliseconds(100)))));
}

absl::StatusOr<std::string> ScriptWorker::Child::ReadFrame(absl::Duration deadline) {
  ASSIGN_OR_RETURN(const std::string head, child_->Read(kScriptLengthBytes, deadline));
  ASSIGN_OR_RETURN(const size_t length, FrameLength(head));
  return child_->Read(length, deadline);
}

absl::Status ScriptWorker::Child::Start() {
  ChildCommand command;
  command.argv = options_.argv;
  command.network = ChildCommand::Network::kNone;
  command.memory_bytes_max = MemoryLimit(options_);
  ++starts_;
  ASSIGN_OR_RETURN(child_, PipedChild::Start(command, clock_));
  absl::StatusOr<std::string> greeting = ReadFrame(clock_.Monotonic() + options_.start_deadline);
  absl::StatusOr<Value> greeted = greeting.ok() ? ReadAnswer(*greeting) : greeting.status();
  if (greeted.ok()) {
    const Value* confined = object::Find(*greeted, {"confined"});
    confined_ = confined != nullptr && confined->is_bool() && confined->get_bool();
    return absl::OkStatus();
  }
  const std::string how = child_->End();
  child_.reset();
  return absl::UnavailableError(
      absl::StrCat("it did not greet: ", greeted.status().message(), " (", how, ")"));
}

absl::Status ScriptWorker::Child::EnsureStarted() {
  if (child_ != nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(CheckRest(start_, "what runs scripts cannot be started"));
  const absl::Status started = Start();
  if (started.ok()) {
    start_ = Rest();
    return started;
  }
  Begin(start_);
  return absl::UnavailableError(
      absl::StrCat("what runs scripts cannot be started: ", started.message()));
}

// The child is of no use any more.
absl::Status ScriptWorker::Child::Failed(const absl::Status& how) {
  const std::string end = child_->End();
  child_.reset();
  if (absl::IsDeadlineExceeded(how)) {
    return absl::DeadlineExceededError(
        absl::StrCat("it was not done after ", absl::FormatDuration(options_.deadline)));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("what runs scripts ended (", end, "); it may need more than ",
                   options_.memory_bytes_max >> 20, " MiB of memory"));
}

absl::StatusOr<Value> ScriptWorker::Child::Ask(const ScriptCall& call) {
  const object::Sha256 script = object::Sha256::Of(call.script);
  const auto rest = resting_.find(script);
  if (rest != resting_.end()) {
    RETURN_IF_ERROR(CheckRest(rest->second, "it has ended what runs scripts before"));
  }
  ASSIGN_OR_RETURN(const std::string frame, FrameOf(CallMessage(call)));
  RETURN_IF_ERROR(EnsureStarted());
  used_ = clock_.Monotonic();
  const absl::Duration deadline = used_ + options_.deadline;
  const absl::Status sent = child_->Write(frame, deadline);
  const absl::StatusOr<std::string> answer =
      sent.ok() ? ReadFrame(deadline) : absl::StatusOr<std::string>(sent);
  used_ = clock_.Monotonic();
  if (answer.ok()) {
    if (rest != resting_.end()) resting_.erase(rest);
    return ReadAnswer(*answer);
  }
  if (resting_.size() >= kRestingMax) resting_.clear();
  Begin(resting_[script]);
  return Failed(answer.status());
}

void ScriptWorker::Child::EndIfIdle() {
  if (child_ == nullptr || clock_.Monotonic() - used_ < options_.idle_max) return;
  child_.reset();
}

ScriptWorker::ScriptWorker(EventLoop& loop, ScriptWorkerOptions options)
    : loop_(loop),
      options_([&options] {
        if (options.argv.empty()) options.argv = {"/proc/self/exe", kScriptWorkerArgument};
        return std::move(options);
      }()),
      child_(std::make_unique<Child>(loop.clock(), options_)) {}

ScriptWorker::~ScriptWorker() {
  *alive_ = false;
  // The thread must outlive the child that it has started.
  if (thread_ != nullptr) {
    thread_->Stop();
  }
}

void ScriptWorker::Run(ScriptCall call, Done done) {
  if (waiting_ >= options_.waiting_max) {
    const absl::Status full = absl::ResourceExhaustedError(
        absl::StrCat(waiting_, " scripts wait already; it is not run"));
    loop_.Post([alive = alive_, done = std::move(done), error = NamedError(call, full)] {
      if (*alive) done(error);
    });
    return;
  }
  if (thread_ == nullptr) thread_ = std::make_unique<WorkerThreads>("scripts", 1);
  ++waiting_;
  thread_->Run([this, alive = alive_, call = std::move(call), done = std::move(done)] {
    absl::StatusOr<Value> answer = child_->Ask(call);
    if (!answer.ok()) answer = NamedError(call, answer.status());
    loop_.Post([this, alive, done, answer = std::move(answer), seen = child_->Look()] {
      if (!*alive) return;
      --waiting_;
      seen_ = seen;
      ArmIdle();
      done(answer);
    });
  });
}

// One timer at a time, while there may be a child.
void ScriptWorker::ArmIdle() {
  if (idle_armed_ || seen_.pid == 0) return;
  idle_armed_ = true;
  loop_.After(options_.idle_max, [this, alive = alive_] {
    if (!*alive) return;
    thread_->Run([this, alive] {
      child_->EndIfIdle();
      loop_.Post([this, alive, seen = child_->Look()] {
        if (!*alive) return;
        seen_ = seen;
        idle_armed_ = false;
        ArmIdle();
      });
    });
  });
}

ScriptWorker::Snapshot ScriptWorker::Look() const {
  Snapshot snapshot = seen_;
  snapshot.waiting = waiting_;
  return snapshot;
}

}  // namespace leidang::agent
