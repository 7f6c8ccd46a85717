// What the path to the phones carries, as a table. Nothing here is checked against time: the
// processor is an emulated one, so that only what stands beside each other can be compared.

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <iomanip>
#include <sstream>

#include "tests/bench/process_watch.h"
#include "tests/system/workshop.h"

namespace station::system_test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kBeforeImage = "system-image";
constexpr const char* kBehindImage = "write-persistent-files";
constexpr std::uint64_t kPlain = 32 << 20;    // bytes to each phone
constexpr std::uint64_t kImages = 128 << 20;  // of all phones' images together
constexpr int kPatience = 400;

// In the guest, ticks on any of its two processors.
struct GuestTime {
  double mux_user = 0;
  double mux_system = 0;
  double workers = 0;
  double daemon = 0;
  double interrupts = 0;  // and what follows from them, nobody's own
  double idle = 0;
  double all = 0;
};

GuestTime Now(Workshop& shop) {
  const Finished read = shop.InGuest(R"(
of() { n=0; for p in $(pidof "$1"); do set -- "$1" $(cut -d' ' -f14,15 /proc/$p/stat); n=$((n + $2 + $3)); done; echo $n; }
cut -d' ' -f14,15 /proc/$(cat /run/usbmuxd.started)/stat
of station-worker
of stationd
set -- $(head -1 /proc/stat)
echo $(($7 + $8)) $(($5 + $6)) $(($2 + $3 + $4 + $5 + $6 + $7 + $8))
)");
  std::istringstream numbers(read.out);
  GuestTime time;
  for (double* one : {&time.mux_user, &time.mux_system, &time.workers, &time.daemon,
                      &time.interrupts, &time.idle, &time.all})
    EXPECT_TRUE(numbers >> *one) << read.out;
  return time;
}

std::string Name(int number) { return "P" + std::to_string(number); }

void HoldAll(Workshop& shop, int phones, const std::string& step) {
  for (int number = 1; number <= phones; ++number)
    ASSERT_EQ(shop.Rack({"fault", Name(number), "hold-at-step", step}).exit_code, 0);
}

bool AwaitAllAt(Workshop& shop, int phones, const std::string& step) {
  return shop.Await(
      "all stand at " + step,
      [&] {
        for (int number = 1; number <= phones; ++number)
          if (shop.Phone(Name(number))["held_at"].as<std::string>() != step) return false;
        return true;
      },
      kPatience);
}

double Since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One upload each to the phones' recovery mode: no usbmuxd, no mux protocol.
double PlainSeconds(Workshop& shop, int phones) {
  std::string script = "head -c " + std::to_string(kPlain) + " /dev/zero >/tmp/plain\n" +
                       "begin=$(cut -d' ' -f1 /proc/uptime)\n";
  for (int number = 1; number <= phones; ++number)
    script += std::string(Workshop::kKeepLists) + "irecovery -i " +
              shop.Phone(Name(number))["ecid"].as<std::string>() +
              " -f /tmp/plain >/dev/null 2>&1 & jobs=\"$jobs $!\"\n";
  script +=
      "for job in $jobs; do wait $job || exit 1; done\n"
      "echo $begin $(cut -d' ' -f1 /proc/uptime); rm /tmp/plain\n";
  const Finished done = shop.InGuest(script, kPatience);
  EXPECT_EQ(done.exit_code, 0) << done.out;
  double begin = 0;
  double end = 0;
  std::istringstream(done.out) >> begin >> end;
  return end - begin;
}

class SystemFigures : public testing::TestWithParam<int> {};

TEST_P(SystemFigures, WhatOneUsbmuxdCarries) {
  const int phones = GetParam();
  std::string cart = "phones:\n";
  for (int number = 1; number <= phones; ++number)
    cart += Row(number, "1-" + std::to_string(number), "recovery");
  Workshop shop({.cart = cart, .os_size = kImages / static_cast<unsigned>(phones)});
  ASSERT_NO_FATAL_FAILURE(shop.Start());
  const double plain = PlainSeconds(shop, phones);
  shop.StartUsbmuxd();
  ASSERT_NO_FATAL_FAILURE(shop.StartStation());
  const Forged firmware = shop.Import("iphone8_ios15");
  ASSERT_NO_FATAL_FAILURE(HoldAll(shop, phones, kBeforeImage));
  for (int number = 1; number <= phones; ++number) ASSERT_NO_FATAL_FAILURE(shop.Arm(Name(number)));
  ASSERT_TRUE(AwaitAllAt(shop, phones, kBeforeImage));

  const bench::ProcessWatch rack(bench::ProcessesNamed("station-rack", shop.Folder()));
  const bench::ProcessWatch machine(bench::ProcessesNamed("qemu-system-x86", shop.Folder()));
  const GuestTime before = Now(shop);
  const auto begin = Clock::now();
  ASSERT_NO_FATAL_FAILURE(HoldAll(shop, phones, kBehindImage));
  ASSERT_TRUE(AwaitAllAt(shop, phones, kBehindImage));
  const double seconds = Since(begin);
  const GuestTime after = Now(shop);
  const double bytes = static_cast<double>(kImages);
  const double gib = bytes / (1U << 30U);
  std::ostringstream row;
  row << std::fixed << std::setprecision(1) << "usbmuxd phones=" << phones
      << " MB/s=" << bytes / 1e6 / seconds
      << " plain MB/s=" << static_cast<double>(kPlain) * phones / 1e6 / plain
      << " | CPU s/GiB: qemu=" << machine.Spent().cpu_seconds / gib
      << " rack=" << rack.Spent().cpu_seconds / gib << " | % of the guest's time:";
  row << std::setprecision(0);
  // Shares, because what waits for the machine's own processors counts as spent in the guest.
  const double all = after.all - before.all;
  const auto add = [&](const char* what, double GuestTime::*part) {
    row << " " << what << "=" << 100 * (after.*part - before.*part) / all;
  };
  add("usbmuxd-user", &GuestTime::mux_user);
  add("usbmuxd-system", &GuestTime::mux_system);
  add("workers", &GuestTime::workers);
  add("stationd", &GuestTime::daemon);
  add("interrupts", &GuestTime::interrupts);
  add("idle", &GuestTime::idle);
  Workshop::Note(row.str());
}

INSTANTIATE_TEST_SUITE_P(Phones, SystemFigures, testing::Values(1, 4, 8),
                         [](const auto& one) { return std::to_string(one.param); });

}  // namespace
}  // namespace station::system_test
