// firmware add, firmware list.

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <ostream>

#include "station/base/ids.h"
#include "station/ctl/command.h"
#include "station/ctl/firmware_text.h"
#include "station/ctl/json.h"

namespace station::ctl {
namespace {

struct AddOptions {
  std::string file;
  std::string sha256;
};

// The station reads the file itself, so it needs the path as seen from anywhere.
Answer<v1::AddFirmwareRequest> MakeRequest(const AddOptions& options) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(options.file, error);
  if (error)
    return Refuse(ExitCode::kFirmware, fmt::format("{}: {}", options.file, error.message()),
                  "Check the file's name.");
  if (!std::filesystem::is_regular_file(path, error))
    return Refuse(ExitCode::kFirmware, fmt::format("{} is not a file", path.string()),
                  "Name the .ipsw file itself.");
  if (!options.sha256.empty() && !ParseSha256(options.sha256))
    return Refuse(ExitCode::kUsage, "the sha256 is not 64 hexadecimal digits",
                  "Copy it whole from where the firmware came from.");
  v1::AddFirmwareRequest request;
  request.set_request_id(NewRequestId());
  request.set_path(path.string());
  request.set_sha256(options.sha256);
  return request;
}

// Draws the import's progress, on a terminal over itself, else every tenth.
class ImportProgress {
 public:
  explicit ImportProgress(Terminal& terminal) : terminal_(terminal) {}

  void Show(const v1::AddFirmwareResponse& response) {
    if (response.bytes_total() == 0) return;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - began_;
    const double speed =
        spent.count() > 0.2 ? static_cast<double>(response.bytes_done()) / spent.count() : 0;
    const auto tenth = static_cast<int>(10 * response.bytes_done() / response.bytes_total());
    const bool redraw = terminal_.screen.terminal;
    if (!redraw && tenth == tenth_) return;
    tenth_ = tenth;
    terminal_.notes << (redraw ? "\r\x1b[K" : "")
                    << RenderImport(response.bytes_done(), response.bytes_total(), speed,
                                    terminal_.screen)
                    << (redraw ? "" : "\n") << std::flush;
    open_line_ = redraw;
  }
  void End() {
    if (std::exchange(open_line_, false)) terminal_.notes << "\n" << std::flush;
  }

 private:
  Terminal& terminal_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  int tenth_ = -1;
  bool open_line_ = false;
};

Answer<ExitCode> Add(const Invocation& invocation, Terminal& terminal, const AddOptions& options) {
  STATION_TRY(request, MakeRequest(options));
  STATION_TRY(client, invocation.Connect());
  grpc::ClientContext context;
  const auto stream = client.FirmwareStore().AddFirmware(&context, request);
  ImportProgress progress(terminal);
  v1::AddFirmwareResponse response;
  v1::Firmware added;
  while (stream->Read(&response)) {
    if (response.has_firmware()) added = response.firmware();
    if (invocation.json)
      terminal.out << ToJson(response) << std::endl;
    else
      progress.Show(response);
  }
  progress.End();
  if (const grpc::Status status = stream->Finish(); !status.ok())
    return std::unexpected(FailureFrom(status));
  if (added.sha256().empty())
    return Refuse(ExitCode::kStation, "the station ended the import without a result",
                  "Try again.");
  if (!invocation.json) terminal.out << RenderFirmwareAdded(added);
  return ExitCode::kOk;
}

Answer<ExitCode> List(const Invocation& invocation, Terminal& terminal) {
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(response, client.Call(client.FirmwareStore(), &FirmwareStoreStub::ListFirmware,
                                    v1::ListFirmwareRequest()));
  if (invocation.json) return PrintJson(terminal, response);
  terminal.out << RenderFirmwareList({response.firmware().begin(), response.firmware().end()},
                                     terminal.screen);
  return ExitCode::kOk;
}

}  // namespace

void AddFirmwareCommands(CLI::App& app, Invocation& invocation) {
  CLI::App* firmware = app.add_subcommand("firmware", "What can be written to phones");
  firmware->require_subcommand(1);

  const auto options = std::make_shared<AddOptions>();  // outlives this function with the callback
  CLI::App* add = firmware->add_subcommand("add", "Check an IPSW file and keep a copy");
  add->add_option("file", options->file, "The .ipsw file, on the station's computer")->required();
  add->add_option("--sha256", options->sha256, "What it must be; anything else is refused");
  add->callback([&invocation, options] {
    invocation.run = [options](const Invocation& run, Terminal& terminal) {
      return Add(run, terminal, *options);
    };
  });

  firmware->add_subcommand("list", "What is in the store")->callback([&invocation] {
    invocation.run = List;
  });
  AddInspectCommand(*firmware, invocation);
}

}  // namespace station::ctl
