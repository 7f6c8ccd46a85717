#pragma once
// A folder of its own for each test, IPSWs to import into a store in it, and a look at what is
// there afterwards.

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "station/fetcher/import.h"
#include "station/store/keeper/shelf.h"
#include "station/store/reader/firmware_reader.h"
#include "zip_writer.h"

namespace station::testing {

struct IpswForm {
  std::string version = "18.1";
  std::size_t os_size = 300'000;
  bool deflate_os = false;
  bool zip64 = false;
  bool streamed = false;
};

// The members of a small IPSW: manifest (deflated), boot files (deflated and stored) and the OS
// image os.dmg.
[[nodiscard]] std::vector<ZipPart> IpswParts(const IpswForm& form = {});
[[nodiscard]] std::string ManifestXml(
    const std::string& version, const std::string& build, const std::vector<std::string>& products,
    const std::vector<std::pair<std::string, std::string>>& paths);

class StoreWorld : public ::testing::Test {
 protected:
  StoreWorld();
  ~StoreWorld() override;

  // Writes `file` into the test's folder.
  std::filesystem::path Write(const std::string& name, const std::string& bytes) const;
  [[nodiscard]] Result<store::Entry> Import(const std::filesystem::path& source,
                                            const fetcher::ImportHooks& hooks = {}) const;
  [[nodiscard]] Result<store::Entry> ImportExpecting(const std::filesystem::path& source,
                                                     const Sha256Digest& sha256) const;
  [[nodiscard]] store::Shelf Open() const;
  [[nodiscard]] store::FirmwareReader Reader(const store::Entry& entry) const;
  [[nodiscard]] std::filesystem::path ObjectFolder(const store::Entry& entry) const;
  [[nodiscard]] std::size_t ObjectCount() const { return Count("objects"); }
  [[nodiscard]] std::size_t IncomingCount() const { return Count("incoming"); }
  // Changes one byte of a stored file, which is read-only otherwise.
  static void Flip(const std::filesystem::path& file, std::uint64_t offset);

  std::filesystem::path folder_;
  std::filesystem::path store_;

 private:
  [[nodiscard]] std::size_t Count(const std::string& which) const;
};

// What `work` says in a process of its own where `folder` is a new file system of that type;
// nothing where this user may not mount one. Both end together.
[[nodiscard]] std::optional<int> OnFileSystem(const std::filesystem::path& folder,
                                              const std::string& type, const std::string& options,
                                              const std::function<int()>& work);
inline constexpr const char* kMayNotMount = "this user may not mount a file system";

[[nodiscard]] inline std::span<const std::uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string AsText(std::span<const std::uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace station::testing
