#pragma once

#include <algorithm>

#include "absl/time/time.h"

namespace leidang::hub {

// TokenBucket allows `rate` a second on average and `burst` at once. It may be overdrawn: then it
// tells how long to wait. Thread-compatible; time is passed in.
class TokenBucket {
 public:
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}

  // Takes `amount`; how long until the account is even again.
  absl::Duration Take(double amount, absl::Duration now) {
    tokens_ = std::min(burst_, tokens_ + absl::ToDoubleSeconds(now - last_) * rate_);
    last_ = now;
    tokens_ -= amount;
    return tokens_ >= 0 ? absl::ZeroDuration() : absl::Seconds(-tokens_ / rate_);
  }

 private:
  double rate_;
  double burst_;
  double tokens_;
  absl::Duration last_;
};

}  // namespace leidang::hub
