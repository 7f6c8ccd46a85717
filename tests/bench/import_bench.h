#pragma once
// An import into the store beside what no import can do without: copying the file durably, and
// taking the digests the store keeps.

#include <cstdint>
#include <filesystem>

namespace bench {

struct ImportRound {
  double import_seconds = 0;
  double copy_seconds = 0;    // read, write, fsync, and nothing else
  double digest_seconds = 0;  // the same digests of the same bytes, shared by two threads
  double import_cpu_seconds = 0;
  [[nodiscard]] double Ratio() const {
    return import_seconds / (copy_seconds > digest_seconds ? copy_seconds : digest_seconds);
  }
};

// Forges an IPSW of about that size in `folder`; empty when that fails.
[[nodiscard]] std::filesystem::path ForgeForImport(const std::filesystem::path& folder,
                                                   std::uint64_t os_size);
// All three, one after the other; what they write is removed again. Zero seconds for what failed.
[[nodiscard]] ImportRound MeasureImport(const std::filesystem::path& ipsw,
                                        const std::filesystem::path& folder);

}  // namespace bench
