#include "tests/bench/import_bench.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <libdeflate.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "station/base/digest.h"
#include "station/base/fd.h"
#include "tests/integration/process.h"

namespace bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using station::DigestKind;
using station::Fd;
using station::Hasher;

constexpr std::size_t kPiece = 1U << 20U;
constexpr std::size_t kAsrChunk = 131072;
constexpr int kPatience = 900;  // seconds

std::string Program(const char* name) { return std::string(STATION_BIN_DIR) + "/" + name; }

double Timed(const std::function<bool()>& work) {
  const auto begin = Clock::now();
  const bool done = work();
  return done ? std::chrono::duration<double>(Clock::now() - begin).count() : 0;
}

double ChildCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

bool ForEachPiece(const fs::path& file,
                  const std::function<bool(std::span<const std::uint8_t>)>& visit) {
  const auto fd = station::OpenForReading(file);
  if (!fd) return false;
  std::vector<std::uint8_t> buffer(kPiece);
  while (true) {
    const ssize_t got = ::read(fd->Get(), buffer.data(), buffer.size());
    if (got <= 0) return got == 0;
    if (!visit(std::span(buffer).first(static_cast<std::size_t>(got)))) return false;
  }
}

bool Copy(const fs::path& from, const fs::path& to) {
  const Fd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return out.Valid() &&
         ForEachPiece(from,
                      [&](std::span<const std::uint8_t> piece) {
                        return station::WriteAll(out, piece).has_value();
                      }) &&
         ::fsync(out.Get()) == 0;
}

// SHA-256 and CRC-32 of the pieces nobody has taken yet, and the SHA-1 of each 128 KiB in them.
bool DigestPieces(const fs::path& file, std::atomic<std::uint64_t>& next) {
  const auto fd = station::OpenForReading(file);
  if (!fd) return false;
  std::vector<std::uint8_t> buffer(kPiece);
  while (true) {
    const ssize_t got = ::pread(fd->Get(), buffer.data(), buffer.size(),
                                static_cast<off_t>(next.fetch_add(kPiece)));
    if (got <= 0) return got == 0;
    const auto piece = std::span(buffer).first(static_cast<std::size_t>(got));
    (void)::libdeflate_crc32(0, piece.data(), piece.size());
    (void)station::Sha256Of(piece);
    for (std::size_t at = 0; at < piece.size(); at += kAsrChunk)
      (void)station::Sha1Of(piece.subspan(at, std::min(kAsrChunk, piece.size() - at)));
  }
}

// All an import needs, on two threads: one takes the SHA-256 of the whole, which cannot be shared,
// and helps the other with the pieces when it is through.
bool TakeDigests(const fs::path& file) {
  std::atomic<std::uint64_t> next = 0;
  bool first = false;
  bool second = false;
  {
    std::jthread one([&] {
      Hasher whole(DigestKind::kSha256);
      first = ForEachPiece(file, [&](std::span<const std::uint8_t> piece) {
        whole.Update(piece);
        return true;
      });
      (void)whole.Finish();
      first = first && DigestPieces(file, next);
    });
    std::jthread two([&] { second = DigestPieces(file, next); });
  }
  return first && second;
}

}  // namespace

fs::path ForgeForImport(const fs::path& folder, std::uint64_t os_size) {
  const fs::path file = folder / "import.ipsw";
  const auto forged =
      station::integration::Run({Program("station-rack"), "forge", "--manifest",
                                 STATION_SOURCE_DIR "/tests/rack/manifests/iphone8_ios15.plist",
                                 "--os-size", std::to_string(os_size), "--out", file},
                                kPatience);
  if (forged.exit_code == 0) return file;
  fmt::print(stderr, "{}{}\n", forged.out, forged.err);
  return {};
}

ImportRound MeasureImport(const fs::path& ipsw, const fs::path& folder) {
  ImportRound round;
  const fs::path store = folder / "store";
  const fs::path copy = folder / "copy";
  ::sync();
  round.copy_seconds = Timed([&] { return Copy(ipsw, copy); });
  fs::remove(copy);
  round.digest_seconds = Timed([&] { return TakeDigests(ipsw); });
  ::sync();
  const double cpu = ChildCpuSeconds();
  round.import_seconds = Timed([&] {
    const auto done = station::integration::Run(
        {Program("station-fetcher"), "import", ipsw, "--store", store}, kPatience);
    if (done.exit_code != 0) fmt::print(stderr, "{}{}\n", done.out, done.err);
    return done.exit_code == 0;
  });
  round.import_cpu_seconds = ChildCpuSeconds() - cpu;
  fs::remove_all(store);
  return round;
}

}  // namespace bench
