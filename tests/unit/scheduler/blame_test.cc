// Blame lands on the port, the hub, the phone or the firmware, not on whoever stood there.

#include "scheduler/blame.h"

#include <gtest/gtest.h>

namespace station::scheduler {
namespace {

constexpr auto kWell = ErrorCode::kNone;
constexpr auto kBroke = ErrorCode::kAsrTransfer;

PortKey On(const std::string& chain) { return {"pci:14.0:" + chain}; }

class Facts {
 public:
  Facts& Add(const std::string& chain, std::uint64_t phone, ErrorCode error,
             const std::string& firmware = "f") {
    facts_.push_back({On(chain), Ecid{phone}, firmware, error, ++time_});
    return *this;
  }
  [[nodiscard]] Blame Make(const Services& services = {}) const { return {facts_, services}; }
  [[nodiscard]] std::int64_t Now() const { return time_; }

 private:
  std::vector<AttemptFact> facts_;
  std::int64_t time_ = 0;
};

TEST(Blame, APortWhosePhonesDoWellElsewhere) {
  Facts facts;
  facts.Add("1.3", 1, kWell);
  for (const std::uint64_t phone : {2, 2, 3, 3, 4}) facts.Add("1.3", phone, kBroke);
  facts.Add("1.4", 2, kWell).Add("1.5", 3, kWell);
  const Blame blame = facts.Make();
  const Count count = blame.OfPort(On("1.3"));
  EXPECT_EQ(count.failures, 5U);
  EXPECT_EQ(count.attempts, 6U);
  EXPECT_EQ(count.elsewhere, 2U);
  EXPECT_TRUE(blame.PortIsBad(On("1.3")));
  EXPECT_FALSE(blame.PortIsBad(On("1.4")));
  EXPECT_EQ(BlameText(count),
            "5 of 6 attempts failed; of 3 phones that failed here, 2 did well elsewhere");
}

TEST(Blame, OneBadPhone_IsNotThePortsFault) {
  Facts facts;
  for (int i = 0; i < 8; ++i) facts.Add("1.3", 2, kBroke);
  EXPECT_FALSE(facts.Make().PortIsBad(On("1.3")));
  for (int i = 0; i < 8; ++i) facts.Add("1.4", 2, kBroke);
  facts.Add("1.3", 3, kWell).Add("1.4", 4, kWell);
  const Blame blame = facts.Make();
  EXPECT_FALSE(blame.PortIsBad(On("1.3")));
  EXPECT_FALSE(blame.PortIsBad(On("1.4")));
  const Count phone = blame.Of(Suspect::kPhone).at(ToString(Ecid{2}));
  EXPECT_EQ(phone.failures, 16U);
  EXPECT_EQ(phone.elsewhere, 1U) << "others did well on its ports";
}

TEST(Blame, FewFailuresBlameNobody) {
  Facts facts;
  facts.Add("1.3", 1, kBroke).Add("1.3", 2, kBroke);
  EXPECT_FALSE(facts.Make().PortIsBad(On("1.3")));
  facts.Add("1.3", 3, kBroke);
  EXPECT_TRUE(facts.Make().PortIsBad(On("1.3")));
}

TEST(Blame, ServiceStartsTheCountAfresh) {
  Facts facts;
  for (const std::uint64_t phone : {1, 2, 3}) facts.Add("1.3", phone, kBroke);
  const Services services = {{On("1.3"), facts.Now()}};
  EXPECT_EQ(facts.Make(services).OfPort(On("1.3")).attempts, 0U);
  facts.Add("1.3", 4, kWell);
  EXPECT_EQ(facts.Make(services).OfPort(On("1.3")).attempts, 1U);
  EXPECT_FALSE(facts.Make(services).PortIsBad(On("1.3")));
}

TEST(Blame, LongAgoIsForgotten) {
  Facts facts;
  for (const std::uint64_t phone : {1, 2, 3}) facts.Add("1.3", phone, kBroke);
  for (std::size_t i = 0; i < Blame::kLast; ++i) facts.Add("1.3", 10 + i, kWell);
  EXPECT_EQ(facts.Make().OfPort(On("1.3")).failures, 0U);
}

TEST(Blame, WhatIsNeithersFault_IsNotCounted) {
  Facts facts;
  for (const ErrorCode code :
       {ErrorCode::kSigningUnreachable, ErrorCode::kCancelled, ErrorCode::kWorkerDied,
        ErrorCode::kFirmwareAbsent, ErrorCode::kPairingNeeded})
    facts.Add("1.3", 1, code);
  EXPECT_EQ(facts.Make().OfPort(On("1.3")).attempts, 0U);
}

TEST(Blame, HubsAndFirmwares) {
  Facts facts;
  for (const std::uint64_t phone : {1, 2, 3})
    facts.Add("1." + std::to_string(phone), phone, kBroke);
  facts.Add("2.1", 1, kWell, "g").Add("2.2", 2, kWell, "g");
  const Blame blame = facts.Make();
  const Count hub = blame.Of(Suspect::kHub).at("pci:14.0:1");
  EXPECT_EQ(hub.failures, 3U);
  EXPECT_EQ(hub.elsewhere, 2U);
  EXPECT_TRUE(Blame::IsBad(hub));
  EXPECT_EQ(blame.Of(Suspect::kFirmware).at("f").failures, 3U);
  EXPECT_EQ(blame.Of(Suspect::kFirmware).at("g").failures, 0U);
}

}  // namespace
}  // namespace station::scheduler
