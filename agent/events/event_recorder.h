#pragma once

// EventRecorder: what happened, as Kubernetes Events, so that `kubectl get events` and `kubectl
// describe` tell it where people look.
//
// Best effort, as Events are everywhere: status is what counts, and it goes to the hub. The same
// thing happening again raises the count of its Event instead of making another one. Beyond the
// rate, Events are dropped and counted.
//
// Loop-bound.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "absl/time/time.h"

#include "agent/cluster/cluster_client.h"
#include "common/object/key.h"
#include "common/time/event_loop.h"

namespace leidang::agent {

// One thing that happened to one object.
struct Happening {
  enum class Type : uint8_t { kNormal, kWarning };
  object::ObjectKey regarding;
  std::string uid;  // Of the object; empty if it is not known.
  Type type = Type::kNormal;
  std::string reason;   // In UpperCamelCase.
  std::string message;  // For people; cut off after 1,024 bytes, the API's limit.
};

struct EventRecorderOptions {
  size_t burst = 50;
  double per_second = 1;
  // Series that are remembered, in order to count; the one that was quiet longest is forgotten.
  size_t series_max = 1000;
};

class EventRecorder {
 public:
  // Both must outlive it.
  EventRecorder(EventLoop& loop, ClusterClient& cluster, EventRecorderOptions options = {});

  void Record(const Happening& happening);

  // Happenings of which no Event tells.
  uint64_t dropped() const { return dropped_; }

 private:
  using SeriesKey = std::tuple<object::ObjectKey, std::string, std::string, std::string>;
  struct Series {
    std::string name;  // Of the Event.
    absl::Time first;
    absl::Duration last;  // Monotonic.
    int64_t count = 0;
  };

  bool TakeToken();
  Series& SeriesOf(const Happening& happening);
  void ForgetOldest();

  EventLoop& loop_;
  ClusterClient& cluster_;
  const EventRecorderOptions options_;
  std::map<SeriesKey, Series> series_;
  double tokens_;
  absl::Duration filled_;
  uint64_t dropped_ = 0;
  uint64_t last_name_ = 0;
};

}  // namespace leidang::agent
