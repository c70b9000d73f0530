#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "common/intent/intent.h"

namespace leidang::hub {

// ChangeWindow counts the changes that were sent and not acknowledged, and bounds their bytes.
// Thread-compatible.
class ChangeWindow {
 public:
  explicit ChangeWindow(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Whether more may be sent. One message may overshoot, so that any change fits.
  bool open() const { return bytes_ < bytes_max_; }
  bool empty() const { return in_flight_.empty(); }
  size_t bytes() const { return bytes_; }

  // The sequence number for the next message, whose acknowledgement proves `through` (0: proves no
  // revision).
  uint64_t Sent(size_t bytes, intent::Revision through) {
    in_flight_.push_back({.sequence = next_, .bytes = bytes, .through = through});
    bytes_ += bytes;
    return next_++;
  }

  // Everything up to `sequence` arrived. The revision that this proves, 0 for none; nullopt if
  // `sequence` is not in flight.
  std::optional<intent::Revision> Acknowledged(uint64_t sequence) {
    if (in_flight_.empty() || sequence < in_flight_.front().sequence || sequence >= next_) {
      return std::nullopt;
    }
    intent::Revision through = 0;
    while (!in_flight_.empty() && in_flight_.front().sequence <= sequence) {
      bytes_ -= in_flight_.front().bytes;
      if (in_flight_.front().through > 0) through = in_flight_.front().through;
      in_flight_.pop_front();
    }
    return through;
  }

 private:
  struct Message {
    uint64_t sequence = 0;
    size_t bytes = 0;
    intent::Revision through = 0;
  };

  size_t bytes_max_;
  size_t bytes_ = 0;
  uint64_t next_ = 1;
  std::deque<Message> in_flight_;
};

}  // namespace leidang::hub
