// Ways of being wrong in restore mode. Before the format nothing of the user's is touched; after it
// only a further restore helps, and recovery mode is there for it.

#include "tests/rack/image4/payload.h"
#include "tests/rack/test/mutation_spoils.h"
#include "tests/rack/test/restore_host.h"

namespace rack {
namespace {

constexpr Aftermath kUntouched = {.stage = Stage::kIboot};
constexpr Aftermath kErased = {.stage = Stage::kIboot, .user_data = false, .os_complete = false};
constexpr Aftermath kHalfUpdated = {.stage = Stage::kIboot, .os_complete = false};

using SpoilHost = std::function<void(RestoreHost& host, BootBench& bench)>;

struct RestoreMutation {
  const char* name;
  const char* reference;
  Reason reason;
  Aftermath after;
  SpoilHost spoil;
  const char* behaviour = "Erase";
};
void PrintTo(const RestoreMutation& row, std::ostream* out) { *out << row.name; }

class MutatedRestore : public testing::TestWithParam<std::tuple<RestoreMutation, TestPhone>> {};

TEST_P(MutatedRestore, IsRefused) {
  const auto& [row, phone] = GetParam();
  SCOPED_TRACE(row.reference);
  BootBench bench(phone.product, StartMode::kRecovery, row.behaviour);
  bench.Boot();
  ASSERT_EQ(bench.State().stage, Stage::kRestore) << bench.State().last_error.detail;
  RestoreHost host(bench);
  row.spoil(host, bench);
  const Value status = host.Run();
  EXPECT_NE(status.Number("Status"), 0U);  // absent where the host had gone
  ExpectRefusal(bench, row.reference, row.reason);
  ExpectAftermath(bench, row.after);
  EXPECT_TRUE(bench.State().nor_complete);
  EXPECT_EQ(bench.State().restores_completed, 0U);
}

std::string RestoreRowName(
    const testing::TestParamInfo<std::tuple<RestoreMutation, TestPhone>>& info) {
  return std::string(std::get<0>(info.param).name) + "_" + std::get<1>(info.param).name;
}

SpoilHost Answers(const char* type, std::function<void(Value&)> change) {
  return [=](RestoreHost& host, BootBench&) { host.spoil[type] = change; };
}
// The answer holds another of the bench's components.
SpoilHost Instead(const char* type, const char* key, const char* component) {
  return [=](RestoreHost& host, BootBench&) {
    host.spoil[type] = [=, &host](Value& answer) { answer.Set(key, host.Signed(component)); };
  };
}
// The component has one bit changed, in its payload.
SpoilHost BitIn(const char* type, const char* key, const char* component) {
  return [=](RestoreHost& host, BootBench& bench) {
    host.spoil[type] = [=, &bench](Value& answer) {
      Bytes payload = bench.parts.at(component).payload;
      payload.back() ^= 1U;
      answer.Set(key, Stitch(payload, bench.BootTicket()));
    };
  };
}
// The component comes with another good ticket.
SpoilHost OtherTicket(const char* type, const char* key, const char* component) {
  return [=](RestoreHost& host, BootBench& bench) {
    host.spoil[type] = [=, &bench](Value& answer) {
      answer.Set(key, Stitch(bench.parts.at(component).payload, bench.NewTicket()));
    };
  };
}
SpoilHost NorList(std::vector<const char*> components) {
  return [=](RestoreHost& host, BootBench&) {
    host.spoil["NORData"] = [=, &host](Value& answer) {
      Value::Array list;
      for (const char* component : components) list.emplace_back(host.Signed(component));
      answer.Set("NorImageData", std::move(list));
    };
  };
}
SpoilHost LeavesAt(const char* type) {
  return [=](RestoreHost& host, BootBench&) { host.leaves_at = type; };
}

INSTANTIATE_TEST_SUITE_P(
    RootTicket, MutatedRestore,
    testing::Combine(
        testing::Values(
            RestoreMutation{"OtherTicket", "reference 6.7 RootTicket, 4.5", Reason::kRootTicket,
                            kUntouched,
                            [](RestoreHost& host, BootBench& bench) {
                              host.spoil["RootTicket"] = [&bench](Value& answer) {
                                answer.Set("RootTicketData", bench.NewTicket());
                              };
                            }},
            RestoreMutation{"TicketBit", "reference 6.7 RootTicket, 4.5", Reason::kRootTicket,
                            kUntouched,
                            [](RestoreHost& host, BootBench& bench) {
                              host.spoil["RootTicket"] = [&bench](Value& answer) {
                                Bytes ticket = bench.BootTicket();
                                ticket.back() ^= 1U;
                                answer.Set("RootTicketData", ticket);
                              };
                            }},
            RestoreMutation{"EmptyTicket", "reference 6.7 RootTicket", Reason::kRootTicket,
                            kUntouched,
                            Answers("RootTicket",
                                    [](Value& answer) { answer.Set("RootTicketData", Bytes()); })},
            RestoreMutation{
                "NoTicket", "reference 6.7 RootTicket", Reason::kRootTicket, kUntouched,
                Answers("RootTicket", [](Value& answer) { answer.Erase("RootTicketData"); })},
            RestoreMutation{"HostGone", "reference 6.9: nothing is said after it",
                            Reason::kHostGone, kUntouched, LeavesAt("RootTicket")}),
        testing::Values(kA9, kA11)),
    RestoreRowName);

INSTANTIATE_TEST_SUITE_P(
    NorData, MutatedRestore,
    testing::Combine(
        testing::
            Values(RestoreMutation{"LlbInTheList", "reference 6.7 NORData: LLB left out",
                                   Reason::kNorData, kUntouched,
                                   NorList({"iBoot", "LLB", "AppleLogo"})},
                   RestoreMutation{"IbootNotFirst", "reference 6.7 NORData: iBoot first",
                                   Reason::kNorData, kUntouched, NorList({"AppleLogo", "iBoot"})},
                   RestoreMutation{"IbootTwice", "reference 6.7 NORData, inferred",
                                   Reason::kNorData, kUntouched, NorList({"iBoot", "iBoot"})},
                   RestoreMutation{"LogoTwice", "reference 6.7 NORData, inferred", Reason::kNorData,
                                   kUntouched, NorList({"iBoot", "AppleLogo", "AppleLogo"})},
                   RestoreMutation{"EmptyList", "reference 6.7 NORData", Reason::kNorData,
                                   kUntouched, NorList({})},
                   RestoreMutation{"NoList", "reference 6.7 NORData", Reason::kNorData, kUntouched,
                                   Answers("NORData", [](Value& a) { a.Erase("NorImageData"); })},
                   RestoreMutation{
                       "TextInTheList", "reference 6.7 NORData", Reason::kAnswerMissing, kUntouched,
                       Answers("NORData",
                               [](Value& a) { a.Set("NorImageData", Value::Array{"iBoot"}); })},
                   RestoreMutation{"NoLlb", "reference 6.7 NORData", Reason::kAnswerMissing,
                                   kUntouched,
                                   Answers("NORData", [](Value& a) { a.Erase("LlbImageData"); })},
                   RestoreMutation{"IbootAsLlb", "reference 6.7 NORData, 4.7 step 5", Reason::kType,
                                   kUntouched, Instead("NORData", "LlbImageData", "iBoot")},
                   RestoreMutation{"LlbBit", "reference 4.7 step 6", Reason::kDigest, kUntouched,
                                   BitIn("NORData", "LlbImageData", "LLB")},
                   RestoreMutation{"LlbUnderAnotherTicket", "reference 6.7 RootTicket",
                                   Reason::kMixedTickets, kUntouched,
                                   OtherTicket("NORData", "LlbImageData", "LLB")},
                   RestoreMutation{"NoSep", "reference 6.7 NORData", Reason::kAnswerMissing,
                                   kUntouched,
                                   Answers("NORData", [](Value& a) { a.Erase("SEPImageData"); })},
                   RestoreMutation{
                       "NoRestoreSep", "reference 6.7 NORData", Reason::kAnswerMissing, kUntouched,
                       Answers("NORData", [](Value& a) { a.Erase("RestoreSEPImageData"); })},
                   RestoreMutation{"RestoreSepAsSep", "reference 6.7 NORData, 4.7 step 5",
                                   Reason::kType, kUntouched,
                                   Instead("NORData", "SEPImageData", "RestoreSEP")},
                   RestoreMutation{"StaleSepNonce", "reference 4.7 step 4: SEP checks snon",
                                   Reason::kSepNonce, kUntouched,
                                   [](RestoreHost&, BootBench& bench) {
                                     bench.GetPhone().Change([](PhoneState& state) {
                                       state.sep_nonce.assign(state.sep_nonce.size(), 0x5E);
                                     });
                                   }},
                   RestoreMutation{"HostGone", "reference 10.4", Reason::kHostGone, kUntouched,
                                   LeavesAt("NORData")}),
        testing::Values(kA9, kA11)),
    RestoreRowName);

INSTANTIATE_TEST_SUITE_P(
    Asr, MutatedRestore,
    testing::Combine(
        testing::
            Values(RestoreMutation{"WrongRange", "reference 7 step 3", Reason::kAsrRange, kErased,
                                   [](RestoreHost& host, BootBench&) {
                                     host.image.range = [](Bytes& range) { range.back() ^= 1U; };
                                   }},
                   // What is left over becomes the beginning of the image.
                   RestoreMutation{"RangeTooLong", "reference 7 step 3: exactly the raw n bytes",
                                   Reason::kAsrChecksum, kErased,
                                   [](RestoreHost& host, BootBench&) {
                                     host.image.range = [](Bytes& range) {
                                       range.insert(range.end(), 8, 0xEE);
                                     };
                                   }},
                   RestoreMutation{
                       "WrongChecksum", "reference 7 step 5", Reason::kAsrChecksum, kErased,
                       [](RestoreHost& host, BootBench&) {
                         host.image.checksum = [](Bytes& checksum) { checksum[0] ^= 1U; };
                       }},
                   RestoreMutation{
                       "NoChecksums", "reference 7 step 5", Reason::kAsrChecksum, kErased,
                       [](RestoreHost& host, BootBench&) {
                         host.image.checksum = [](Bytes& checksum) { checksum.clear(); };
                       }},
                   RestoreMutation{"ChecksumsNotAnnounced", "reference 7 step 2", Reason::kAsrInfo,
                                   kErased,
                                   [](RestoreHost& host, BootBench&) {
                                     host.image.info = [](Value& packet) {
                                       packet.Erase("Checksum Chunk Size");
                                     };
                                   }},
                   RestoreMutation{"NoSize", "reference 7 step 2", Reason::kAsrInfo, kErased,
                                   [](RestoreHost& host, BootBench&) {
                                     host.image.info = [](Value& packet) {
                                       packet.Erase("Payload");
                                     };
                                   }},
                   RestoreMutation{"ShortImage", "reference 7 step 5", Reason::kAsrShort, kErased,
                                   [](RestoreHost& host, BootBench&) {
                                     host.image.bytes = [](Bytes& image) {
                                       image.resize(image.size() / 2);
                                     };
                                   }},
                   RestoreMutation{"LongImage", "reference 7 step 6: closes after the last byte",
                                   Reason::kAsrInfo, kErased,
                                   [](RestoreHost& host, BootBench&) {
                                     host.image.bytes = [](Bytes& image) {
                                       image.insert(image.end(), 1U << 17U, 0xEE);
                                     };
                                   }},
                   RestoreMutation{"NotTheSignedImage", "reference 12.9, 12.14",
                                   Reason::kImageDigest, kErased,
                                   [](RestoreHost& host, BootBench& bench) {
                                     (void)host;  // it is another file from the first range on
                                     bench.parts.at("OS").payload.assign(16 * 131072, 0x11);
                                   }},
                   RestoreMutation{"ShortImageOfAnUpdate", "reference 9: an update keeps user data",
                                   Reason::kAsrShort, kHalfUpdated,
                                   [](RestoreHost& host, BootBench&) {
                                     host.image.bytes = [](Bytes& image) {
                                       image.resize(image.size() / 2);
                                     };
                                   },
                                   "Update"}),
        testing::Values(kA9, kA11)),
    RestoreRowName);

SpoilHost WithRootHash(SpoilHost spoil) {
  return [=](RestoreHost& host, BootBench& bench) {
    host.announces = {"SystemImageRootHash"};
    spoil(host, bench);
  };
}

INSTANTIATE_TEST_SUITE_P(
    Install, MutatedRestore,
    testing::Combine(
        testing::Values(
            RestoreMutation{"KernelOfTheRamdisk", "reference 4.8: krnl", Reason::kType, kErased,
                            Instead("KernelCache", "KernelCacheFile", "RestoreKernelCache")},
            RestoreMutation{"KernelBit", "reference 4.7 step 6", Reason::kDigest, kErased,
                            BitIn("KernelCache", "KernelCacheFile", "KernelCache")},
            RestoreMutation{"NoDeviceTree", "reference 6.7 DeviceTree", Reason::kAnswerMissing,
                            kErased,
                            Answers("DeviceTree", [](Value& a) { a.Erase("DeviceTreeFile"); })},
            RestoreMutation{"DeviceTreeUnderAnotherTicket", "reference 6.7 RootTicket",
                            Reason::kMixedTickets, kErased,
                            OtherTicket("DeviceTree", "DeviceTreeFile", "DeviceTree")},
            RestoreMutation{"RootHashBit", "reference 3.6, 4.7 step 6", Reason::kDigest, kErased,
                            WithRootHash(BitIn("SystemImageRootHash", "SystemImageRootHashFile",
                                               "SystemVolume"))},
            RestoreMutation{
                "NoRootHash", "reference 6.7 SystemImageRootHash", Reason::kAnswerMissing, kErased,
                WithRootHash(Answers("SystemImageRootHash",
                                     [](Value& a) { a.Erase("SystemImageRootHashFile"); }))},
            RestoreMutation{"LogoAsRootHash", "reference 4.8: isys", Reason::kType, kErased,
                            WithRootHash(Instead("SystemImageRootHash", "SystemImageRootHashFile",
                                                 "AppleLogo"))},
            RestoreMutation{"FudOfAnotherName", "reference 6.7 FUDData", Reason::kFud, kErased,
                            Answers("FUDData",
                                    [](Value& a) {
                                      if (a.Find("ImageName") != nullptr) a.Set("ImageName", "ISP");
                                    })},
            RestoreMutation{"FudNotOfTheTicket", "reference 4.7 step 1", Reason::kMalformed,
                            kErased,
                            Answers("FUDData",
                                    [](Value& a) {
                                      if (a.Find("ImageName") != nullptr)
                                        a.Set("FUDImageData", Bytes(50));
                                    })}),
        testing::Values(kA9, kA11)),
    RestoreRowName);

// The same phones and hosts with nothing wrong: the rows above fail for what they say.
TEST(RestoreBench, RestoresWhenNothingIsWrong) {
  for (const TestPhone& phone : {kA9, kA11})
    for (const char* behaviour : {"Erase", "Update"}) {
      BootBench bench(phone.product, StartMode::kRecovery, behaviour);
      bench.Boot();
      RestoreHost host(bench);
      if (behaviour == std::string_view("Update")) host.announces = {"SystemImageRootHash"};
      EXPECT_EQ(host.Run().Number("Status"), 0U) << bench.State().last_error.detail;
      const PhoneState state = bench.State();
      EXPECT_EQ(state.stage, Stage::kNormal) << phone.name;
      EXPECT_EQ(state.os_build, "19H999") << phone.name;
      EXPECT_EQ(state.user_data_present, behaviour == std::string_view("Update")) << phone.name;
      EXPECT_EQ(state.os_image_digest.size(), 2 * DigestSize(bench.GetGeneration().hash));
    }
}

}  // namespace
}  // namespace rack
