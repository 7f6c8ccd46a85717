#pragma once
// One way of being wrong: what is made wrong, how the phone refuses it, how it is left, and what
// that rests on.

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>
#include <tuple>

#include "tests/rack/test/boot_bench.h"

namespace rack {

struct Aftermath {
  Stage stage = Stage::kIboot;
  bool user_data = true;
  bool os_complete = true;
  Stage boots = Stage::kIboot;  // when it is switched on again
};

struct Mutation {
  const char* name;
  const char* reference;  // "reference 4.7 step 3"; "inferred" where it only follows from it
  Reason reason;
  Aftermath after;
  const char* refused;  // the command
  std::function<void(BootBench&)> spoil;
};
inline void PrintTo(const Mutation& row, std::ostream* out) { *out << row.name; }

// One phone of each generation.
struct TestPhone {
  const char* name;
  const char* product;
};
inline void PrintTo(const TestPhone& phone, std::ostream* out) { *out << phone.name; }
inline constexpr TestPhone kA9 = {"A9", "iPhone8,1"};
inline constexpr TestPhone kA11 = {"A11", "iPhone10,1"};

// States that it is left as the row says.
inline void ExpectAftermath(const BootBench& bench, const Aftermath& after) {
  const PhoneState state = bench.State();
  EXPECT_EQ(Name(state.stage), Name(after.stage));
  EXPECT_EQ(state.user_data_present, after.user_data);
  EXPECT_EQ(state.effaceable_generation, after.user_data ? 1U : 2U);
  EXPECT_EQ(state.os_complete, after.os_complete);
  EXPECT_EQ(Name(state.WhatBoots()), Name(after.boots));
}

inline void ExpectRefusal(const BootBench& bench, const char* reference, Reason reason) {
  const Refusal& last = bench.State().last_error;
  EXPECT_EQ(Name(last.reason), Name(reason)) << reference << ": " << last.detail;
}

// A boot that the row makes wrong.
class BootMutation : public testing::TestWithParam<std::tuple<Mutation, TestPhone>> {
 protected:
  void Judge(StartMode mode = StartMode::kRecovery) {
    const auto& [row, phone] = GetParam();
    SCOPED_TRACE(row.reference);
    BootBench bench(phone.product, mode);
    row.spoil(bench);
    bench.Boot();
    ExpectRefusal(bench, row.reference, row.reason);
    EXPECT_EQ(bench.Refused(), row.refused);
    ExpectAftermath(bench, row.after);
  }
};

inline std::string RowName(const testing::TestParamInfo<std::tuple<Mutation, TestPhone>>& info) {
  return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
}

}  // namespace rack
