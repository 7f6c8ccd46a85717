#include "tests/system/workshop.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <thread>

namespace station::system_test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Everything runs on an emulated processor beside other work: patience, not a measurement.
constexpr int kBootPatience = 240;
constexpr int kReadyPatience = 180;
constexpr const char* kFromDisk = " root=/dev/vda quiet systemd.show_status=0";
constexpr const char* kLongestLife = "2400";  // of a machine whose test was killed

std::string Program(const std::string& name) { return std::string(STATION_BIN_DIR) + "/" + name; }

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string LastOf(const fs::path& path) {
  const std::string text = ReadAll(path);
  constexpr std::size_t kEnough = 8000;
  return text.size() > kEnough ? text.substr(text.size() - kEnough) : text;
}

std::vector<std::string> LinesWith(const std::string& what, const fs::path& log) {
  std::vector<std::string> lines;
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);)
    if (line.find(what) != std::string::npos) lines.push_back(line);
  return lines;
}

YAML::Node Parse(const std::string& json) {
  try {
    return YAML::Load(json);
  } catch (const YAML::Exception& bad) {
    ADD_FAILURE() << "not JSON (" << bad.what() << "): " << json.substr(0, 400);
    return {};
  }
}

fs::path GuestImage() {
  const char* image = std::getenv("STATION_GUEST");
  return image == nullptr ? "" : image;
}

}  // namespace

std::string Row(int number, const std::string& port, const std::string& mode,
                const std::string& more) {
  std::ostringstream row;
  row << "  - {name: P" << number << ", port: \"" << port
      << "\", product: \"iPhone10,1\", ecid: \"0x1a2b3c4d5e6" << std::hex << 0x10 + number
      << "\", os_build: \"18H17\", mode: " << mode << (more.empty() ? "" : ", ") << more
      << ", timing: {finish: 1}}\n";
  return row.str();
}

Workshop::Workshop(WorkshopOptions options) : options_(std::move(options)) {
  char folder[] = "/tmp/workshop.XXXXXX";
  dir_ = ::mkdtemp(folder);
  fs::create_directory(dir_ / "exchange");
  std::ofstream(dir_ / "cart.yaml") << options_.cart;
}

Workshop::~Workshop() {
  StopGuest();
  rack_.Stop();
  const std::string hung = ReadAll(dir_ / "exchange" / "usbmuxd.hung");
  if (!hung.empty())
    Note("usbmuxd hung and was started again: " + std::to_string(std::ranges::count(hung, '\n')) +
         " times");
  if (testing::Test::HasFailure()) {
    std::cerr << "workshop kept at " << dir_ << "\n";
    for (const char* log :
         {"console", "exchange/usbmuxd.log", "exchange/stationd.log", "rack/rack.log"})
      std::cerr << "--- " << log << "\n" << LastOf(dir_ / log) << "\n";
  } else {
    std::error_code ignored;
    fs::remove_all(dir_, ignored);
  }
}

void Workshop::Start() {
  ASSERT_NO_FATAL_FAILURE(StartRack());
  StartGuest();
}

void Workshop::StartRack() {
  rack_ = integration::Background({Program("station-rack"), "run", "--redir", "--cart",
                                   dir_ / "cart.yaml", "--dir", dir_ / "rack"},
                                  dir_ / "rack.out");
  ASSERT_TRUE(rack_.AwaitReady()) << ReadAll(dir_ / "rack.out.err");
  const Finished signer =
      integration::Run({Program("station-rack"), "exec", "--dir", dir_ / "rack", "--", "sh", "-c",
                        "printf %s \"${RACK_SIGNER_URL##*:}\""});
  signer_port_ = signer.out;
}

std::vector<std::string> Workshop::Machine() const {
  const fs::path image = GuestImage();
  std::vector<std::string> words = {
      "timeout", kLongestLife, "qemu-system-x86_64", "-M", "q35,usb=off", "-accel",
      "tcg,thread=multi", "-smp", "2", "-m", "1536", "-nodefaults", "-no-user-config", "-display",
      "none", "-no-reboot", "-serial", "file:" + (dir_ / "console").string(), "-kernel",
      image / "vmlinux", "-initrd", image / "initrd", "-append",
      "console=ttyS0 panic=-1 rdinit=/init" + std::string(options_.disk.empty() ? "" : kFromDisk),
      // Nothing of the guest's reaches a network but the rack's signer, on this machine.
      "-netdev",
      "user,id=net,restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:" + (image / "busybox").string() +
          " nc 127.0.0.1 " + signer_port_,
      "-device", "virtio-net-pci,netdev=net", "-device", "qemu-xhci,id=xhci,addr=0x10,p2=15,p3=15"};
  const auto share = [&](const std::string& tag, const std::string& path, const std::string& how) {
    words.insert(words.end(),
                 {"-fsdev", "local,id=" + tag + ",path=" + path + ",security_model=none" + how,
                  "-device", "virtio-9p-pci,fsdev=" + tag + ",mount_tag=" + tag});
  };
  share("exchange", Exchange(), "");
  if (options_.disk.empty()) {
    share("usr", "/usr", ",readonly=on");
    share("project", STATION_SOURCE_DIR, ",readonly=on");
    share("bin", STATION_BIN_DIR, ",readonly=on");
  } else {  // what is written there is gone when the machine ends
    words.insert(words.end(), {"-drive", "if=virtio,format=raw,snapshot=on,file=" + options_.disk});
  }
  if (other_controller_) words.insert(words.end(), {"-device", "qemu-xhci,id=other,addr=0x8"});
  for (const std::string& hub : options_.hubs)
    words.insert(words.end(), {"-device", "usb-hub,bus=xhci.0,port=" + hub});
  int cable = 0;
  for (const auto& socket :
       fs::directory_iterator(fs::canonical(dir_ / "rack" / "run") / "redir")) {
    const std::string port = socket.path().stem();
    const std::string id = "cable" + std::to_string(cable++);
    words.insert(
        words.end(),
        {"-chardev", "socket,id=" + id + ",path=" + socket.path().string(), "-device",
         "usb-redir,chardev=" + id + ",bus=xhci.0,port=" + port.substr(port.find('-') + 1)});
  }
  return words;
}

