#pragma once
// A download as an import's feed. What has come is kept in the download's folder with a digest of
// each chunk, so that a later fetcher goes on where this one ended, from what still verifies.
//
// In the folder: `firmware.ipsw` (grows from the front), `chunks` (32 bytes of SHA-256 for each
// whole MiB that is on disk), `origin` (size and version of the remote file they belong to).

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "station/fetcher/feed.h"
#include "station/fetcher/remote_file.h"

namespace station::fetcher {

class DownloadFeed : public Feed {
 public:
  static constexpr std::uint64_t kChunk = 1U << 20U;  // bytes

  // Takes up what lies in `folder`, or begins. Borrows `remote`. kDiskFull, kIo.
  [[nodiscard]] static Result<DownloadFeed> Open(RemoteFile& remote,
                                                 const std::filesystem::path& folder);
  // A download that is complete: nothing more comes from the network. kFirmwareDownload when some
  // of it does not verify.
  [[nodiscard]] static Result<DownloadFeed> OpenKept(RemoteFile& remote,
                                                     const std::filesystem::path& folder);
  [[nodiscard]] std::uint64_t Size() const override { return remote_->Size(); }
  // The remote file, or what was kept of it when it is all there.
  [[nodiscard]] const firmware::ByteSource& Preview() const override;
  // Whole chunks in order, the last may be short: out.size() is kChunk or what is left.
  [[nodiscard]] Status Next(std::span<std::uint8_t> out) override;
  [[nodiscard]] Status End() override;
  // Everything to the end, without looking at it: for servers that serve no ranges, whose files can
  // only be looked into afterwards.
  [[nodiscard]] Status Complete(const std::function<void(std::uint64_t)>& progress);
  // Chunks that were there already, bytes.
  [[nodiscard]] std::uint64_t Resumed() const { return resumed_; }
  [[nodiscard]] const Fd& File() const { return *part_; }
  // The files beside the firmware itself; they do not belong into an entry.
  static void RemoveNotes(const std::filesystem::path& folder);

 private:
  DownloadFeed() = default;
  [[nodiscard]] Status Begin(const std::filesystem::path& folder, const std::string& origin);
  [[nodiscard]] bool TakeKept(std::span<std::uint8_t> out);
  [[nodiscard]] Status TakeNew(std::span<std::uint8_t> out);
  [[nodiscard]] Result<std::size_t> Receive(std::uint64_t offset, std::span<std::uint8_t> out);
  [[nodiscard]] Status OpenBody(std::uint64_t offset);

  RemoteFile* remote_ = nullptr;
  std::unique_ptr<Fd> part_ = std::make_unique<Fd>();  // stays where it is: kept_file_ borrows it
  Fd chunks_file_;
  std::vector<Sha256Digest> kept_;  // of the run before
  std::uint64_t offset_ = 0;        // of the next chunk
  std::uint64_t resumed_ = 0;
  std::optional<HttpGet> body_;
  std::optional<firmware::FileSource> kept_file_;  // of OpenKept
};

}  // namespace station::fetcher
