// A bit flips in the store while a phone is being restored from it: no phone takes it for a system. The entry goes to
// quarantine, ports that need it wait and say why, a sound copy lets them go on.

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/integration/bench.h"

namespace station::integration {
namespace {

std::string Cart(bool checksums) {
  std::string cart = "phones:\n";
  for (const char* port : {"1", "2"})
    cart += std::string("  - {name: p") + port + ", port: \"1-" + port + "\", product: \"iPhone10,1\", ecid: \"0xd0" + port +
            "\", os_build: \"18H17\", mode: normal, timing: {finish: 1}, asr_checksums: " + (checksums ? "true" : "false") + "}\n";
  return cart;
}

void FlipBit(const std::filesystem::path& file, std::uint64_t offset) {
  const int fd = ::open(file.c_str(), O_RDWR);
  ASSERT_GE(fd, 0);
  unsigned char byte = 0;
  EXPECT_EQ(::pread(fd, &byte, 1, static_cast<off_t>(offset)), 1);
  byte ^= 0x10;
  EXPECT_EQ(::pwrite(fd, &byte, 1, static_cast<off_t>(offset)), 1);
  ::close(fd);
}

// Where the bytes of the member of that size begin in a plain zip; 0 when there is none.
std::uint64_t MemberBegin(const std::filesystem::path& file, std::uint64_t size) {
  std::ifstream in(file, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  const auto number = [&](std::size_t at, int bytes) {
    std::uint64_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8U | static_cast<unsigned char>(all.at(at + static_cast<std::size_t>(i)));
    return value;
  };
  const std::uint64_t directory = number(all.rfind("PK\5\6") + 16, 4);
  for (std::size_t at = directory; all.compare(at, 4, "PK\1\2") == 0;
       at += 46 + number(at + 28, 2) + number(at + 30, 2) + number(at + 32, 2)) {
    if (number(at + 24, 4) != size) continue;
    const std::uint64_t header = number(at + 42, 4);
    return header + 30 + number(header + 26, 2) + number(header + 28, 2);
  }
  return 0;
}

class Rot : public testing::TestWithParam<bool> {};

TEST_P(Rot, UnderARunningCart_StopsThere_AndASoundCopyLetsItGoOn) {
  const bool checksums = GetParam();
  constexpr std::uint64_t kOsSize = 96ULL << 20U;
  constexpr std::uint64_t kChunk = 131072;
  constexpr std::uint64_t kRotten = kOsSize * 6 / 10;  // of the OS image
  Bench bench({.cart = Cart(checksums), .os_size = kOsSize});
  bench.Start();
  const Forged forged = bench.Import("iphone8_ios15");
  ASSERT_TRUE(bench.AwaitState("1", "IDLE"));
  ASSERT_TRUE(bench.AwaitState("2", "IDLE"));
  ASSERT_EQ(bench.CtlRaw({"arm", "1", "--countdown", "0s", "--yes"}).exit_code, 0);
  ASSERT_TRUE(bench.AwaitState("1", "WORKING"));
  const auto stored = bench.StateDir() / "store/objects" / forged.sha256 / "firmware.ipsw";
  const std::uint64_t begin = MemberBegin(stored, kOsSize);
  ASSERT_GT(begin, 0U);
  FlipBit(stored, begin + kRotten);

  ASSERT_TRUE(bench.Await("it is in quarantine", [&] { return !std::filesystem::exists(stored); }, 150));
  ASSERT_TRUE(bench.Await("the phone's port waits and says why", [&] {
    const YAML::Node port = bench.Port("1");
    return port["state"].as<std::string>() == "PORT_STATE_QUEUED" &&
           port["error_code"].as<std::string>("") == "ERROR_CODE_FIRMWARE_ROTTED";
  }));
  EXPECT_EQ(bench.Phone("p1")["restores_completed"].as<int>(), 0);
  if (checksums) {
    EXPECT_EQ(bench.Phone("p1")["last_error"].as<std::string>(), "refused_asr_checksum");
  } else {
    // "image ended after N of M bytes": all before the chunk with the bit, as the phone counts them, and nothing of it.
    EXPECT_EQ(bench.Phone("p1")["last_error"].as<std::string>(), "refused_asr_short");
    const std::string detail = bench.Phone("p1")["last_error_detail"].as<std::string>();
    const std::size_t at = detail.find("image ended after ");
    ASSERT_NE(at, std::string::npos) << detail;
    const std::uint64_t received = std::stoull(detail.substr(at + std::string("image ended after ").size()));
    EXPECT_LE(received, kRotten / kChunk * kChunk);
    EXPECT_GT(received, kRotten / 2);
  }
  EXPECT_NE(bench.Metrics().find("station_firmware_quarantined 1"), std::string::npos);
  ASSERT_EQ(bench.CtlRaw({"arm", "2", "--countdown", "0s", "--yes"}).exit_code, 0);
  ASSERT_TRUE(bench.AwaitState("2", "HELD"));
  EXPECT_EQ(bench.Port("2")["error_code"].as<std::string>(), "ERROR_CODE_FIRMWARE_ROTTED");
  EXPECT_TRUE(bench.Phone("p2")["user_data_present"].as<bool>());

  const Finished added = bench.CtlRaw({"firmware", "add", forged.file, "--sha256", forged.sha256});
  ASSERT_EQ(added.exit_code, 0) << added.err;
  for (const auto& [port, name] : std::vector<std::pair<std::string, std::string>>{{"1", "p1"}, {"2", "p2"}}) {
    ASSERT_TRUE(bench.AwaitState(port, "DONE", 150));
    EXPECT_EQ(bench.Phone(name)["os_image_digest"].as<std::string>(), forged.os_digest);
  }
}

INSTANTIATE_TEST_SUITE_P(Checksums, Rot, testing::Bool(), [](const auto& row) { return row.param ? "On" : "Off"; });

TEST(StoreKeeping, AnOperatorPinsVerifiesExportsRemovesAndTakesInAgain) {
  Bench bench({.cart = Cart(true)});
  bench.Start();
  const Forged forged = bench.Import("iphone8_ios15");
  const std::string sha = forged.sha256.substr(0, 12);
  EXPECT_EQ(bench.CtlRaw({"firmware", "verify"}).exit_code, 0);
  EXPECT_EQ(bench.CtlRaw({"firmware", "pin", sha}).exit_code, 0);
  EXPECT_TRUE(bench.Ctl({"firmware", "list"})["firmware"][0]["pinned"].as<bool>());
  EXPECT_NE(bench.CtlRaw({"firmware", "remove", sha}).exit_code, 0) << "pinned";
  const auto stick = bench.StateDir() / "stick";
  std::filesystem::create_directory(stick);
  const Finished exported = bench.CtlRaw({"firmware", "export", sha, stick});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(integration::Run({"sh", "-c", "cd " + stick.string() + " && sha256sum -c SHA256SUMS"}).exit_code, 0);
  EXPECT_EQ(bench.CtlRaw({"firmware", "unpin", sha}).exit_code, 0);
  EXPECT_EQ(bench.CtlRaw({"firmware", "remove", sha}).exit_code, 0);
  const YAML::Node empty = bench.Ctl({"firmware", "list"})["firmware"];
  EXPECT_TRUE(!empty || empty.size() == 0);
  const Finished back = bench.CtlRaw({"firmware", "import-from", stick});
  EXPECT_EQ(back.exit_code, 0) << back.err;
  ASSERT_EQ(bench.Ctl({"firmware", "list"})["firmware"].size(), 1U);

  const auto stored = bench.StateDir() / "store/objects" / forged.sha256 / "firmware.ipsw";
  FlipBit(stored, 5'000'000);
  const Finished rotted = bench.CtlRaw({"firmware", "verify", sha});
  EXPECT_EQ(rotted.exit_code, 3) << rotted.out << rotted.err;
  EXPECT_FALSE(std::filesystem::exists(stored));
  EXPECT_NE(bench.CtlRaw({"firmware", "gc", "--dry-run"}).out.find("quarantined"), std::string::npos);
  EXPECT_NE(bench.Metrics().find("station_firmware_quarantined 1"), std::string::npos);
  EXPECT_EQ(bench.CtlRaw({"firmware", "gc"}).exit_code, 0);
  EXPECT_NE(bench.Metrics().find("station_firmware_quarantined 0"), std::string::npos);
}

}  // namespace
}  // namespace station::integration
