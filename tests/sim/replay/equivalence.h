#pragma once

// When two answers of the link come to the same for the peer that gets them: `recorded` by an
// earlier version, `today` by this one. What is for people, and settings within their bounds, may
// differ. Each answers what differs; empty if nothing that counts. Pure.

#include <set>
#include <string>

#include "leidang/v1/link.pb.h"

namespace leidang::sim {

// `schema`: what the recorded version knew (frames.h).
std::string Difference(const std::set<std::string>& schema, v1::HubMessage recorded,
                       v1::HubMessage today);
std::string Difference(const std::set<std::string>& schema, v1::AgentMessage recorded,
                       v1::AgentMessage today);

}  // namespace leidang::sim
