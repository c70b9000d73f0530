#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace leidang::hub {

struct SessionOptions {
  std::string version;  // Of the hub, for people.

  absl::Duration heartbeat = absl::Seconds(20);  // Below the 60 s after which middle boxes cut.
  int silent_heartbeats_max = 3;                 // Beyond it the session counts as dead.
  absl::Duration hello_deadline = absl::Seconds(30);
  absl::Duration linger = absl::Seconds(10);  // For a goodbye to leave.
  size_t ungreeted_max = 4;                   // Sessions of one cluster that have not said Hello.

  absl::Duration record_every =
      absl::Minutes(1);  // What is known of a live link is stored so often.

  size_t window_bytes = 4u << 20;     // Changes of one session without an acknowledgement.
  size_t changes_bytes = 256u << 10;  // Of one message of changes; one change may be larger.
  size_t buckets_per_request = 64;
  size_t unclaimed_max = 10'000;  // Told in one comparison; the rest in the next.
  size_t unclaimed_per_message = 1'000;
  absl::Duration compare_pause =
      absl::Seconds(30);  // Before one that a heartbeat asks for; doubles.
  absl::Duration compare_pause_max = absl::Minutes(10);

  // Quotas of one agent. Beyond them its next message is read later: nobody else is touched.
  size_t message_bytes_max = 4u << 20;
  double messages_per_second = 100;
  double messages_burst = 500;
  double bytes_per_second = 4u << 20;
  double bytes_burst = 16u << 20;
  size_t statuses_per_batch_max = 1'000;
  double statuses_per_second = 2'000;
  double statuses_burst = 20'000;
  size_t status_bytes_max = 512u << 10;
  // A batch of so few is acknowledged with the next message to its agent, if the agent can take
  // that.
  size_t statuses_unhurried_max = 3;
  // Stored of uids that the cluster is neither assigned nor to delete; what is beyond is not kept.
  size_t unassigned_statuses_max = 10'000;
  size_t operations_max = 100;  // Waiting to be sent.

  size_t fetches_per_cluster_max = 8;
  size_t fetches_max = 256;
  size_t trees_cached_max = 256;
  // Of one agent; beyond it a fetch begins, or goes on, later.
  double fetches_per_second = 200;
  double fetches_burst = 2'000;
  double fetched_bytes_per_second = 8u << 20;
  double fetched_bytes_burst = 16u << 20;
  // Of all agents together.
  double content_bytes_per_second = 64u << 20;
  double content_bytes_burst = 64u << 20;

  // What a Goodbye asks for.
  absl::Duration superseded_pause = absl::Seconds(30);
  absl::Duration behind_pause = absl::Seconds(30);
  absl::Duration unavailable_pause = absl::Seconds(5);
};

}  // namespace leidang::hub
