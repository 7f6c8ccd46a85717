// The number of streams follows what was measured.

#include "scheduler/throughput.h"

#include <gtest/gtest.h>

#include <functional>

namespace station::scheduler {
namespace {

// A host whose streams move `rate(n)` together, always as many as allowed, for so many windows.
std::size_t After(StreamLimit& limit, const std::function<double(std::size_t)>& rate,
                  std::size_t windows, std::map<std::size_t, int>* seen = nullptr) {
  for (std::size_t i = 0; i < windows * StreamLimit::kWindow; ++i) {
    limit.Observe({limit.Limit(), rate(limit.Limit())});
    if (seen != nullptr) ++(*seen)[limit.Limit()];
  }
  return limit.Limit();
}

// As phones are plugged in one by one.
void RampUp(StreamLimit& limit, const std::function<double(std::size_t)>& rate, std::size_t to) {
  for (std::size_t n = 1; n <= to && n <= limit.Limit(); ++n)
    for (std::size_t i = 0; i < StreamLimit::kWindow; ++i) limit.Observe({n, rate(n)});
}

const auto kPeakAtFive = [](std::size_t n) {
  const auto streams = static_cast<double>(n);
  return n <= 5 ? 30e6 * streams : 150e6 - 20e6 * (streams - 5);
};

TEST(StreamLimit, MoreStreamsThatBringMore_StayUnlimited) {
  StreamLimit limit(12);
  const auto linear = [](std::size_t n) { return 30e6 * static_cast<double>(n); };
  RampUp(limit, linear, 12);
  EXPECT_EQ(After(limit, linear, 100), 12U);
  EXPECT_EQ(limit.Best(), 12 * 30e6);
}

TEST(StreamLimit, OneMoreThatLowersTheWhole_IsTakenBack) {
  StreamLimit limit(12);
  RampUp(limit, kPeakAtFive, 12);
  EXPECT_EQ(limit.Limit(), 5U);
}

TEST(StreamLimit, ProbesUpAgain_EverMoreRarely) {
  StreamLimit limit(12);
  RampUp(limit, kPeakAtFive, 12);
  std::map<std::size_t, int> seen;
  After(limit, kPeakAtFive, 200, &seen);
  EXPECT_GT(seen[5], 15 * seen[6]) << "at the peak nearly always";
  EXPECT_GT(seen[6], 0) << "but it looked";
  EXPECT_EQ(seen.upper_bound(6), seen.end());
}

TEST(StreamLimit, AFasterHostIsFoundOut) {
  StreamLimit limit(12);
  RampUp(limit, kPeakAtFive, 12);
  ASSERT_EQ(limit.Limit(), 5U);
  const auto linear = [](std::size_t n) { return 30e6 * static_cast<double>(n); };
  EXPECT_EQ(After(limit, linear, 200), 12U);
}

TEST(StreamLimit, NoiseIsNoLoss) {
  StreamLimit limit(8);
  int turn = 0;
  const auto noisy = [&turn](std::size_t) { return ++turn % 2 == 0 ? 103e6 : 97e6; };
  RampUp(limit, noisy, 8);
  EXPECT_EQ(After(limit, noisy, 50), 8U);
}

TEST(StreamLimit, BrokenWindowsCountForNothing) {
  StreamLimit limit(8);
  for (std::size_t i = 0; i < 1000; ++i) limit.Observe({1 + i % 2, i % 2 == 0 ? 100e6 : 1e6});
  EXPECT_EQ(limit.Limit(), 8U);
  EXPECT_EQ(limit.Best(), 0);
}

TEST(StreamLimit, NeverBelowOne) {
  StreamLimit limit(3);
  const auto worse = [](std::size_t n) { return 100e6 / static_cast<double>(n * n); };
  RampUp(limit, worse, 3);
  EXPECT_GE(After(limit, worse, 50), 1U);
}

}  // namespace
}  // namespace station::scheduler
