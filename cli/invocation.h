#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "cli/commands.h"
#include "cli/connection.h"

namespace CLI {
class App;
}

namespace leidang::cli {

// What the flags say; the command to run is chosen by the parser.
struct Invocation {
  ConnectionOptions connection;
  std::string token_file;
  std::string config = ConfigPath();
  double timeout_s = 30;
  std::function<absl::Status(Connection&)> run;
  std::optional<int> exit_code;  // Instead of that of the status.
  bool needs_hub = true;
};

// The commands about Applications, `leidang app …`, below `parent`.
void AddApplications(CLI::App& parent, Invocation& invocation, const Clock& clock, Streams streams);

}  // namespace leidang::cli
