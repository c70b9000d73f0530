// An AgentSession of a cluster that is recovering: it asks, and sends nothing.

#include <utility>

#include "absl/strings/str_cat.h"

#include "hub/session/agent_session.h"

namespace leidang::hub {
namespace {

constexpr absl::Duration kSurveyPause = absl::Milliseconds(200);  // Changes come in crowds.
// An agent leaves by itself before, and comes back.
constexpr absl::Duration kHeldMax = absl::Minutes(5);

}  // namespace

void AgentSession::TellBehind(const ClusterLog& log) {
  SessionTable::Known& seen = known();
  seen.trouble = LinkTrouble::kHubBehind;
  seen.trouble_message = absl::StrCat(
      "the agent holds revision ", greeting_.revision, " of ", greeting_.authority.ToString(),
      ", but this hub is at ", log.head, " of ", log.authority.ToString(), ": it has lost changes");
}

bool AgentSession::MustHold() {
  if (table_.held_.contains(cluster_)) return true;
  if (table_.on_survey_ == nullptr) return false;
  const absl::StatusOr<ClusterLog> log = table_.store_.Log(cluster_);
  if (!log.ok() || greeting_.authority.hub != log->authority.hub) return false;
  const intent::Standing standing = intent::Compare(greeting_.authority, log->authority);
  if (standing != intent::Standing::kForeign && OpeningFor(greeting_, *log) != Opening::kBehind) {
    return false;
  }
  TellBehind(*log);
  return true;
}

void AgentSession::BeginHold() {
  loop_.Cancel(timer_);
  timer_ = loop_.After(kHeldMax, [this] {
    Goodbye(v1::Goodbye::BEHIND, absl::ZeroDuration(), options_.behind_pause,
            "the hub is recovering");
  });
  if (table_.surveys_ == Surveys::kNow) StartSurvey();
}

void AgentSession::HoldChanged() {
  if (phase_ == Phase::kLive && table_.held_.contains(cluster_)) {
    return Goodbye(v1::Goodbye::BEHIND, absl::ZeroDuration(), options_.unavailable_pause,
                   "the hub is recovering");
  }
  if (phase_ != Phase::kHeld) return;
  if (!MustHold()) {
    survey_.reset();
    loop_.Cancel(survey_timer_);
    loop_.Cancel(timer_);
    return BeginFencing();
  }
  if (survey_ == nullptr && survey_round_ == 0 && table_.surveys_ == Surveys::kNow) {
    StartSurvey();
  }
}

void AgentSession::StartSurvey() {
  if (table_.surveys_ != Surveys::kNow || survey_timer_ != 0) return;
  // One that is under way ends first: the agent answers what it was asked.
  if (survey_ != nullptr || survey_round_ > 0) {
    survey_timer_ = loop_.After(kSurveyPause, [this] {
      survey_timer_ = 0;
      if (phase_ != Phase::kHeld) return;
      if (survey_ != nullptr) return StartSurvey();
      survey_ = std::make_unique<Survey>(table_.store_, cluster_, ++survey_round_, options_);
      Pump();
    });
    return;
  }
  if (!surveyable_) {
    ++survey_round_;
    Difference difference;
    if (const absl::StatusOr<LogDigest> digest = table_.store_.Digest(cluster_); digest.ok()) {
      difference.head = digest->head;
      difference.equal = digest->digest.count();
      difference.unknown = digest->digest.Root() != greeting_.intent_root;
    } else {
      difference.unknown = true;
    }
    if (difference.unknown) difference.equal = 0;
    return SurveyDone(std::move(difference));
  }
  survey_ = std::make_unique<Survey>(table_.store_, cluster_, ++survey_round_, options_);
  Pump();
}

void AgentSession::OnSurveyReport(const v1::BucketReport& report) {
  if (survey_ == nullptr) return Misbehaved("a bucket report that was not asked for");
  const absl::Status status = survey_->OnReport(report);
  if (absl::IsInvalidArgument(status)) return Misbehaved(std::string(status.message()));
  if (!status.ok()) return StoreFailed(status);
  if (!survey_->done()) return Pump();
  Difference difference = survey_->difference();
  survey_.reset();
  SurveyDone(std::move(difference));
}

void AgentSession::SurveyDone(Difference difference) {
  difference.agent_authority = greeting_.authority;
  difference.agent_revision = greeting_.revision;
  if (table_.on_survey_ == nullptr) return;
  // Never from within a call of the stream.
  loop_.Post([this, alive = alive_, difference = std::move(difference)] {
    if (*alive && phase_ == Phase::kHeld && table_.on_survey_ != nullptr) {
      table_.on_survey_(cluster_, difference);
    }
  });
}

}  // namespace leidang::hub
