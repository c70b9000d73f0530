// What can be written after `leidang app`.

#include <memory>
#include <sstream>
#include <string>

#include "CLI/CLI.hpp"
#include "cli/app.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/invocation.h"
#include "common/base/status_macros.h"
#include "common/time/real_clock.h"

namespace leidang::cli {
namespace {

void PauseBriefly() { Sleep(absl::Milliseconds(200)); }

void AddWhich(CLI::App& command, Applications& which) {
  command.add_option("name", which.names, "NAME or NAMESPACE/NAME, several");
  command.add_option("-l,--selector", which.selector, "All with these labels");
}

void AddSync(CLI::App& app, Invocation& invocation, const Clock& clock, Streams streams) {
  using What = SyncOptions::What;
  struct Command {
    What what;
    const char* name;
    const char* help;
  };
  for (const Command& one : {
           Command{What::kSync, "sync", "Make the cluster equal to the newest assignment"},
           Command{What::kRefresh, "refresh", "Have the cluster looked at anew"},
           Command{What::kTerminate, "terminate", "End the sync that is running"},
       }) {
    auto options = std::make_shared<SyncOptions>();
    auto seconds = std::make_shared<double>(300);
    options->what = one.what;
    CLI::App* command = app.add_subcommand(one.name, one.help);
    AddWhich(*command, options->which);
    if (one.what == What::kTerminate) command->alias("terminate-op");
    command->add_flag("--async", options->async, "Do not wait for the outcome");
    command->add_option("--timeout", *seconds, "Seconds to wait; exit code 5 after that")
        ->check(CLI::Range(1.0, 604800.0));
    if (one.what == What::kSync) {
      command->add_flag("--prune", options->prune, "Objects that are no longer wanted go");
      command->add_option("--resource", options->resources,
                          "GROUP:KIND:NAME or GROUP:KIND:NAMESPACE/NAME: only this, several; * "
                          "stands for any text, a leading ! takes out");
      command->add_option("--approve-deletions", options->approve_deletions,
                          "Digest of the list that the condition DeletionsHeld shows");
    }
    command->callback([&invocation, options, seconds, &clock, streams] {
      options->timeout = absl::Seconds(*seconds);
      invocation.run = [options, &clock, streams](Connection& c) {
        return Sync(c, *options, clock, PauseBriefly, streams);
      };
    });
  }
}

// `diff` ends as `argocd app diff` and `kubectl diff` do: 0 nothing, 1 differences, from 2 on
// errors.
void AddQuestions(CLI::App& app, Invocation& invocation, const Clock& clock, Streams streams) {
  for (const bool is_diff : {true, false}) {
    auto options = std::make_shared<QuestionOptions>();
    auto seconds = std::make_shared<double>(60);
    CLI::App* command =
        is_diff ? app.add_subcommand("diff", "Show what a sync would change in the cluster")
                : app.add_subcommand("history", "Show its last syncs");
    command->add_option("name", options->name, "NAME or NAMESPACE/NAME")->required();
    command->add_option("--timeout", *seconds, "Seconds to wait; exit code 5 after that")
        ->check(CLI::Range(1.0, 3600.0));
    command->add_option("-o,--output", options->format, "table or json");
    command->callback([&invocation, options, seconds, is_diff, &clock, streams] {
      options->timeout = absl::Seconds(*seconds);
      invocation.run = [&invocation, options, is_diff, &clock, streams](Connection& c) {
        if (!is_diff) return History(c, *options, clock, PauseBriefly, streams);
        DiffFound found = DiffFound::kNothing;
        const absl::Status status = Diff(c, *options, clock, PauseBriefly, streams, &found);
        const ExitCode code = ExitCodeOf(status);
        if (code == ExitCode::kFailed) invocation.exit_code = 2;
        if (status.ok() && found == DiffFound::kDifferences) invocation.exit_code = 1;
        return status;
      };
    });
  }
}

// `app get`: what was asked for by a refresh is not part of what is printed.
absl::Status GetApplication(Connection& connection, const GetOptions& options, bool refresh,
                            const Clock& clock, Streams streams) {
  if (refresh) {
    SyncOptions look;
    look.what = SyncOptions::What::kRefresh;
    look.which.names = {options.name};
    look.timeout = absl::Minutes(1);
    std::ostringstream outcome;
    RETURN_IF_ERROR(Sync(connection, look, clock, PauseBriefly, {outcome, streams.err}));
  }
  if (options.format.empty())
    return Describe(connection, options.kind, options.name, clock, streams);
  return Get(connection, options, clock, streams);
}

}  // namespace

void AddApplications(CLI::App& parent, Invocation& invocation, const Clock& clock,
                     Streams streams) {
  CLI::App& app = *parent.add_subcommand("app", "Applications");
  app.require_subcommand(1);
  auto list = std::make_shared<GetOptions>();
  list->kind = "applications";
  CLI::App* command = app.add_subcommand("list", "List Applications");
  command->add_option("-c,--cluster", list->cluster, "Of this cluster only");
  command->add_option("-p,--project", list->project, "Of this AppProject only");
  command->add_option("--set", list->set, "Of this ApplicationSet only");
  command->add_option("--sync", list->sync, "Synced, OutOfSync or Unknown only");
  command->add_option("--health", list->health, "Of this health only: Healthy, Degraded, ...");
  command->add_option("--name", list->name_part, "With this in their names only");
  command->add_flag("--counts", list->counts, "How many are in each state, instead of a list");
  command->add_option("-l,--selector", list->selector, "Label selector");
  command->add_option("-o,--output", list->format, "table, json, yaml or name");
  command->callback([&invocation, list, &clock, streams] {
    invocation.run = [list, &clock, streams](Connection& c) {
      return Get(c, *list, clock, streams);
    };
  });

  auto one = std::make_shared<GetOptions>();
  auto refresh = std::make_shared<bool>(false);
  one->kind = "application";
  one->format = "";
  command = app.add_subcommand("get", "Show everything about one Application");
  command->add_option("name", one->name, "NAME or NAMESPACE/NAME")->required();
  command->add_option("-o,--output", one->format, "table, json, yaml or name; default: for people");
  command->add_flag("--refresh", *refresh, "Have the cluster looked at anew first");
  command->callback([&invocation, one, refresh, &clock, streams] {
    invocation.run = [one, refresh, &clock, streams](Connection& c) {
      return GetApplication(c, *one, *refresh, clock, streams);
    };
  });
  auto name = std::make_shared<std::string>();
  command = app.add_subcommand("operations", "Show what was asked of it, and what came of it");
  command->add_option("name", *name, "NAME or NAMESPACE/NAME")->required();
  command->callback([&invocation, name, &clock, streams] {
    invocation.run = [name, &clock, streams](Connection& c) {
      return PrintOperations(c, *name, clock, streams);
    };
  });

  AddSync(app, invocation, clock, streams);
  AddQuestions(app, invocation, clock, streams);
  auto wait = std::make_shared<WaitOptions>();
  auto seconds = std::make_shared<double>(300);
  command = app.add_subcommand("wait", "Wait until it is Synced and Healthy");
  AddWhich(*command, wait->which);
  command->add_flag("--sync", wait->synced, "Until it is Synced");
  command->add_flag("--health", wait->healthy, "Until it is Healthy");
  command->add_flag("--operation", wait->operation, "Until no sync is running");
  command->add_flag("--delete", wait->deleted, "Until it is not there any more");
  command->add_option("--timeout", *seconds, "Seconds to wait; exit code 5 after that");
  command->callback([&invocation, wait, seconds, &clock, streams] {
    wait->timeout = absl::Seconds(*seconds);
    invocation.run = [wait, &clock, streams](Connection& c) {
      return Wait(c, *wait, clock, PauseBriefly, streams);
    };
  });
}

}  // namespace leidang::cli
