// firmware add, firmware list.

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <ostream>

#include "station/base/ids.h"
#include "station/ctl/command.h"
#include "station/ctl/firmware_add.h"
#include "station/ctl/firmware_text.h"
#include "station/ctl/json.h"

namespace station::ctl {
namespace {

bool IsUrl(const std::string& source) {
  return source.starts_with("https://") || source.starts_with("http://");
}

bool IsSha1(const std::string& hex) {
  const auto bytes = ParseHex(hex);
  return bytes && bytes->size() == std::tuple_size_v<Sha1Digest>;
}

// The station reads the file itself, so it needs the path as seen from anywhere.
Answer<std::string> PathOf(const std::string& file) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(file, error);
  if (error)
    return Refuse(ExitCode::kFirmware, fmt::format("{}: {}", file, error.message()),
                  "Check the file's name.");
  if (!std::filesystem::is_regular_file(path, error))
    return Refuse(ExitCode::kFirmware, fmt::format("{} is not a file", path.string()),
                  "Name the .ipsw file itself.");
  return path.string();
}

Answer<v1::AddFirmwareRequest> MakeRequest(const AddOptions& options) {
  v1::AddFirmwareRequest request;
  request.set_request_id(NewRequestId());
  if (IsUrl(options.sources.front())) {
    for (const std::string& url : options.sources) request.add_urls(url);
  } else {
    if (options.sources.size() > 1)
      return Refuse(ExitCode::kUsage, "one file at a time", "Give one file, or addresses of one.");
    STATION_TRY(path, PathOf(options.sources.front()));
    request.set_path(path);
  }
  if (!options.sha256.empty() && !ParseSha256(options.sha256))
    return Refuse(ExitCode::kUsage, "the sha256 is not 64 hexadecimal digits",
                  "Copy it whole from where the firmware came from.");
  if (!options.sha1.empty() && !IsSha1(options.sha1))
    return Refuse(ExitCode::kUsage, "the sha1 is not 40 hexadecimal digits",
                  "Copy it whole from where the firmware came from.");
  request.set_sha256(options.sha256);
  request.set_sha1(options.sha1);
  return request;
}

}  // namespace

void ImportProgress::Show(const v1::AddFirmwareResponse& response) {
  if (response.waits() && !std::exchange(said_it_waits_, true))
    terminal_.notes << "Waits for another download to end.\n" << std::flush;
  if (response.bytes_total() == 0) return;
  const auto tenth = static_cast<int>(10 * response.bytes_done() / response.bytes_total());
  const bool redraw = terminal_.screen.terminal;
  if (!redraw && tenth == tenth_) return;
  tenth_ = tenth;
  terminal_.notes << (redraw ? "\r\x1b[K" : "") << RenderImport(response, terminal_.screen)
                  << (redraw ? "" : "\n") << std::flush;
  open_line_ = redraw;
}

void ImportProgress::End() {
  if (std::exchange(open_line_, false)) terminal_.notes << "\n" << std::flush;
}

Answer<ExitCode> AddFirmware(const Invocation& invocation, Terminal& terminal,
                             const AddOptions& options) {
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

namespace {

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
  CLI::App* add =
      firmware->add_subcommand("add", "Check an IPSW and keep a copy: a file, or a download");
  add->add_option("source", options->sources,
                  "The .ipsw file, on the station's computer; or its address, and mirrors of it")
      ->required();
  add->add_option("--sha256", options->sha256, "What it must be; anything else is refused");
  add->add_option("--sha1", options->sha1, "The same, where only that is known");
  add->callback([&invocation, options] {
    invocation.run = [options](const Invocation& run, Terminal& terminal) {
      return AddFirmware(run, terminal, *options);
    };
  });

  firmware->add_subcommand("list", "What is in the store")->callback([&invocation] {
    invocation.run = List;
  });
  AddInspectCommand(*firmware, invocation);
  AddFirmwareStoreCommands(*firmware, invocation);
}

}  // namespace station::ctl
