// A whole cart through a real station: wall time, bytes per second, peak memory of stationd and of the largest worker.
// Beside it, in the same run, the machine's limit for the same bytes: sendfile into a socket that is read and dropped.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <thread>

#include "tests/integration/bench.h"

namespace {

using station::integration::Bench;
using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

std::string Cart(int phones) {
  std::string cart = "phones:\n";
  for (int i = 0; i < phones; ++i)
    cart += "  - {name: P" + std::to_string(i) + ", port: \"1-" + std::to_string(1 + i / 8) + "." + std::to_string(1 + i % 8) +
            "\", product: \"iPhone10,1\", ecid: \"0x" + std::to_string(100000 + i) + "\", os_build: \"18H17\", updaters: false, mode: normal, timing: {finish: 1}}\n";
  return cart;
}

// Peak resident memory in KiB by program name, sampled from /proc while it lives.
class MemoryWatch {
 public:
  MemoryWatch() : thread_([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Sample();
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }) {}
  std::map<std::string, long> Peaks() {
    thread_.request_stop();
    thread_.join();
    return peaks_;
  }

 private:
  void Sample() {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream status(entry.path() / "status");
      std::string name;
      for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Name:\t")) name = line.substr(6);
        if (!name.starts_with("station")) continue;
        if (line.starts_with("VmHWM:")) peaks_[name] = std::max(peaks_[name], std::atol(line.c_str() + 6));
        if (line.starts_with("RssAnon:")) peaks_[name + " private"] = std::max(peaks_[name + " private"], std::atol(line.c_str() + 8));
      }
    }
  }
  std::map<std::string, long> peaks_;
  std::jthread thread_;
};

// MB/s of `streams` loops sending `file` into sockets whose other ends drop what they read.
double BareLimit(const std::filesystem::path& file, int streams) {
  const auto begin = Clock::now();
  std::atomic<std::uint64_t> total{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < streams; ++i) {
      int ends[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 0;
      threads.emplace_back([end = ends[0]] {
        std::vector<char> buffer(1 << 20);
        while (::read(end, buffer.data(), buffer.size()) > 0) {
        }
        ::close(end);
      });
      threads.emplace_back([end = ends[1], &file, &total] {
        const int fd = ::open(file.c_str(), O_RDONLY);
        off_t at = 0;
        while (::sendfile(end, fd, &at, 1 << 20) > 0) {
        }
        total += static_cast<std::uint64_t>(at);
        ::close(fd);
        ::close(end);
      });
    }
  }
  return static_cast<double>(total) / 1e6 / Seconds(Clock::now() - begin);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"restores a cart of simulated phones and measures it"};
  int phones = 30;
  std::uint64_t os_size = 256 << 20;
  app.add_option("--phones", phones)->check(CLI::Range(1, 64));
  app.add_option("--os-size", os_size, "bytes");
  CLI11_PARSE(app, argc, argv);
  testing::InitGoogleTest();

  Bench bench({.cart = Cart(phones), .os_size = os_size});
  bench.Start();
  const auto firmware = bench.Import("iphone8_ios15");
  MemoryWatch memory;
  bench.Await("all phones known", [&] {
    const auto ports = bench.Ctl({"ports"})["ports"];
    int idle = 0;
    for (const auto& port : ports) idle += port["state"].as<std::string>() == "PORT_STATE_IDLE" ? 1 : 0;
    return idle == phones;
  }, 120);
  const auto begin = Clock::now();
  (void)bench.CtlRaw({"arm", "--all-present", "--countdown", "0s", "--yes"});
  const auto watched = bench.CtlRaw({"watch", "--until-idle"}, 900);
  const double wall = Seconds(Clock::now() - begin);
  const auto peaks = memory.Peaks();
  int restored = 0;
  for (int i = 0; i < phones; ++i) {
    const auto phone = bench.Phone("P" + std::to_string(i));
    restored += phone["os_image_digest"].as<std::string>() == firmware.os_digest && !phone["user_data_present"].as<bool>() ? 1 : 0;
  }
  const double bytes = static_cast<double>(os_size) * phones;
  const double limit = BareLimit(firmware.file, 8);
  std::printf("phones %d  restored %d  exit %d  os_size %llu\n", phones, restored, watched.exit_code, static_cast<unsigned long long>(os_size));
  std::printf("wall %.1f s  image bytes / wall %.0f MB/s  bare sendfile x8 %.0f MB/s  ratio %.3f\n", wall, bytes / 1e6 / wall, limit,
              bytes / 1e6 / wall / limit);
  for (const auto& [name, kib] : peaks) std::printf("peak %-24s %6.1f MiB\n", name.c_str(), static_cast<double>(kib) / 1024.0);
  return restored == phones ? 0 : 1;
}
