// The command line `leidang`. It talks to a hub through the gRPC API and to nothing else.

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/ascii.h"

#include "CLI/CLI.hpp"
#include "cli/appset/generate.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/invocation.h"
#include "common/time/real_clock.h"

namespace leidang::cli {
namespace {

absl::Status OpenAndRun(Invocation& invocation) {
  if (!invocation.token_file.empty()) {
    std::ifstream file(invocation.token_file);
    if (!file) return absl::NotFoundError("cannot read the token file " + invocation.token_file);
    invocation.connection.token = std::string(
        absl::StripAsciiWhitespace(std::string(std::istreambuf_iterator<char>(file), {})));
  }
  invocation.connection.timeout = absl::Seconds(invocation.timeout_s);
  if (absl::Status status = FillFromConfig(invocation.config, &invocation.connection); !status.ok())
    return status;
  absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Open(invocation.connection);
  if (!connection.ok()) return connection.status();
  return invocation.run(**connection);
}

void AddReading(CLI::App& app, Invocation& invocation, const Clock& clock, Streams streams) {
  auto get = std::make_shared<GetOptions>();
  CLI::App* command = app.add_subcommand("get", "List objects, or show one");
  command
      ->add_option("kind", get->kind,
                   "applicationsets, applications, clusters, projects, repositories, or KIND/NAME")
      ->required();
  command->add_option("name", get->name, "NAME or NAMESPACE/NAME");
  command->add_option("-o,--output", get->format, "table, json, yaml or name");
  command->add_option("--cluster", get->cluster, "Applications of this cluster only");
  command->add_option("--set", get->set, "Applications of this ApplicationSet only");
  command->add_option("-l,--selector", get->selector, "Label selector");
  command->callback([&invocation, get, &clock, streams] {
    invocation.run = [get, &clock, streams](Connection& c) { return Get(c, *get, clock, streams); };
  });

  auto described = std::make_shared<std::pair<std::string, std::string>>();
  command = app.add_subcommand("describe", "Show everything about one object");
  command->add_option("kind", described->first, "Kind, or KIND/NAME")->required();
  command->add_option("name", described->second, "NAME or NAMESPACE/NAME");
  command->callback([&invocation, described, &clock, streams] {
    invocation.run = [described, &clock, streams](Connection& c) {
      return Describe(c, described->first, described->second, clock, streams);
    };
  });

  auto watch = std::make_shared<WatchOptions>();
  auto seconds = std::make_shared<double>(0);
  command = app.add_subcommand("watch", "Print the present state, then every change");
  command->add_option("kind", watch->kind)->required();
  command->add_option("--cluster", watch->cluster, "Applications of this cluster only");
  command->add_option("--set", watch->set, "Applications of this ApplicationSet only");
  command->add_flag("--until-synced", watch->until_synced, "End when all is synced and healthy");
  command->add_option("--for", *seconds, "End after this many seconds, with exit code 5");
  command->callback([&invocation, watch, seconds, streams] {
    if (*seconds > 0) watch->timeout = absl::Seconds(*seconds);
    invocation.run = [watch, streams](Connection& c) { return Watch(c, *watch, streams); };
  });
}

void AddWriting(CLI::App& app, Invocation& invocation, Streams streams) {
  auto apply = std::make_shared<ApplyOptions>();
  CLI::App* command = app.add_subcommand("apply", "Create or change objects");
  command->add_option("-f,--filename", apply->files, "File, folder, or - for standard input")
      ->required();
  command->add_flag("--dry-run", apply->dry_run, "Check only");
  command->callback([&invocation, apply, streams] {
    invocation.run = [apply, streams](Connection& c) { return Apply(c, *apply, streams); };
  });

  auto deleted = std::make_shared<DeleteOptions>();
  command = app.add_subcommand("delete", "Delete one object");
  command->add_option("kind", deleted->kind, "Kind, or KIND/NAME")->required();
  command->add_option("name", deleted->name, "NAME or NAMESPACE/NAME");
  command->add_option("--confirm", deleted->confirm, "Number of Applications that go with a set");
  command->add_option(
      "--cascade", deleted->cascade,
      "foreground (or true), background, or orphan (or false), which keeps objects");
  command->callback([&invocation, deleted, streams] {
    invocation.run = [deleted, streams](Connection& c) { return Delete(c, *deleted, streams); };
  });

  auto refresh = std::make_shared<std::string>();
  command = app.add_subcommand("refresh", "Look at Git now instead of at the next poll");
  command->add_option("set", *refresh, "An ApplicationSet; all repositories unless given");
  command->callback([&invocation, refresh, streams] {
    invocation.run = [refresh, streams](Connection& c) { return Refresh(c, *refresh, streams); };
  });
}

void AddRecovery(CLI::App& app, Invocation& invocation, const Clock& clock, Streams streams) {
  auto options = std::make_shared<RecoverOptions>();
  CLI::App* command = app.add_subcommand(
      "recover", "Clusters that a restored hub holds back, and what would differ");
  command->add_flag("--accept", options->accept, "Let those that are shown go on");
  command->add_option("--cluster", options->cluster, "With --accept: this one only");
  command->add_flag("--although-unsettled", options->although_unsettled,
                    "With --accept: although sets are still being expanded");
  command->callback([&invocation, options, &clock, streams] {
    invocation.run = [options, &clock, streams](Connection& c) {
      return Recover(c, *options, clock, streams);
    };
  });
}

void AddBrakes(CLI::App& app, Invocation& invocation, const Clock& clock, Streams streams) {
  CLI::App& brake = *app.add_subcommand("brake", "Deletions that wait for a person");
  brake.require_subcommand(1);
  brake.add_subcommand("list", "What waits, and why")->callback([&invocation, &clock, streams] {
    invocation.run = [&clock, streams](Connection& c) { return ListBrakes(c, clock, streams); };
  });
  for (const auto verdict : {v1::DecideBrakeRequest::APPROVE, v1::DecideBrakeRequest::REJECT}) {
    auto digest = std::make_shared<std::string>();
    CLI::App* command = verdict == v1::DecideBrakeRequest::APPROVE
                            ? brake.add_subcommand("approve", "Carry out exactly this list")
                            : brake.add_subcommand("reject", "Keep what is on this list");
    command->add_option("digest", *digest, "As `leidang brake list` shows it")->required();
    command->callback([&invocation, digest, verdict, streams] {
      invocation.run = [digest, verdict, streams](Connection& c) {
        return DecideBrake(c, *digest, verdict, streams);
      };
    });
  }
}

void AddSources(CLI::App& app, Invocation& invocation, const Clock& clock, Streams streams) {
  CLI::App& repo = *app.add_subcommand("repo", "Repositories that the hub reads");
  repo.require_subcommand(1);
  repo.add_subcommand("list", "Each, and whether it could be read; the config repository last")
      ->callback([&invocation, &clock, streams] {
        invocation.run = [&clock, streams](Connection& c) {
          return ListSources(c, clock, streams);
        };
      });
}

void AddUnclaimed(CLI::App& app, Invocation& invocation, const Clock& clock, Streams streams) {
  CLI::App& unclaimed = *app.add_subcommand(
      "unclaimed", "Applications that agents hold and the hub does not account for: kept");
  unclaimed.require_subcommand(1);
  auto cluster = std::make_shared<std::string>();
  CLI::App* list = unclaimed.add_subcommand("list", "What there is, and why");
  list->add_option("--cluster", *cluster, "Of this cluster only");
  list->callback([&invocation, cluster, &clock, streams] {
    invocation.run = [cluster, &clock, streams](Connection& c) {
      return ListUnclaimed(c, *cluster, clock, streams);
    };
  });
  auto options = std::make_shared<UnclaimedOptions>();
  CLI::App* release = unclaimed.add_subcommand("release", "Decide that it ends at its cluster");
  release->add_option("--cascade", options->cascade,
                      "orphan keeps its objects; foreground and background delete them");
  release->callback([&invocation, options, streams] {
    invocation.run = [options, streams](Connection& c) {
      return ReleaseUnclaimed(c, *options, streams);
    };
  });
  CLI::App* adopt = unclaimed.add_subcommand("adopt", "Make it an Application of this hub");
  adopt->callback([&invocation, options, streams] {
    invocation.run = [options, streams](Connection& c) {
      return AdoptUnclaimed(c, *options, streams);
    };
  });
  for (CLI::App* command : {release, adopt}) {
    command->add_option("name", options->name, "NAME or NAMESPACE/NAME")->required();
    command->add_option("--cluster", options->cluster)->required();
  }
}

void AddClusters(CLI::App& app, Invocation& invocation, Streams streams) {
  CLI::App* cluster = app.add_subcommand("cluster", "Clusters of the fleet");
  cluster->require_subcommand(1);
  auto options = std::make_shared<RegisterOptions>();
  auto seconds = std::make_shared<double>(3600);
  CLI::App* command =
      cluster->add_subcommand("register", "Register a cluster and print the command that joins it");
  command->add_option("name", options->name)->required();
  command->add_option("--server", options->server, "Default: https://NAME.leidang.invalid");
  command->add_option("--project", options->project);
  command->add_option("--label", options->labels, "key=value, repeated");
  command->add_option("--annotation", options->annotations, "key=value, repeated");
  command->add_option("--token-ttl", *seconds, "Seconds until the token expires");
  command->add_option("-o,--output", options->format, "table or json");
  command->callback([&invocation, options, seconds, streams] {
    options->token_life = absl::Seconds(*seconds);
    invocation.run = [options, streams](Connection& c) {
      return RegisterCluster(c, *options, streams);
    };
  });
}

// Needs no hub: reads files, and ends with an exit code of its own.
void AddOffline(CLI::App& app, GenerateRequest& request) {
  CLI::App* appset = app.add_subcommand("appset", "ApplicationSets without a hub");
  appset->require_subcommand(1);
  CLI::App* generate =
      appset->add_subcommand("generate", "Print the Applications that a set gives");
  generate->add_option("file", request.file, "The ApplicationSet")->required();
  generate->add_option("--world", request.world,
                       "Folder with clusters.yaml, repos/<name>/ and so on");
  generate->add_option("--repo", request.repositories, "URL=path of a working copy, repeated");
  generate->add_option("-o,--output", request.output, "yaml, json or name");
  generate->add_option("--explain", request.explain, "Show how this Application comes about");
}

int Main(int argc, char** argv) {
  const RealClock clock;
  const Streams streams{std::cout, std::cerr};
  Invocation invocation;
  CLI::App app("Steers a fleet of clusters through its Leidang hub.", "leidang");
  app.require_subcommand(1);
  app.add_option("--hub", invocation.connection.hub, "HOST:PORT of the hub's user port")
      ->envname("LEIDANG_HUB");
  app.add_option("--ca-file", invocation.connection.ca_file, "The hub's authority, PEM")
      ->envname("LEIDANG_CA_FILE");
  app.add_option("--token-file", invocation.token_file, "File that holds the token");
  app.add_option("--config", invocation.config, "Configuration file");
  app.add_option("--timeout", invocation.timeout_s, "Seconds that one call may take");
  if (const char* token = std::getenv("LEIDANG_TOKEN")) invocation.connection.token = token;
  AddReading(app, invocation, clock, streams);
  AddWriting(app, invocation, streams);
  AddApplications(app, invocation, clock, streams);
  AddClusters(app, invocation, streams);
  AddRecovery(app, invocation, clock, streams);
  AddBrakes(app, invocation, clock, streams);
  AddUnclaimed(app, invocation, clock, streams);
  AddSources(app, invocation, clock, streams);
  bool client_only = false;
  CLI::App* version = app.add_subcommand("version", "Versions of this program and the hub");
  version->add_flag("--client", client_only, "Do not ask the hub");
  version->callback([&] {
    invocation.needs_hub = !client_only;
    invocation.run = [streams](Connection& c) { return Version(&c, streams); };
  });

  GenerateRequest offline;
  AddOffline(app, offline);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  if (app.got_subcommand("appset")) {
    const GenerateResult result = GenerateApplications(offline);
    std::cout << result.out;
    std::cerr << result.err;
    return result.exit_code;
  }
  const absl::Status status =
      invocation.needs_hub ? OpenAndRun(invocation) : Version(nullptr, streams);
  if (!status.ok()) std::cerr << "error: " << status.message() << "\n";
  return invocation.exit_code.value_or(static_cast<int>(ExitCodeOf(status)));
}

}  // namespace
}  // namespace leidang::cli

int main(int argc, char** argv) { return leidang::cli::Main(argc, argv); }
