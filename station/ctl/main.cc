// stationctl: the operator's command line.

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "station/ctl/command.h"

namespace station::ctl {
namespace {

std::string Environment(const char* name, std::string otherwise = {}) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::move(otherwise) : value;
}

// sudo keeps who really asks; a service or container may have neither variable.
std::string UserName() {
  if (std::string name = Environment("SUDO_USER", Environment("USER")); !name.empty()) return name;
  const passwd* entry = getpwuid(getuid());
  return entry == nullptr ? fmt::format("uid {}", getuid()) : entry->pw_name;
}

void Describe(CLI::App& app, Invocation& invocation) {
  invocation.place = {Environment("STATION_SOCKET"),
                      Environment("STATION_RUN_DIR", "/run/station")};
  invocation.actor = UserName();
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      ExitCodeHelp() +
      "\nWith --json every command prints JSON: the messages of proto/station/v1, their field"
      "\nnames unchanged, one object per line; errors as {\"error\": {...}} on standard error.");
  app.add_option_function<std::string>(
      "--socket", [&](const std::string& socket) { invocation.place.socket = socket; },
      "The station's socket (also $STATION_SOCKET)");
  app.add_option_function<std::string>(
      "--run-dir",
      [&](const std::string& folder) { invocation.place = {.socket = {}, .run_dir = folder}; },
      "Folder of its sockets (also $STATION_RUN_DIR; default /run/station)");
  app.add_option("--actor", invocation.actor,
                 "Your name in the records (default: who you are logged in as)");
  app.add_flag("--json", invocation.json, "Print JSON");
  AddPortCommands(app, invocation);
  AddWatchCommand(app, invocation);
  AddArmCommands(app, invocation);
  AddJobCommands(app, invocation);
  AddTryCommand(app, invocation);
  AddFirmwareCommands(app, invocation);
  AddStationCommands(app, invocation);
}

int Finish(const Invocation& invocation, const Answer<ExitCode>& answer) {
  if (answer) return static_cast<int>(*answer);
  std::cout.flush();
  std::cerr << RenderFailure(answer.error(), invocation.json);
  return static_cast<int>(answer.error().exit_code);
}

int Main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", 0);  // its log lines tell an operator nothing
  CLI::App app{"Look at the re-imaging station and tell it what to do.", "stationctl"};
  Invocation invocation;
  Describe(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const auto rest = app.remaining();
    const std::string wrong = rest.empty() || app.get_subcommands().size() > 0
                                  ? error.what()
                                  : fmt::format("there is no command {}", rest.front());
    return Finish(invocation, Refuse(ExitCode::kUsage, wrong,
                                     "See stationctl --help, or stationctl COMMAND --help."));
  }
  Terminal terminal{std::cin, std::cout, std::cerr, Screen::OfStandardOutput(),
                    isatty(STDIN_FILENO) == 1};
  try {
    return Finish(invocation, invocation.run(invocation, terminal));
  } catch (const std::exception& exception) {
    return Finish(invocation, Refuse(ExitCode::kStation, exception.what(), "Report this."));
  }
}

}  // namespace
}  // namespace station::ctl

int main(int argc, char** argv) { return station::ctl::Main(argc, argv); }
