#pragma once
// The common ground of the bus's tests: a bus in a short temporary folder, and ready-made phones.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/rack/usb/test/client.h"
#include "tests/rack/usb/test/scripted_phone.h"
#include "tests/rack/usb/usb_bus.h"

namespace rack {

// In memory where possible: a world is some hundred little files.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string in_memory = "/dev/shm/rkXXXXXX";
    std::string on_disk = "/tmp/rkXXXXXX";
    path_ = ::mkdtemp(in_memory.data()) != nullptr ? in_memory : ::mkdtemp(on_disk.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& Path() const { return path_; }

 private:
  std::string path_;
};

inline station::PortPath Port(const std::string& text) { return *station::ParsePortPath(text); }

inline UsbIdentity Recovery(const std::string& ecid = "0011223344556677") {
  UsbIdentity identity;
  identity.shape = UsbIdentity::Shape::kRecovery;
  identity.product_id = 0x1281;
  identity.nonces = " NONC:" + std::string(48, 'A') + ecid + " SNON:" + std::string(24, 'B') + ecid;
  identity.product = "Apple Mobile Device (Recovery Mode)";
  identity.serial =
      "CPID:8015 CPRV:11 CPFM:03 SCEP:01 BDID:02 ECID:" + ecid + " IBFL:3D SRNM:[F2LXYZ123456]";
  return identity;
}

inline UsbIdentity Dfu() {
  UsbIdentity identity;
  identity.shape = UsbIdentity::Shape::kDfu;
  identity.product_id = 0x1227;
  identity.product = "Apple Mobile Device (DFU Mode)";
  identity.serial =
      "CPID:8015 CPRV:11 CPFM:03 SCEP:01 BDID:02 ECID:0011223344556677 IBFL:3C SRTG:[iBoot-1]";
  return identity;
}

inline UsbIdentity Mux(UsbSpeed speed = UsbSpeed::kHigh480M) {
  UsbIdentity identity;
  identity.product = "iPhone";
  identity.serial = "0000801500112233445566770000";
  identity.speed = speed;
  return identity;
}

class BusTest : public testing::Test {
 protected:
  std::shared_ptr<ScriptedPhone> Attach(const std::string& port, const UsbIdentity& identity) {
    auto phone = std::make_shared<ScriptedPhone>();
    Attach(port, identity, phone);
    return phone;
  }
  UsbAddress Attach(const std::string& port, const UsbIdentity& identity,
                    const std::shared_ptr<UsbFunction>& function) {
    const auto address = bus_.Attach(Port(port), identity, function);
    EXPECT_TRUE(address) << address.error().context;
    return address.value_or(UsbAddress{});
  }
  World MakeWorld(std::optional<std::vector<station::PortPath>> only = std::nullopt) {
    const auto world = bus_.CreateWorld(std::move(only));
    EXPECT_TRUE(world) << world.error().context;
    return world.value_or(World{});
  }

  TemporaryFolder folder_;
  UsbBus bus_{folder_.Path()};
};

// Needs umockdev's preload.
class PreloadTest : public BusTest {
 protected:
  void SetUp() override {
    static const bool installed = PreloadInstalled();
    if (!installed) GTEST_SKIP() << "umockdev is not installed: no program can see the bus";
  }
};

}  // namespace rack
