// The enums of station/base and of the public API are one list: same numbers, same names, both
// ways. And every error tells the operator what to do, in one line that fits.

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <span>
#include <string>

#include "station/base/enums.h"
#include "station/base/error_code.h"
#include "station/v1/enums.pb.h"

namespace station {
namespace {

// "boot_restore_os" -> "BOOT_RESTORE_OS".
std::string Upper(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

using Names = std::map<int, std::string>;

template <typename Enum>
Names NamesOf(std::span<const Enum> values, const std::string& prefix) {
  Names names;
  for (const Enum value : values) {
    const auto [place, fresh] = names.emplace(static_cast<int>(value), prefix + Upper(Name(value)));
    EXPECT_TRUE(fresh) << "number used twice: " << place->second;
  }
  return names;
}

Names NamesOf(const google::protobuf::EnumDescriptor* descriptor) {
  Names names;
  for (int i = 0; i < descriptor->value_count(); ++i)
    names.emplace(descriptor->value(i)->number(), descriptor->value(i)->name());
  return names;
}

// Two numbers with one name would make the name useless in metrics and logs.
void ExpectDistinct(const Names& names) {
  std::set<std::string> seen;
  for (const auto& [number, name] : names)
    EXPECT_TRUE(seen.insert(name).second) << name << " is the name of two numbers";
}

struct Mirror {
  const char* name;
  Names ours;
  Names proto;
};
void PrintTo(const Mirror& mirror, std::ostream* out) { *out << mirror.name; }

std::vector<Mirror> Mirrors() {
  std::vector<ErrorCode> codes;
  for (const ErrorInfo& info : AllErrorCodes()) codes.push_back(info.code);
  return {
      {"PhoneMode", NamesOf(std::span<const PhoneMode>(kAllPhoneModes), "PHONE_MODE_"),
       NamesOf(v1::PhoneMode_descriptor())},
      {"PortState", NamesOf(std::span<const PortState>(kAllPortStates), "PORT_STATE_"),
       NamesOf(v1::PortState_descriptor())},
      {"Step", NamesOf(std::span<const Step>(kAllSteps), "STEP_"), NamesOf(v1::Step_descriptor())},
      {"Outcome", NamesOf(std::span<const Outcome>(kAllOutcomes), "OUTCOME_"),
       NamesOf(v1::Outcome_descriptor())},
      {"Action", NamesOf(std::span<const Action>(kAllActions), "ACTION_"),
       NamesOf(v1::Action_descriptor())},
      {"Drain", NamesOf(std::span<const Drain>(kAllDrains), "DRAIN_"),
       NamesOf(v1::Drain_descriptor())},
      {"ErrorCode", NamesOf(std::span<const ErrorCode>(codes), "ERROR_CODE_"),
       NamesOf(v1::ErrorCode_descriptor())},
  };
}

class EnumMirrorTest : public testing::TestWithParam<Mirror> {};

TEST_P(EnumMirrorTest, NumbersAndNamesAreTheSameBothWays) {
  const Mirror& mirror = GetParam();
  for (const auto& [number, name] : mirror.ours) {
    const auto found = mirror.proto.find(number);
    ASSERT_NE(found, mirror.proto.end()) << name << " = " << number << " is not in the API";
    EXPECT_EQ(found->second, name);
  }
  for (const auto& [number, name] : mirror.proto)
    EXPECT_TRUE(mirror.ours.contains(number)) << name << " = " << number << " is only in the API";
  ExpectDistinct(mirror.ours);
}

INSTANTIATE_TEST_SUITE_P(All, EnumMirrorTest, testing::ValuesIn(Mirrors()),
                         [](const auto& mirror) { return std::string(mirror.param.name); });

TEST(EnumMirrorTest, EveryEnumOfTheApiIsCompared) {
  EXPECT_EQ(v1::PhoneMode_descriptor()->file()->enum_type_count(),
            static_cast<int>(Mirrors().size()));
}

TEST(ErrorCodeTest, EveryCodeTellsTheOperatorWhatToDoInOneLine) {
  for (const ErrorInfo& info : AllErrorCodes()) {
    EXPECT_FALSE(info.operator_line.empty()) << info.name;
    EXPECT_LE(info.operator_line.size(), 120U) << info.name;
    EXPECT_EQ(info.operator_line.find('\n'), std::string_view::npos) << info.name;
    EXPECT_EQ(&Info(info.code), &info) << info.name;
    EXPECT_EQ(ErrorCodeFromNumber(static_cast<std::uint32_t>(info.code)), info.code);
    const bool none = info.code == ErrorCode::kNone;
    EXPECT_EQ(info.error_class == ErrorClass::kNone, none) << info.name;
  }
  EXPECT_FALSE(ErrorCodeFromNumber(99'999));
}

}  // namespace
}  // namespace station
