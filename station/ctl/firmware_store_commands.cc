// firmware cancel, verify, pin, unpin, remove, gc, plan, export, import-from.

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <ostream>

#include "station/base/ids.h"
#include "station/ctl/command.h"
#include "station/ctl/firmware_add.h"
#include "station/ctl/firmware_text.h"
#include "station/ctl/json.h"

namespace station::ctl {
namespace {

using Run = Answer<ExitCode> (*)(const Invocation&, Terminal&, const std::string&);

Answer<ExitCode> Pin(const Invocation& invocation, Terminal& terminal, const std::string& sha256,
                     bool pinned) {
  v1::PinFirmwareRequest request;
  request.set_request_id(NewRequestId());
  request.set_sha256(sha256);
  request.set_pinned(pinned);
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(firmware,
              client.Call(client.FirmwareStore(), &FirmwareStoreStub::PinFirmware, request));
  if (invocation.json) return PrintJson(terminal, firmware);
  terminal.out << RenderFirmwareLine(pinned ? "Pinned" : "Unpinned", firmware);
  return ExitCode::kOk;
}

Answer<ExitCode> PinOne(const Invocation& invocation, Terminal& terminal,
                        const std::string& sha256) {
  return Pin(invocation, terminal, sha256, true);
}
Answer<ExitCode> UnpinOne(const Invocation& invocation, Terminal& terminal,
                          const std::string& sha256) {
  return Pin(invocation, terminal, sha256, false);
}

Answer<ExitCode> RemoveOne(const Invocation& invocation, Terminal& terminal,
                           const std::string& sha256) {
  v1::RemoveFirmwareRequest request;
  request.set_request_id(NewRequestId());
  request.set_sha256(sha256);
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(firmware,
              client.Call(client.FirmwareStore(), &FirmwareStoreStub::RemoveFirmware, request));
  if (invocation.json) return PrintJson(terminal, firmware);
  terminal.out << RenderFirmwareLine("Removed", firmware);
  return ExitCode::kOk;
}

Answer<ExitCode> Cancel(const Invocation& invocation, Terminal& terminal, const std::string& what) {
  v1::CancelFirmwareRequest request;
  request.set_request_id(NewRequestId());
  request.set_what(what);
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(cancelled,
              client.Call(client.FirmwareStore(), &FirmwareStoreStub::CancelFirmware, request));
  if (invocation.json) return PrintJson(terminal, cancelled);
  terminal.out << "Cancelled " << Printable(cancelled.what())
               << "; what was downloaded is kept for a week.\n";
  return ExitCode::kOk;
}

Answer<ExitCode> Clear(const Invocation& invocation, Terminal& terminal, bool dry_run) {
  v1::ClearStoreRequest request;
  request.set_request_id(NewRequestId());
  request.set_dry_run(dry_run);
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(cleared,
              client.Call(client.FirmwareStore(), &FirmwareStoreStub::ClearStore, request));
  if (invocation.json) return PrintJson(terminal, cleared);
  terminal.out << RenderCleared(cleared, dry_run, terminal.screen);
  return ExitCode::kOk;
}

// The firmwares meant: one, or all there are.
Answer<std::vector<std::string>> Meant(Client& client, const std::string& sha256) {
  if (!sha256.empty()) return std::vector{sha256};
  STATION_TRY(list, client.Call(client.FirmwareStore(), &FirmwareStoreStub::ListFirmware,
                                v1::ListFirmwareRequest()));
  std::vector<std::string> all;
  for (const v1::Firmware& firmware : list.firmware()) all.push_back(firmware.sha256());
  return all;
}

template <typename Response, typename Stream>
Answer<Response> Follow(const Invocation& invocation, Terminal& terminal, Stream& stream) {
  ImportProgress progress(terminal);
  Response response;
  while (stream.Read(&response)) {
    if (invocation.json) {
      terminal.out << ToJson(response) << std::endl;
    } else {
      v1::AddFirmwareResponse shown;
      shown.set_bytes_done(response.bytes_done());
      shown.set_bytes_total(response.bytes_total());
      progress.Show(shown);
    }
  }
  progress.End();
  if (const grpc::Status status = stream.Finish(); !status.ok())
    return std::unexpected(FailureFrom(status));
  return response;
}

Answer<ExitCode> Verify(const Invocation& invocation, Terminal& terminal,
                        const std::string& sha256) {
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(all, Meant(client, sha256));
  std::optional<Failure> first;
  for (const std::string& one : all) {
    v1::VerifyFirmwareRequest request;
    request.set_sha256(one);
    request.set_request_id(NewRequestId());
    grpc::ClientContext context;
    const auto stream = client.FirmwareStore().VerifyFirmware(&context, request);
    const auto last = Follow<v1::VerifyFirmwareResponse>(invocation, terminal, *stream);
    if (!last) {
      if (!invocation.json) terminal.out << "ROTTED " << one.substr(0, 12) << "\n";
      if (!first) first = last.error();
    } else if (!invocation.json) {
      terminal.out << RenderFirmwareLine("Sound", last->firmware());
    }
  }
  if (first) return std::unexpected(*first);
  return ExitCode::kOk;
}

Answer<ExitCode> Plan(const Invocation& invocation, Terminal& terminal) {
  constexpr std::chrono::seconds kPatience{300};  // catalogues and signing server are asked
  STATION_TRY(client, invocation.Connect());
  STATION_TRY(plan, client.Call(client.FirmwareStore(), &FirmwareStoreStub::PlanFirmware,
                                v1::PlanFirmwareRequest(), kPatience));
  if (invocation.json) return PrintJson(terminal, plan);
  terminal.out << RenderFirmwarePlan(plan, terminal.screen);
  return ExitCode::kOk;
}

Answer<std::filesystem::path> FolderOf(const std::string& name) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::canonical(name, error);
  if (error || !std::filesystem::is_directory(folder, error))
    return Refuse(ExitCode::kUsage, fmt::format("{} is not a folder", name),
                  "Name a folder of the station's computer, such as where the stick is mounted.");
  return folder;
}

Answer<ExitCode> Export(const Invocation& invocation, Terminal& terminal, const std::string& sha256,
                        const std::string& target) {
  STATION_TRY(folder, FolderOf(target));
  v1::ExportFirmwareRequest request;
  request.set_request_id(NewRequestId());
  request.set_sha256(sha256);
  request.set_folder(folder.string());
  STATION_TRY(client, invocation.Connect());
  grpc::ClientContext context;
  const auto stream = client.FirmwareStore().ExportFirmware(&context, request);
  STATION_TRY(last, Follow<v1::ExportFirmwareResponse>(invocation, terminal, *stream));
  if (!invocation.json) terminal.out << "Exported to " << Printable(last.path()) << "\n";
  return ExitCode::kOk;
}

struct Summed {
  std::string sha256;
  std::string name;
};

// "HASH  NAME" lines; names that lead out of the folder are no names.
Answer<std::vector<Summed>> ReadSums(const std::filesystem::path& folder) {
  std::ifstream file(folder / "SHA256SUMS");
  std::vector<Summed> sums;
  for (std::string line; std::getline(file, line);) {
    const std::string hash = line.substr(0, 64);
    const bool shaped = line.size() > 66 && line[64] == ' ' && ParseSha256(hash);
    const std::string name = shaped ? line.substr(66) : "";
    if (name.empty() || name.find('/') != std::string::npos)
      return Refuse(ExitCode::kFirmware, "SHA256SUMS holds a line that is none",
                    "Export the firmware again.");
    if (name.ends_with(".ipsw")) sums.push_back({hash, name});
  }
  if (sums.empty())
    return Refuse(ExitCode::kFirmware,
                  fmt::format("{} holds no exported firmware", folder.string()),
                  "Name the folder that `stationctl firmware export` wrote to.");
  return sums;
}

Answer<ExitCode> ImportFrom(const Invocation& invocation, Terminal& terminal,
                            const std::string& source) {
  STATION_TRY(folder, FolderOf(source));
  STATION_TRY(sums, ReadSums(folder));
  for (const Summed& one : sums) {
    STATION_TRY(
        code,
        AddFirmware(invocation, terminal,
                    {.sources = {(folder / one.name).string()}, .sha256 = one.sha256, .sha1 = {}}));
    if (code != ExitCode::kOk) return code;
  }
  return ExitCode::kOk;
}

void AddForOne(CLI::App& firmware, Invocation& invocation, const char* name, const char* what,
               bool required, Run run) {
  const auto sha256 = std::make_shared<std::string>();  // outlives this function with the callback
  CLI::App* command = firmware.add_subcommand(name, what);
  command->add_option("sha256", *sha256, "Its SHA-256, or the beginning of it")->required(required);
  command->callback([&invocation, sha256, run] {
    invocation.run = [sha256, run](const Invocation& given, Terminal& terminal) {
      return run(given, terminal, *sha256);
    };
  });
}

void AddCancel(CLI::App& firmware, Invocation& invocation) {
  const auto what = std::make_shared<std::string>();  // outlives this function with the callback
  CLI::App* command = firmware.add_subcommand(
      "cancel", "Stop taking one in; a download goes on there when it is asked for again");
  command->add_option("what", *what,
                      "Its file or address, or the beginning of its SHA-256; not needed when there "
                      "is only one");
  command->callback([&invocation, what] {
    invocation.run = [what](const Invocation& given, Terminal& terminal) {
      return Cancel(given, terminal, *what);
    };
  });
}

}  // namespace

