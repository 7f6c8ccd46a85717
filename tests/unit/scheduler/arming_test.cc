#include "scheduler/arming.h"

#include <gtest/gtest.h>

namespace station::scheduler {
namespace {

using namespace std::chrono_literals;

constexpr WallTime kNow{1'000'000ms};
const PortKey kPortA{"pci0000:00/0000:00:14.0:1"};
const PortKey kPortB{"pci0000:00/0000:00:14.0:2"};
constexpr Ecid kPhoneA{0xA1};
constexpr Ecid kPhoneB{0xB2};

Arming ForPorts(std::vector<PortKey> ports, int count = 1) {
  Arming arming;
  arming.id = {1};
  arming.ports = std::move(ports);
  arming.count = count;
  arming.created = kNow;
  arming.expires = kNow + 15min;
  arming.countdown = 10s;
  return arming;
}

Candidate Phone(const PortKey& port, Ecid ecid, std::string serial = "F2LAAAA") {
  return {.port = port,
          .ecid = ecid,
          .serial_number = std::move(serial),
          .udid = {},
          .product = "iPhone10,1"};
}

TEST(Arming, TakesOnlyWhatItNames) {
  Arming arming = ForPorts({kPortA});
  arming.ecids = {kPhoneB};
  arming.count = 2;
  EXPECT_EQ(Matches(arming, Phone(kPortA, kPhoneA), kNow), Match::kYes);
  EXPECT_EQ(Matches(arming, Phone(kPortB, kPhoneA), kNow), Match::kNo);
  EXPECT_EQ(Matches(arming, Phone(kPortB, kPhoneB), kNow), Match::kYes);
}

TEST(Arming, Expired_TakesNothing) {
  const Arming arming = ForPorts({kPortA});
  EXPECT_EQ(Matches(arming, Phone(kPortA, kPhoneA), kNow + 15min - 1ms), Match::kYes);
  EXPECT_EQ(Matches(arming, Phone(kPortA, kPhoneA), kNow + 15min), Match::kNo);
}

TEST(Arming, SerialList_DoesNotGuessInDfu) {
  Arming arming = ForPorts({});
  arming.serial_numbers = {"f2laaaa"};
  EXPECT_EQ(Matches(arming, Phone(kPortA, kPhoneA), kNow), Match::kYes) << "case does not matter";
  EXPECT_EQ(Matches(arming, Phone(kPortA, kPhoneA, "F2LBBBB"), kNow), Match::kNo);
  EXPECT_EQ(Matches(arming, Phone(kPortA, kPhoneA, ""), kNow), Match::kUnknown);
  arming.ecids = {kPhoneA};
  EXPECT_EQ(Matches(arming, Phone(kPortA, kPhoneA, ""), kNow), Match::kYes) << "its ECID is known";
}

TEST(ArmingBook, CountIsUsedUp) {
  ArmingBook book;
  book.Add(ForPorts({kPortA, kPortB}, 1));
  ASSERT_TRUE(book.Take({1}, kPhoneA, kNow));
  EXPECT_FALSE(book.For(Phone(kPortB, kPhoneB), kNow).has_value());
  EXPECT_FALSE(book.Take({1}, kPhoneB, kNow));
}

TEST(ArmingBook, SamePhone_IsTakenOnce) {
  ArmingBook book;
  book.Add(ForPorts({kPortA}, 5));
  ASSERT_TRUE(book.Take({1}, kPhoneA, kNow));
  EXPECT_FALSE(book.For(Phone(kPortA, kPhoneA), kNow).has_value()) << "restored once, not for ever";
  EXPECT_TRUE(book.For(Phone(kPortA, kPhoneB), kNow).has_value());
  EXPECT_FALSE(book.Take({1}, kPhoneA, kNow));
}

TEST(ArmingBook, SureMatchBeatsEarlierUnknown) {
  ArmingBook book;
  Arming by_serial = ForPorts({});
  by_serial.serial_numbers = {"F2LCCCC"};
  book.Add(by_serial);
  Arming by_port = ForPorts({kPortA});
  by_port.id = {2};
  book.Add(by_port);
  const auto found = book.For(Phone(kPortA, kPhoneA, ""), kNow);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->first, ArmingId{2});
  EXPECT_EQ(found->second, Match::kYes);
}

TEST(ArmingBook, LetGoPort_LeavesTheOthersArmed) {
  ArmingBook book;
  book.Add(ForPorts({kPortA, kPortB}, 2));
  ASSERT_TRUE(book.LetGo({1}, kPortA, kPhoneA));
  EXPECT_FALSE(book.For(Phone(kPortA, kPhoneA), kNow).has_value());
  EXPECT_TRUE(book.For(Phone(kPortB, kPhoneB), kNow).has_value());
  ASSERT_TRUE(book.LetGo({1}, kPortB, kPhoneB));
  EXPECT_FALSE(book.Find({1})->active) << "nothing is left";
}

TEST(ArmingBook, Expire_NamesWhatIsOver) {
  ArmingBook book;
  book.Add(ForPorts({kPortA}));
  EXPECT_EQ(book.NextExpiry(), kNow + 15min);
  EXPECT_TRUE(book.Expire(kNow).empty());
  EXPECT_EQ(book.Expire(kNow + 15min), std::vector{ArmingId{1}});
  EXPECT_TRUE(book.Expire(kNow + 16min).empty());
  EXPECT_FALSE(book.NextExpiry().has_value());
}

TEST(ArmingBook, Check_RefusesWhatMakesNoSense) {
  EXPECT_TRUE(ArmingBook::Check(ForPorts({kPortA})));
  EXPECT_FALSE(ArmingBook::Check(ForPorts({})));
  EXPECT_FALSE(ArmingBook::Check(ForPorts({kPortA}, 0)));
  EXPECT_FALSE(ArmingBook::Check(ForPorts({kPortA}, -1)));
  Arming past = ForPorts({kPortA});
  past.expires = past.created;
  EXPECT_FALSE(ArmingBook::Check(past));
  Arming endless = ForPorts({kPortA});
  endless.countdown = 2h;
  EXPECT_FALSE(ArmingBook::Check(endless));
  Arming harmless = ForPorts({kPortA});
  harmless.action = Action::kIdentify;
  EXPECT_FALSE(ArmingBook::Check(harmless));
}

}  // namespace
}  // namespace station::scheduler
