#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "agent/link/backoff.h"
#include "agent/link/transport.h"
#include "common/intent/intent.h"

namespace leidang::agent {

struct LinkOptions {
  intent::ClusterId cluster;
  std::string version;           // Of the agent, for people.
  std::string instance;          // 16 bytes, random per process.
  std::vector<HubAddress> hubs;  // Tried in turn; at least one.

  // From the start of an attempt to Welcome. Long, because a hub that a herd returns to holds
  // connections back before TLS, and waiting there is not a failure.
  absl::Duration connect_deadline = absl::Seconds(90);
  BackoffOptions backoff;
  absl::Duration stable_after =
      absl::Minutes(1);  // A session that lasted this long resets the backoff.
  absl::Duration wait_max = absl::Minutes(10);  // Most that a Goodbye can make the agent wait.

  size_t receive_bytes_max =
      8u << 20;                        // Changes that wait for the disk; beyond it nothing is read.
  size_t report_bytes_max = 1u << 20;  // Of one StatusBatch or BucketReport.
  size_t statuses_per_batch = 500;
  absl::Duration status_interval =
      absl::Milliseconds(200);  // Between batches: changes in it are merged.
  // An acknowledgement of changes waits so long for a message to travel with, unless so many bytes
  // of changes, or a quarter of the hub's window, wait for it.
  absl::Duration ack_wait = absl::Seconds(1);
  size_t ack_bytes = 64u << 10;
};

}  // namespace leidang::agent
