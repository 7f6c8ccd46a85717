// firmware inspect: looks into a file; needs no station.

#include <ostream>
#include <set>

#include "station/ctl/command.h"
#include "station/ctl/inspect_text.h"

namespace station::ctl {
namespace {

struct InspectOptions {
  std::string file;
  std::string board;
  std::string action = "erase";
};

std::unexpected<Failure> FailureFrom(const Error& error) {
  return std::unexpected(Failure{ExitCodeOf(error.code), error.context,
                                 std::string(OperatorLine(error.code)),
                                 std::string(Name(error.code))});
}

// Its only board, or nothing.
std::string OnlyBoard(const firmware::BuildManifest& manifest) {
  std::set<std::string> boards;
  for (const firmware::Identity& identity : manifest.Identities()) boards.insert(identity.Board());
  return boards.size() == 1 ? *boards.begin() : "";
}

Answer<ExitCode> Inspect(const Invocation& invocation, Terminal& terminal,
                         const InspectOptions& options) {
  const auto file = ReadFirmwareFile(options.file);
  if (!file) return FailureFrom(file.error());
  const std::string board = options.board.empty() ? OnlyBoard(file->manifest) : options.board;
  std::optional<firmware::Inspection> inspection;
  if (!board.empty()) {
    const Action action = options.action == "update" ? Action::kUpdate : Action::kErase;
    auto found = firmware::Inspect(file->manifest, board, action,
                                   file->members ? &*file->members : nullptr, file->size);
    if (!found) return FailureFrom(found.error());
    inspection = std::move(*found);
  }
  terminal.out << (invocation.json ? InspectionJson(*file, inspection)
                                   : RenderInspection(*file, inspection, terminal.screen));
  return inspection && !inspection->beyond.empty() ? ExitCode::kFirmware : ExitCode::kOk;
}

}  // namespace

void AddInspectCommand(CLI::App& firmware, Invocation& invocation) {
  const auto options =
      std::make_shared<InspectOptions>();  // outlives this function with the callback
  CLI::App* inspect = firmware.add_subcommand(
      "inspect", "What is in a firmware file and what the station would do with it");
  inspect->add_option("file", options->file, "An .ipsw file, or a BuildManifest.plist")->required();
  inspect->add_option("--board", options->board, "For which board, such as d20ap");
  inspect->add_option("--action", options->action, "erase or update")
      ->check(CLI::IsMember({"erase", "update"}))
      ->capture_default_str();
  inspect->callback([&invocation, options] {
    invocation.run = [options](const Invocation& run, Terminal& terminal) {
      return Inspect(run, terminal, *options);
    };
  });
}

}  // namespace station::ctl
