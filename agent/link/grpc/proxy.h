#pragma once

#include <string>

namespace leidang::agent {

// "host:port" of the HTTP proxy that leads to `target` ("host:port"), from HTTPS_PROXY and NO_PROXY
// or their lower-case forms; empty where there is none. What is on this machine needs none.
// "http://" before it, a path behind it and a missing port (80) are taken as curl takes them; a
// user and password are not supported and come back as they are, so that the error names them.
std::string ProxyFor(const std::string& target);

}  // namespace leidang::agent
