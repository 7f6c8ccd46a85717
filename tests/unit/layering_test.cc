// Which folder may include which: the arrows of the design, checked against every #include of the
// tree. A folder that is not in the table may not hold code.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace station {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = STATION_SOURCE_DIR;
const fs::path kBinaries = STATION_BINARY_DIR "/bin";

// station/v1 and worker/v1 are the generated API and worker link.
const std::string kPublicProto = "station/v1";
const std::string kWorkerProto = "worker/v1";

using Arrows = std::map<std::string, std::set<std::string>>;

// Every folder may include itself, its subfolders and station/base; the strict YAML reader serves
// both YAML loaders.
const Arrows kArrows = {
    {"station/base", {}},
    {"station/plist", {}},
    {"config/yaml", {}},
    {"config", {"config/yaml"}},
    {"scheduler", {}},
    {"station/catalogue", {"config/yaml"}},
    {"station/image4", {"station/plist"}},
    {"station/firmware", {"station/catalogue", "station/image4", "station/plist"}},
    {"station/store/reader", {"station/firmware"}},
    {"station/store/keeper", {}},
    {"station/signing", {"station/firmware", "station/image4", "station/plist"}},
    {"station/usb", {}},
    {"station/device", {"station/plist"}},
    {"station/boot", {"station/usb", "station/image4"}},
    {"station/restore",
     {"station/firmware", "station/image4", "station/signing", "station/store/reader",
      "station/plist", "station/device"}},
    {"station/link", {kWorkerProto}},
    {"station/ledger", {}},
    {"station/worker",
     {"station/plist", "station/catalogue", "station/image4", "station/firmware",
      "station/store/reader", "station/signing", "station/usb", "station/device", "station/boot",
      "station/restore", "station/link", kWorkerProto}},
    {"station/fetcher",
     {"station/plist", "station/firmware", "station/store/keeper", "station/store/reader",
      "station/signing", "station/link", kWorkerProto}},
    {"station/daemon",
     {"scheduler", "station/ledger", "station/usb", "station/catalogue", "station/link", "config",
      "station/store/keeper", "station/plist", kPublicProto, kWorkerProto}},
    {"station/ctl",
     {kPublicProto, "station/firmware", "station/ledger", "station/store/reader", "station/plist"}},
    {"tests/rack", {"station/catalogue"}},
};

bool May(const Arrows& arrows, const std::string& from, const std::string& to) {
  const auto found = arrows.find(from);
  return found != arrows.end() && found->second.contains(to);
}

// Folders whose code is judged from outside only.
const std::vector<std::string> kUnjudged = {"tests/unit",       "tests/integration", "tests/system",
                                            "tests/real_data",  "tests/fuzz",        "tests/bench",
                                            "tests/simulation", "tests/campaign"};

bool Below(const std::string& path, const std::string& folder) {
  return path.starts_with(folder + "/");
}

// The longest folder of the table that holds `path`; empty when none does.
std::string RoomOf(const std::string& path) {
  std::string room;
  for (const auto& [folder, may] : kArrows)
    if (Below(path, folder) && folder.size() > room.size()) room = folder;
  for (const std::string& proto : {kPublicProto, kWorkerProto})
    if (Below(path, proto)) room = proto;
  return room;
}

struct Include {
  std::string file;  // relative to the source
  int line;
  std::string target;
  bool quoted;
};

bool IsCode(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cc" || path.extension() == ".c";
}

// The line's include, when it is one. (std::regex draws false warnings from g++ 12 under the
// sanitizers.)
std::optional<Include> IncludeIn(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
  constexpr std::string_view kDirective = "#include";
  if (!text.starts_with(kDirective) || text.size() < kDirective.size() + 2) return std::nullopt;
  const char open = text[kDirective.size()];
  const std::size_t end = text.find(open == '<' ? '>' : '"', kDirective.size() + 1);
  if ((open != '<' && open != '"') || end == std::string::npos) return std::nullopt;
  const std::size_t start = kDirective.size() + 1;
  return Include{"", 0, text.substr(start, end - start), open == '"'};
}

std::vector<Include> IncludesOf(const fs::path& path) {
  std::vector<Include> includes;
  std::ifstream stream(path);
  int line = 0;
  for (std::string text; std::getline(stream, text);) {
    ++line;
    auto include = IncludeIn(text);
    if (!include) continue;
    include->file = fs::relative(path, kSource).string();
    include->line = line;
    includes.push_back(std::move(*include));
  }
  return includes;
}

