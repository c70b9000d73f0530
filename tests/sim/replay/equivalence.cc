#include "tests/sim/replay/equivalence.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"

#include "tests/sim/replay/frames.h"

namespace leidang::sim {
namespace {

constexpr uint32_t kHeartbeatMin = 1'000;
constexpr uint32_t kHeartbeatMax = 60'000;

// All features that the recorded version named are named today.
template <typename Features>
bool HasFeatures(const Features& recorded, const Features& today) {
  return std::all_of(recorded.begin(), recorded.end(), [&](const std::string& feature) {
    return std::find(today.begin(), today.end(), feature) != today.end();
  });
}

bool InBounds(const v1::Welcome& welcome) {
  return welcome.heartbeat_ms() >= kHeartbeatMin && welcome.heartbeat_ms() <= kHeartbeatMax &&
         welcome.window_bytes() >= kHeartbeatMin && !welcome.hub_version().empty();
}

void DropSettings(v1::Welcome* welcome) {
  welcome->clear_heartbeat_ms();
  welcome->clear_window_bytes();
  welcome->clear_hub_version();
  welcome->clear_features();
}

template <typename Message>
std::string Compare(const std::set<std::string>& schema, const Message& recorded, Message* today) {
  DropLater(schema, today);
  google::protobuf::util::MessageDifferencer differencer;
  std::string report;
  differencer.ReportDifferencesToString(&report);
  return differencer.Compare(recorded, *today) ? "" : report;
}

}  // namespace

std::string Difference(const std::set<std::string>& schema, v1::HubMessage recorded,
                       v1::HubMessage today) {
  if (recorded.has_welcome() && today.has_welcome()) {
    if (!InBounds(recorded.welcome()) || !InBounds(today.welcome()))
      return "welcome: heartbeat_ms, window_bytes or hub_version is out of bounds\n";
    if (!HasFeatures(recorded.welcome().features(), today.welcome().features()))
      return "welcome.features: one is named no more\n";
    DropSettings(recorded.mutable_welcome());
    DropSettings(today.mutable_welcome());
  }
  if (recorded.has_goodbye() && today.has_goodbye()) {
    if (recorded.goodbye().message().empty() != today.goodbye().message().empty())
      return "goodbye.message: one has none\n";
    recorded.mutable_goodbye()->clear_message();
    today.mutable_goodbye()->clear_message();
  }
  return Compare(schema, recorded, &today);
}

std::string Difference(const std::set<std::string>& schema, v1::AgentMessage recorded,
                       v1::AgentMessage today) {
  if (recorded.has_hello() && today.has_hello()) {
    if (!HasFeatures(recorded.hello().features(), today.hello().features()))
      return "hello.features: one is named no more\n";
    for (v1::Hello* hello : {recorded.mutable_hello(), today.mutable_hello()}) {
      hello->clear_features();
      if (hello->agent_version().empty()) return "hello.agent_version: one has none\n";
    }
  }
  if (recorded.has_refused() && today.has_refused()) {
    if (recorded.refused().message().empty() != today.refused().message().empty())
      return "refused.message: one has none\n";
    recorded.mutable_refused()->clear_message();
    today.mutable_refused()->clear_message();
  }
  // How often it beats is the agent's matter; what the beat says is not.
  if (recorded.has_heartbeat() && today.has_heartbeat()) {
    for (v1::Heartbeat* heartbeat : {recorded.mutable_heartbeat(), today.mutable_heartbeat()}) {
      if (heartbeat->acknowledged() >= heartbeat->sequence())
        return "heartbeat.acknowledged: not below its sequence\n";
      heartbeat->clear_sequence();
      heartbeat->clear_acknowledged();
    }
  }
  return Compare(schema, recorded, &today);
}

}  // namespace leidang::sim
