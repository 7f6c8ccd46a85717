#pragma once
// Takes one IPSW into the store, from a file or from the network: copied, digested and checked in a
// single pass over its bytes. On any failure the store is as it was.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/fetcher/remote_file.h"
#include "station/store/keeper/shelf.h"

namespace station::fetcher {

struct ImportRequest {
  std::filesystem::path source;
  std::filesystem::path store;
  std::string task;                      // names the incoming folder
  std::optional<Sha256Digest> expected;  // of the whole file, when it is known
};

struct FetchRequest {
  RemoteFile::Wish remote;
  std::filesystem::path store;
  std::optional<Sha256Digest> sha256;  // of the whole file, when it is known
  std::optional<Sha1Digest> sha1;      // what older catalogues say
};

// Called about once per MiB, on the caller's thread.
struct ImportHooks {
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = [](auto, auto) {};
  std::function<bool()> stop = [] { return false; };
};

// The entry; that of the store when it has this firmware already. kFirmwareUnreadable (source),
// kFirmwareHashMismatch, kFirmwareMalformed, kFirmwareMemberMissing, kDiskFull, kIo (store),
// kCancelled.
[[nodiscard]] Result<store::Entry> Import(const ImportRequest& request, const ImportHooks& hooks);

// As Import, from the network, going on where a fetch of the same was stopped or killed.
// kFirmwareDownload, kFirmwareSizeMismatch, kAlreadyExists when another process fetches it.
[[nodiscard]] Result<store::Entry> Fetch(FetchRequest request, const ImportHooks& hooks);

}  // namespace station::fetcher