// Of every source file below the top folders that hold code.
const std::vector<Include>& AllIncludes() {
  static const std::vector<Include> kIncludes = [] {
    std::vector<Include> all;
    for (const char* top : {"station", "scheduler", "config", "proto", "tests"})
      for (const auto& entry : fs::recursive_directory_iterator(kSource / top))
        if (entry.is_regular_file() && IsCode(entry.path()))
          std::ranges::move(IncludesOf(entry.path()), std::back_inserter(all));
    return all;
  }();
  return kIncludes;
}

bool Unjudged(const std::string& file) {
  return std::ranges::any_of(kUnjudged, [&](const auto& folder) { return Below(file, folder); });
}

std::string Place(const Include& include) {
  return include.file + ":" + std::to_string(include.line) + " includes " + include.target;
}

TEST(LayeringTest, TheTreeWasFound) { EXPECT_GT(AllIncludes().size(), 100U); }

TEST(LayeringTest, EveryFolderOfCodeIsInTheTable) {
  for (const Include& include : AllIncludes())
    EXPECT_TRUE(Unjudged(include.file) || !RoomOf(include.file).empty())
        << include.file << " lies in no folder of the design";
}

TEST(LayeringTest, IncludesFollowTheArrows) {
  for (const Include& include : AllIncludes()) {
    if (Unjudged(include.file)) continue;
    const std::string from = RoomOf(include.file);
    const std::string to = RoomOf(include.target);
    if (from.empty() || to.empty() || to == from || to == "station/base") continue;
    EXPECT_TRUE(May(kArrows, from, to)) << Place(include) << ": " << from << " may not use " << to;
  }
}

// "daemon/x.h" or "../x.h" would slip past the arrows.
TEST(LayeringTest, OurOwnHeadersAreNamedFromTheRoot) {
  for (const Include& include : AllIncludes()) {
    if (Unjudged(include.file) || !include.quoted) continue;
    EXPECT_FALSE(RoomOf(include.target).empty())
        << Place(include) << ": write its path from the root";
  }
}

// Not even through the table: these parse what phones and files send.
TEST(LayeringTest, StationdKnowsNoPhoneLibrary) {
  for (const Include& include : AllIncludes()) {
    if (!Below(include.file, "station/daemon") && !Below(include.file, "scheduler")) continue;
    for (const char* library : {"libimobiledevice", "libirecovery", "zip.h", "usbmuxd.h"})
      EXPECT_FALSE(include.target.starts_with(library)) << Place(include);
  }
}

TEST(LayeringTest, TheRackReadsTheReferencesItself) {
  for (const Include& include : AllIncludes()) {
    if (!Below(include.file, "tests/rack")) continue;
    const std::string to = RoomOf(include.target);
    // The catalogue is a table of facts: which board and chip a product has.
    EXPECT_TRUE(to.empty() || to == "tests/rack" || to == "station/base" ||
                to == "station/catalogue")
        << Place(include);
  }
}

// The arrows themselves lead down only.
TEST(LayeringTest, TheTableHasNoCircle) {
  std::set<std::string> placed = {kPublicProto, kWorkerProto};
  std::size_t before = 0;
  while (placed.size() != before) {
    before = placed.size();
    for (const auto& [folder, may] : kArrows) {
      const auto below = [&](const auto& other) { return placed.contains(other); };
      if (std::ranges::all_of(may, below)) placed.insert(folder);
    }
  }
  for (const auto& [folder, may] : kArrows) EXPECT_TRUE(placed.contains(folder)) << folder;
}

// The shared libraries a program asks the loader for, its own line only.
std::vector<std::string> NeededBy(const fs::path& program) {
  const std::string command = "readelf --dynamic --wide '" + program.string() + "' 2>/dev/null";
  const std::unique_ptr<FILE, decltype(&pclose)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<std::string> needed;
  std::array<char, 512> buffer{};
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    const std::string line = buffer.data();
    const std::size_t open = line.find('[');
    if (line.find("(NEEDED)") == std::string::npos || open == std::string::npos) continue;
    needed.push_back(line.substr(open + 1, line.find(']') - open - 1));
  }
  return needed;
}

TEST(LinkLineTest, StationdLinksNoPhoneLibrary) {
  const fs::path stationd = kBinaries / "stationd";
  if (!fs::exists(stationd)) GTEST_SKIP() << stationd << " is not built";
  const auto needed = NeededBy(stationd);
  ASSERT_FALSE(needed.empty()) << "readelf says nothing about " << stationd;
  for (const std::string& library : needed)
    for (const char* forbidden : {"libimobiledevice", "libirecovery", "libzip", "libusbmuxd"})
      EXPECT_FALSE(library.starts_with(forbidden)) << library;
}

}  // namespace
}  // namespace station
