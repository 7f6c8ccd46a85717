#pragma once
// What every command gets and gives. A command group is one file with an Add... function that
// describes its commands to CLI11 and leaves in Invocation::run what to do.

#include <CLI/CLI.hpp>
#include <functional>
#include <iosfwd>
#include <string>

#include "station/ctl/client.h"
#include "station/ctl/failure.h"
#include "station/ctl/text.h"

namespace station::ctl {

// Where a command reads and writes.
struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& notes;  // questions, progress, remarks: standard error
  Screen screen;
  bool in_is_terminal = false;
};

struct Invocation {
  Place place;
  bool json = false;
  std::string actor;
  // Set by the chosen command.
  std::function<Answer<ExitCode>(const Invocation&, Terminal&)> run;

  [[nodiscard]] Answer<Client> Connect() const;
};

// Prints one message as JSON and succeeds.
Answer<ExitCode> PrintJson(Terminal& terminal, const google::protobuf::Message& message);

void AddPortCommands(CLI::App& app, Invocation& invocation);  // ports, port, blame
void AddWatchCommand(CLI::App& app, Invocation& invocation);  // watch
void AddArmCommands(CLI::App& app, Invocation& invocation);   // arm, plan, disarm, armings
void AddJobCommands(CLI::App& app,
                    Invocation& invocation);                // jobs, job, cancel, retry, stop, drain
void AddTryCommand(CLI::App& app, Invocation& invocation);  // try
void AddFirmwareCommands(CLI::App& app, Invocation& invocation);     // firmware
void AddInspectCommand(CLI::App& firmware, Invocation& invocation);  // firmware inspect
// firmware verify, pin, unpin, remove, gc, plan, export, import-from
void AddFirmwareStoreCommands(CLI::App& firmware, Invocation& invocation);
void AddStationCommands(CLI::App& app, Invocation& invocation);  // status, doctor

}  // namespace station::ctl
