#include "store_world.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace station::testing {

namespace fs = std::filesystem;

std::string ManifestXml(const std::string& version, const std::string& build,
                        const std::vector<std::string>& products,
                        const std::vector<std::pair<std::string, std::string>>& paths) {
  std::string xml = R"(<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>)";
  if (!version.empty()) xml += "<key>ProductVersion</key><string>" + version + "</string>";
  if (!build.empty()) xml += "<key>ProductBuildVersion</key><string>" + build + "</string>";
  xml += "<key>SupportedProductTypes</key><array>";
  for (const std::string& product : products) xml += "<string>" + product + "</string>";
  xml += "</array><key>BuildIdentities</key><array>";
  // An identity per path, so that several identities with an OS of their own are the usual case.
  for (const auto& [component, path] : paths)
    xml += "<dict><key>Manifest</key><dict><key>" + component +
           "</key><dict><key>Info</key><dict><key>Path</key><string>" + path +
           "</string></dict></dict></dict></dict>";
  return xml + "</array></dict></plist>";
}

std::vector<ZipPart> IpswParts(const IpswForm& form) {
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"OS", "os.dmg"}, {"iBEC", "Firmware/dfu/ibec.im4p"}, {"LLB", "Firmware/llb.im4p"}};
  std::vector<ZipPart> parts = {
      {"BuildManifest.plist",
       ManifestXml(form.version, "22B83", {"iPhone10,1", "iPhone10,4"}, paths), true},
      {"Firmware/dfu/ibec.im4p", std::string(70'000, 'i') + Noise(3'000, 1), true},
      {"Firmware/llb.im4p", Noise(40'000, 2)},
      {"empty", ""},
      {"os.dmg", Noise(form.os_size, 3), form.deflate_os}};
  for (ZipPart& part : parts) {
    part.zip64 = form.zip64;
    part.streamed = form.streamed;
  }
  return parts;
}

StoreWorld::StoreWorld() {
  std::string name = (fs::temp_directory_path() / "store-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = name;
  store_ = folder_ / "store";
}

StoreWorld::~StoreWorld() {
  std::error_code error;
  fs::remove_all(folder_, error);
}

fs::path StoreWorld::Write(const std::string& name, const std::string& bytes) const {
  std::ofstream(folder_ / name, std::ios::binary) << bytes;
  return folder_ / name;
}

Result<store::Entry> StoreWorld::Import(const fs::path& source,
                                        const fetcher::ImportHooks& hooks) const {
  return fetcher::Import({source, store_, "test", std::nullopt}, hooks);
}

Result<store::Entry> StoreWorld::ImportExpecting(const fs::path& source,
                                                 const Sha256Digest& sha256) const {
  return fetcher::Import({source, store_, "test", sha256}, {});
}

store::Shelf StoreWorld::Open() const {
  return store::Shelf::Open(store_, store::StaleIncoming::kKeep).value();
}

store::FirmwareReader StoreWorld::Reader(const store::Entry& entry) const {
  auto files = Open().OpenForWorker(entry.sha256).value();
  return store::FirmwareReader::Open(std::move(files.ipsw), std::move(files.index),
                                     std::move(files.os_image))
      .value();
}

fs::path StoreWorld::ObjectFolder(const store::Entry& entry) const {
  return store_ / "objects" / ToHex(entry.sha256);
}

std::size_t StoreWorld::Count(const std::string& which) const {
  std::error_code error;
  const fs::directory_iterator items(store_ / which, error);
  return error ? 0 : static_cast<std::size_t>(std::distance(begin(items), end(items)));
}

void StoreWorld::Flip(const fs::path& file, std::uint64_t offset) {
  fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(byte);
}

std::optional<int> OnFileSystem(const fs::path& folder, const std::string& type,
                                const std::string& options, const std::function<int()>& work) {
  constexpr int kMayNot = 125;
  const pid_t child = ::fork();
  if (child == 0) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", folder.c_str(), type.c_str(), 0, options.c_str()) != 0)
      ::_exit(kMayNot);
    ::_exit(work());
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status) == kMayNot ? std::nullopt : std::optional(WEXITSTATUS(status));
}

}  // namespace station::testing