void Workshop::StartGuest() {
  const auto started = Clock::now();
  fs::remove(dir_ / "exchange" / "up");
  guest_ = integration::Background(Machine(), dir_ / "qemu.out");
  Await(
      "the guest is up", [&] { return fs::exists(dir_ / "exchange" / "up") || !guest_.Running(); },
      kBootPatience);
  ASSERT_TRUE(guest_.Running()) << ReadAll(dir_ / "qemu.out.err");
  Note("boot " +
       std::to_string(
           std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started).count()) +
       " ms");
  const Finished signer =
      InGuest("/run/busybox nc -ll -p " +
              std::string(kSignerUrl).substr(std::string(kSignerUrl).rfind(':') + 1) +
              " -e /run/busybox nc 10.0.2.100 80 >/dev/null 2>&1 &");
  ASSERT_EQ(signer.exit_code, 0) << signer.out;
}

void Workshop::StopGuest() { guest_.Stop(); }

Finished Workshop::InGuest(const std::string& script, int seconds) {
  const fs::path job = dir_ / "exchange" / ("job" + std::to_string(++jobs_));
  const fs::path making = job.string() + ".making";
  std::ofstream(making) << script << "\n";
  fs::rename(making, job.string() + ".ask");
  const fs::path code = job.string() + ".code";
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (!fs::exists(code) && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Finished finished;
  finished.out = ReadAll(job.string() + ".out");
  finished.exit_code = fs::exists(code) ? std::atoi(ReadAll(code).c_str()) : 137;
  return finished;
}

void Workshop::StartUsbmuxd(const std::string& options) {
  const Finished started = InGuest("usbmuxd -f -v " + options +
                                   " >>/exchange/usbmuxd.log 2>&1 & echo $! >/run/usbmuxd.started");
  ASSERT_EQ(started.exit_code, 0) << started.out;
}

void Workshop::WatchUsbmuxd() {
  const Finished watching = InGuest(R"((while sleep 2; do
  timeout 12 idevice_id -l >/dev/null 2>&1 || { sleep 1; timeout 12 idevice_id -l >/dev/null 2>&1; } && continue
  echo hung >>/exchange/usbmuxd.hung
  kill -9 $(cat /run/usbmuxd.started)
  usbmuxd -f -v >>/exchange/usbmuxd.log 2>&1 &
  echo $! >/run/usbmuxd.started
done) >/dev/null 2>&1 &)");
  ASSERT_EQ(watching.exit_code, 0) << watching.out;
}

bool Workshop::AwaitListed(const std::vector<std::string>& udids, int seconds) {
  std::string seen;
  return Await(
      "all phones are listed",
      [&] {
        seen = InGuest("idevice_id -l").out;
        for (const std::string& udid : udids)
          if (seen.find(udid) == std::string::npos) return false;
        return true;
      },
      seconds);
}

void Workshop::StartStation() {
  std::ofstream(dir_ / "exchange" / "station.yaml")
      << "station:\n  name: workshop\n  state_dir: /tmp/state\n  run_dir: /tmp/run\n"
      << "  catalogue_file: /project/config/catalogue.yaml\nsigning:\n  url: \"" << kSignerUrl
      << "\"\nmetrics:\n  port: 0\n";
  fs::remove(dir_ / "exchange" / "stationd.out");
  const Finished started = InGuest(
      "/station/stationd --config /exchange/station.yaml >/exchange/stationd.out "
      "2>>/exchange/stationd.log & echo $! >/run/stationd.started");
  ASSERT_EQ(started.exit_code, 0) << started.out;
  Await(
      "stationd is ready",
      [&] {
        return ReadAll(dir_ / "exchange" / "stationd.out").find("ready\n") != std::string::npos;
      },
      kReadyPatience);
}

Finished Workshop::Ctl(const std::string& words, int seconds) {
  return InGuest((options_.disk.empty() ? "/station/stationctl --run-dir /tmp/run" : "stationctl") +
                     std::string(" --actor tester ") + words,
                 seconds);
}