void AddFirmwareStoreCommands(CLI::App& firmware, Invocation& invocation) {
  AddCancel(firmware, invocation);
  AddForOne(firmware, invocation, "verify", "Read it again from the disk, or all there is", false,
            Verify);
  AddForOne(firmware, invocation, "pin", "Keep it, whatever the store's budget says", true, PinOne);
  AddForOne(firmware, invocation, "unpin", "Let it go when its turn comes", true, UnpinOne);
  AddForOne(firmware, invocation, "remove", "Take it out of the store", true, RemoveOne);

  const auto dry_run = std::make_shared<bool>(false);
  CLI::App* gc = firmware.add_subcommand(
      "gc", "Remove what the budget does not allow, stale downloads and what rotted");
  gc->add_flag("--dry-run", *dry_run, "Only say what would go");
  gc->callback([&invocation, dry_run] {
    invocation.run = [dry_run](const Invocation& given, Terminal& terminal) {
      return Clear(given, terminal, *dry_run);
    };
  });

  firmware.add_subcommand("plan", "What the phones seen need, and what that would cost")
      ->callback([&invocation] { invocation.run = Plan; });

  struct Stick {
    std::string sha256;
    std::string folder;
  };
  const auto stick = std::make_shared<Stick>();
  CLI::App* export_ = firmware.add_subcommand("export", "Copy it to a folder, such as a USB stick");
  export_->add_option("sha256", stick->sha256, "Its SHA-256, or the beginning of it")->required();
  export_->add_option("folder", stick->folder, "On the station's computer")->required();
  export_->callback([&invocation, stick] {
    invocation.run = [stick](const Invocation& given, Terminal& terminal) {
      return Export(given, terminal, stick->sha256, stick->folder);
    };
  });
  CLI::App* import_from =
      firmware.add_subcommand("import-from", "Take in everything that was exported to a folder");
  import_from->add_option("folder", stick->folder, "On the station's computer")->required();
  import_from->callback([&invocation, stick] {
    invocation.run = [stick](const Invocation& given, Terminal& terminal) {
      return ImportFrom(given, terminal, stick->folder);
    };
  });
}

}  // namespace station::ctl
