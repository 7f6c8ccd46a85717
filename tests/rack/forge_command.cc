#include "tests/rack/forge_command.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "tests/rack/wire/json.h"

namespace rack {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kExamples = R"(Examples:
  station-rack forge --manifest iphone8_ios15.plist --os-size 64MiB --out i8.ipsw
      every identity of the manifest, 64 MiB of OS
  station-rack forge --manifest BuildManifest.plist --os-size 8GiB --sparse --out big.ipsw
      an OS of real size that takes a few MiB of disk
  station-rack forge --manifest BuildManifest.plist --os-size 64MiB --out d22.ipsw --products iPhone10,3
      one product of a manifest for several
  station-rack forge --manifest iphone8_ios15.plist --os-size 64MiB --deflate --json --out i8.ipsw
      an OS image that has to be inflated first; the report as JSON)";

// A line on stderr about once a second, once the work has taken that long.
class Ticker {
 public:
  void operator()(const std::string& doing, std::uint64_t done, std::uint64_t total) {
    if (Clock::now() - last_ < std::chrono::seconds(1)) return;
    last_ = Clock::now();
    fmt::print(stderr, "{} {}% of {} MB\n", doing, total == 0 ? 100 : done * 100 / total,
               total / 1'000'000);
  }

 private:
  Clock::time_point last_ = Clock::now();
};

Value ReportOf(const ForgeOrder& order, const ForgeResult& result) {
  Value::Array images;
  for (const ImageRecipe& image : result.images)
    images.push_back(
        Value::Dict{{"member", image.path},
                    {"size", image.size},
                    {"digests", Value::Array(image.digests.begin(), image.digests.end())}});
  return Value::Dict{{"file", order.out},
                     {"size", result.size},
                     {"disk_size", result.disk_size},
                     {"sha256", result.sha256},
                     {"os_digest", result.os_digest},
                     {"os_member", result.os_member},
                     {"images", std::move(images)},
                     {"identities", static_cast<std::uint64_t>(result.identities)},
                     {"digests", static_cast<std::uint64_t>(result.digests)},
                     {"build", result.build},
                     {"version", result.version}};
}

}  // namespace

void AddForgeCommand(CLI::App& app, ForgeCommand& command) {
  CLI::App& forge = *app.add_subcommand("forge", "make an IPSW");
  forge.description(
      "Makes an IPSW that follows a BuildManifest.plist: invented contents, digests that fit.");
  forge.footer(kExamples);
  ForgeOrder& order = command.order;
  const CLI::AsSizeValue size(false);  // 8GiB, 64MB; all of them powers of two
  forge.add_option("--manifest", order.manifest, "BuildManifest.plist to follow")->required();
  forge.add_option("--os-size", order.os_size, "size of the OS image")->required()->transform(size);
  forge.add_option("--out", order.out, "the IPSW to write")->required();
  forge.add_option("--cryptex-size", order.cryptex_size, "size of each cryptex image")
      ->transform(size);
  forge.add_option("--ramdisk-size", order.ramdisk_size, "size of each restore ramdisk")
      ->transform(size);
  forge.add_option("--kernel-size", order.kernel_size, "size of each kernelcache")->transform(size);
  forge.add_option("--seed", order.seed, "other seed, other contents");
  forge.add_option("--products", order.products,
                   "keep the identities of these products or boards only (iPhone10,3 d22ap)");
  forge.add_flag("--deflate", order.deflate, "deflate the disk images instead of storing them");
  forge.add_flag("--sparse", order.sparse, "disk images of zeros with islands, written as holes");
  forge.add_flag("--json", command.json, "report as JSON");
}

int RunForgeCommand(ForgeCommand command) {
  command.order.progress = Ticker();
  const auto result = Forge(command.order);
  if (!result) {
    fmt::print(stderr, "station-rack: {}\n", result.error().context);
    return 1;
  }
  if (command.json)
    fmt::print("{}\n", ToJson(ReportOf(command.order, *result)));
  else
    fmt::print("{}  {}\n", result->sha256, command.order.out);
  return 0;
}

}  // namespace rack