YAML::Node Workshop::CtlJson(const std::string& words) {
  const Finished done = Ctl(words + " --json");
  EXPECT_EQ(done.exit_code, 0) << done.out;
  return Parse(done.out);
}

Workshop::Place Workshop::PlaceOf(const std::string& phone) {
  const std::string ecid = Phone(phone)["ecid"].as<std::string>();
  const YAML::Node ports = CtlJson("ports")["ports"];
  for (const YAML::Node& port : ports)
    if (port["phone"] && port["phone"]["ecid"].as<std::string>() == ecid)
      return {port["key"].as<std::string>(), port["path"].as<std::string>(),
              port["speed"].as<std::string>()};
  return {};
}

bool Workshop::AwaitPortState(const std::string& key, const std::string& state, int seconds) {
  std::string seen;
  const bool reached = Await(
      key + " becomes " + state,
      [&] {
        const YAML::Node ports = CtlJson("ports")["ports"];
        for (const YAML::Node& one : ports)
          if (one["key"].as<std::string>() == key) seen = one["state"].as<std::string>();
        return seen == "PORT_STATE_" + state;
      },
      seconds);
  if (!reached) ADD_FAILURE() << key << " is " << seen;
  return reached;
}

void Workshop::Arm(const std::string& phone) {
  Place place;
  ASSERT_TRUE(Await(
      "the station knows " + phone, [&] { return !(place = PlaceOf(phone)).key.empty(); }, 60));
  ASSERT_TRUE(AwaitPortState(place.key, "IDLE", 60));
  const Finished armed = Ctl("arm " + place.path + " --countdown 0s --yes");
  ASSERT_EQ(armed.exit_code, 0) << armed.out;
  armed_[phone] = place.key;
}

void Workshop::AwaitRestored(const std::string& phone, const Forged& firmware, int seconds) {
  const auto started = Clock::now();
  ASSERT_TRUE(AwaitPortState(armed_[phone], "DONE", seconds));
  Note("restored " + phone + " after " +
       std::to_string(
           std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started).count()) +
       " s of waiting");
  ExpectRestored(phone, firmware);
}

void Workshop::ExpectRestored(const std::string& name, const Forged& firmware) {
  const YAML::Node restored = Phone(name);
  EXPECT_EQ(restored["os_build"].as<std::string>(), firmware.build);
  EXPECT_EQ(restored["os_image_digest"].as<std::string>(), firmware.os_digest);
  EXPECT_FALSE(restored["user_data_present"].as<bool>());
  EXPECT_EQ(restored["mode"].as<std::string>(), "normal");
}

YAML::Node Workshop::LastJob(const std::string& phone) {
  const std::string key = armed_[phone];
  for (const YAML::Node& job : CtlJson("jobs")["jobs"])
    if (job["port_key"].as<std::string>() == key) return job;
  return YAML::Node(YAML::NodeType::Undefined);
}

Forged Workshop::Forge(const std::string& manifest) {
  const std::string name = manifest + ".ipsw";
  const Finished done =
      Rack({"forge", "--manifest",
            std::string(STATION_SOURCE_DIR) + "/tests/rack/manifests/" + manifest + ".plist",
            "--os-size", std::to_string(options_.os_size), "--ramdisk-size", "2000000", "--json",
            "--out", dir_ / "exchange" / name});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  const YAML::Node report = Parse(done.out);
  return {"/exchange/" + name, report["sha256"].as<std::string>(),
          report["os_digest"].as<std::string>(), report["build"].as<std::string>()};
}

Forged Workshop::Import(const std::string& manifest) {
  Forged forged = Forge(manifest);
  const Finished added =
      Ctl("firmware add " + forged.guest_path + " --sha256 " + forged.sha256, 120);
  EXPECT_EQ(added.exit_code, 0) << added.out;
  return forged;
}

Finished Workshop::Rack(std::vector<std::string> words) {
  if (words[0] != "forge") words.insert(words.begin() + 1, {"--dir", (dir_ / "rack").string()});
  words.insert(words.begin(), Program("station-rack"));
  return integration::Run(words);
}

YAML::Node Workshop::Phone(const std::string& name) {
  const YAML::Node phones = Parse(Rack({"status", "--json"}).out);
  for (const YAML::Node& phone : phones)
    if (phone["name"].as<std::string>() == name) return phone;
  ADD_FAILURE() << "no phone " << name;
  return {};
}

bool Workshop::Await(const std::string& what, const std::function<bool()>& holds, int seconds) {
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  while (Clock::now() < deadline) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  ADD_FAILURE() << "not within " << seconds << " s: " << what;
  return false;
}

std::vector<std::string> Workshop::RackLog(const std::string& what) const {
  return LinesWith(what, dir_ / "rack" / "rack.log");
}

std::vector<std::string> Workshop::StationLog(const std::string& what) const {
  return LinesWith(what, dir_ / "exchange" / "stationd.log");
}

void Workshop::Note(const std::string& what) { std::cout << "figure: " << what << std::endl; }

}  // namespace station::system_test
