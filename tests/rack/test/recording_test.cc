// What stands in the recording of a phone, from its first message to the end of a restore.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "station/base/ids.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/model/recorder.h"
#include "tests/rack/test/rack_process.h"
#include "tests/rack/test/restore_host.h"
#include "tests/rack/test/scripted_host.h"
#include "tests/rack/wire/json.h"

namespace rack {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string pattern = testing::TempDir() + "/rackrec-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] fs::path File() const { return path_ / "sub" / "phone.jsonl"; }

 private:
  fs::path path_;
};

RecordedEvent Said(const std::string& kind) {
  return {.boot = 3, .stage = "iboot", .channel = "iboot", .toward = Toward::kPhone, .kind = kind};
}

std::string Digest(std::span<const std::uint8_t> bytes) {
  return station::ToHex(Hash(HashKind::kSha256, bytes));
}

// --- the file ---

TEST(Recorder, WithoutAFileNothingIsWritten) {
  Recorder recorder;
  recorder.Note(Said("message"), Value());
  EXPECT_FALSE(recorder.On());
}

TEST(Recorder, EventsComeBackAsTheyWere) {
  const Folder folder;
  Recorder(folder.File())
      .Note(Said("message"), Value::Dict{{"Text", "a \"b\"\n\\"},
                                         {"Minus", std::uint64_t{~0ULL}},
                                         {"Large", std::uint64_t{1} << 60U},
                                         {"Half", 0.5},
                                         {"Yes", true},
                                         {"List", Value::Array{1, "two"}}});
  const auto events = ReadRecording(folder.File());
  ASSERT_EQ(events.size(), 1U);
  const RecordedEvent& event = events[0];
  EXPECT_EQ(event.boot, 3U);
  EXPECT_EQ(event.stage, "iboot");
  EXPECT_EQ(event.channel, "iboot");
  EXPECT_EQ(event.toward, Toward::kPhone);
  EXPECT_EQ(event.kind, "message");
  EXPECT_LT(event.at, 60);
  EXPECT_EQ(event.what.Text("Text"), "a \"b\"\n\\");
  EXPECT_EQ(event.what.Number("Minus"), ~0ULL);
  EXPECT_EQ(event.what.Number("Large"), 1ULL << 60U);
  EXPECT_EQ(*event.what.Find("Half")->AsReal(), 0.5);
  EXPECT_TRUE(event.what.Flag("Yes"));
  EXPECT_EQ(event.what.Find("List")->AsArray()->size(), 2U);
}

TEST(Recorder, PayloadIsLeftOutWhereverItStands) {
  const Folder folder;
  const Bytes payload(100'000, 7);
  Recorder(folder.File())
      .Note(Said("message"),
            Value::Dict{{"NorImageData", Value::Array{payload}},
                        {"Deep", Value::Dict{{"In", Value::Dict{{"Side", payload}}}}},
                        {"Log", std::string(50'000, 'l')}});
  EXPECT_LT(fs::file_size(folder.File()), 1500U);
  const Value what = ReadRecording(folder.File()).at(0).what;
  for (const Value& note : {what.Find("NorImageData")->AsArray()->at(0),
                            *what.Find("Deep")->Find("In")->Find("Side")}) {
    EXPECT_EQ(note.Number("size"), payload.size());
    EXPECT_EQ(note.Text("sha256"), Digest(payload));
  }
  EXPECT_TRUE(what.Text("Log").ends_with("(50000 in all)"));
}

TEST(Recorder, AHugeMessageIsRecordedAsItsSize) {
  const Folder folder;
  Value::Dict dict;
  for (int i = 0; i < 100'000; ++i) dict.emplace_back("key" + std::to_string(i), i);
  Recorder(folder.File()).Note(Said("message"), Value(std::move(dict)));
  EXPECT_LT(fs::file_size(folder.File()), 1000U);
  EXPECT_GT(ReadRecording(folder.File()).at(0).what.Number("left_out"), 1'000'000U);
}

TEST(Recorder, KeepsNoMoreThanTwoFilesOfBoundedSize) {
  constexpr std::uint64_t kLargest = 2000;
  const Folder folder;
  Recorder recorder(folder.File(), kLargest);
  for (int i = 0; i < 100; ++i) recorder.Note(Said("message"), Value::Dict{{"Number", i}});
  const fs::path before = folder.File().string() + ".before";
  EXPECT_LE(fs::file_size(folder.File()), kLargest);
  EXPECT_LE(fs::file_size(before), kLargest);
  const auto early = ReadRecording(before);
  const auto late = ReadRecording(folder.File());
  ASSERT_FALSE(early.empty() || late.empty());
  EXPECT_EQ(late.back().what.Number("Number"), 99U);
  EXPECT_EQ(*early.back().what.Number("Number") + 1, *late.front().what.Number("Number"));
}

TEST(Recorder, GoesOnWhereTheLastOneEnded) {
  const Folder folder;
  for (const char* kind : {"first", "second"}) Recorder(folder.File()).Note(Said(kind), Value());
  const auto events = ReadRecording(folder.File());
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, "first");
  EXPECT_EQ(events[1].kind, "second");
}

TEST(Recorder, LinesThatAreNoEventsAreLeftOut) {
  const Folder folder;
  Recorder(folder.File()).Note(Said("message"), Value());
  std::ofstream(folder.File(), std::ios::app) << "\n[1]\n{\"at\": 1\n{}\n\"text\"\n";
  EXPECT_EQ(ReadRecording(folder.File()).size(), 1U);
  EXPECT_TRUE(ReadRecording("/nowhere/at/all").empty());
}

TEST(Json, WhatIsNoJsonIsNothing) {
  for (const char* text : {"", "{", "{\"a\"}", "{\"a\": }", "[1,]", "tru", "\"open", "\"\\u00\"",
                           "\"\\q\"", "1 2", "--1", "{\"a\": 1}}"})
    EXPECT_FALSE(ParseJson(text)) << text;
  EXPECT_FALSE(ParseJson(std::string(100'000, '[')));
}

// --- of a whole restore ---

using Events = std::vector<RecordedEvent>;

// "> iboot command go", "< restored DataRequestMsg NORData", ...: enough to find a place by.
std::string Brief(const RecordedEvent& event) {
  std::string line =
      fmt::format("{} {}", event.toward == Toward::kPhone ? ">" : "<", event.channel);
  if (event.kind != "message") line += " " + event.kind;
  for (const char* key : {"line", "Request", "MsgType", "DataType", "Command"})
    if (const std::string word = event.what.Text(key); !word.empty()) line += " " + word;
  return line;
}

// The place of the first event at or after `from` that reads so; the end of all when there is none.
std::size_t Place(const Events& events, const std::string& brief, std::size_t from = 0) {
  const auto begin = events.begin() + static_cast<std::ptrdiff_t>(std::min(from, events.size()));
  return static_cast<std::size_t>(std::ranges::find(begin, events.end(), brief, Brief) -
                                  events.begin());
}

void ExpectInOrder(const Events& events, std::initializer_list<const char*> lines) {
  std::size_t at = 0;
  for (const char* line : lines) {
    at = Place(events, line, at);
    ASSERT_LT(at, events.size()) << line;
    ++at;
  }
}

TEST(Recording, HoldsAWholeRestoreInOrder) {
  const Folder folder;
  BootBench bench("iPhone8,1", StartMode::kDfu);
  bench.GetPhone().RecordTo(folder.File());
  bench.Boot();
  RestoreHost host(bench);
  ASSERT_EQ(host.Run().Number("Status"), 0U) << bench.State().last_error.detail;
  const Events events = ReadRecording(folder.File());
  ExpectInOrder(events, {"> dfu upload ibss",
                         "> iboot upload ibec",
                         "> iboot command go",
                         "> iboot upload rdsk",
                         "> iboot command ramdisk",
                         "> iboot upload rkrn",
                         "> iboot command bootx",
                         "> restored StartRestore",
                         "< restored DataRequestMsg RootTicket",
                         "> restored",
                         "< restored DataRequestMsg NORData",
                         "> restored",
                         "< restored DataRequestMsg SystemImageData",
                         "< asr Initiate",
                         "> asr",
                         "< asr OOBData",
                         "> asr range",
                         "< asr Payload",
                         "> asr transfer",
                         "< restored DataRequestMsg KernelCache",
                         "> restored",
                         "< restored StatusMsg",
                         "> restored ReceivedFinalStatusMsg"});
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &RecordedEvent::at));
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &RecordedEvent::boot));
  for (const auto& [brief, stage] :
       {std::pair("> dfu upload ibss", "dfu"), std::pair("> iboot command go", "ibss"),
        std::pair("> iboot command bootx", "ibec"),
        std::pair("> restored StartRestore", "restore")})
    EXPECT_EQ(events[Place(events, brief)].stage, stage);
}

TEST(Recording, HoldsTheDigestsOfWhatWasSent) {
  const Folder folder;
  BootBench bench("iPhone10,1");
  bench.GetPhone().RecordTo(folder.File());
  bench.Boot();
  RestoreHost host(bench);
  ASSERT_EQ(host.Run().Number("Status"), 0U) << bench.State().last_error.detail;
  const Events events = ReadRecording(folder.File());
  const auto answer_to = [&](const std::string& type) {
    return events[Place(events, "< restored DataRequestMsg " + type) + 1].what;
  };
  EXPECT_EQ(events[Place(events, "> iboot upload ibec")].what.Text("sha256"),
            Digest(host.Signed("iBEC")));
  EXPECT_EQ(answer_to("RootTicket").Find("RootTicketData")->Text("sha256"),
            Digest(bench.BootTicket()));
  EXPECT_EQ(answer_to("KernelCache").Find("KernelCacheFile")->Text("sha256"),
            Digest(host.Signed("KernelCache")));
  const Value image = events[Place(events, "> asr transfer")].what;
  const Bytes& sent = bench.parts.at("OS").payload;
  EXPECT_EQ(image.Number("size"), sent.size());
  EXPECT_EQ(image.Text("digest"), station::ToHex(Hash(HashKind::kSha384, sent)));
}

TEST(Recording, AnImageThatEndsEarlyIsRecordedAsFarAsItCame) {
  const Folder folder;
  BootBench bench("iPhone10,1");
  bench.GetPhone().RecordTo(folder.File());
  bench.Boot();
  RestoreHost host(bench);
  host.image.bytes = [](Bytes& bytes) { bytes.resize(bytes.size() / 2); };
  EXPECT_NE(host.Run().Number("Status"), 0U);
  const Events events = ReadRecording(folder.File());
  const std::size_t place = Place(events, "> asr transfer");
  ASSERT_LT(place, events.size());
  const Value& image = events[place].what;
  EXPECT_LT(*image.Number("size"), *image.Number("announced"));
  EXPECT_EQ(image.Find("digest"), nullptr);
}

TEST(Recording, HoldsDataPortsFilesAndProxyOfACurrentHost) {
  const Folder folder;
  const TestFirmware firmware = NewFirmware();
  RestoreModePhone bench("iPhone13,2", firmware, "data_ports: true");
  bench.phone->RecordTo(folder.File());
  {
    ScriptedHost host(bench, firmware, ScriptedHost::Kind::kCurrent);
    ASSERT_EQ(host.Run().value_or(Value()).Number("Status"), 0U);
  }
  const Events events = ReadRecording(folder.File());
  const RecordedEvent& asked = events[Place(events, "< restored DataRequestMsg RootTicket")];
  const std::string port = fmt::format("data port {}", *asked.what.Number("DataPort"));
  EXPECT_NE(events[Place(events, "> " + port)].what.Find("RootTicketData"), nullptr);
  for (const auto& [name, component] : firmware.components) {
    if (!name.starts_with("Cryptex1,")) continue;
    const auto file = std::ranges::find_if(events, [&](const RecordedEvent& event) {
      return event.kind == "transfer" && event.what.Text("sha256") == Digest(component.file);
    });
    EXPECT_NE(file, events.end()) << name;
  }
  for (const char* brief : {"< fdr BeginCtrl", "< fdr Ping", "< asr Initiate"})
    EXPECT_LT(Place(events, brief), events.size()) << brief;
}

TEST(Recording, IsNoLargerForALargerSystem) {
  const auto size_with = [](std::size_t os_size) {
    const Folder folder;
    TestFirmware firmware = OldFirmware();
    firmware.image.assign(os_size, 0x5A);
    RestoreModePhone bench("iPhone10,1", firmware);
    bench.phone->RecordTo(folder.File());
    {
      ScriptedHost host(bench, firmware, ScriptedHost::Kind::kOld);
      EXPECT_EQ(host.Run().value_or(Value()).Number("Status"), 0U);
    }
    return fs::file_size(folder.File());
  };
  const auto small = size_with(8U << 20U);
  EXPECT_LT(size_with(32U << 20U), small + 500);
  EXPECT_LT(small, 100'000U);
}

TEST(Recording, IsReadableByPeopleAndOutlivesTheRack) {
  RackProcess rack(R"(phones:
  - {name: eight, port: "1-1", product: "iPhone10,1", ecid: "0xA1B2C3D4E0001"}
  - {name: mute, port: "1-2", product: "iPhone10,1", ecid: "0xA1B2C3D4E0002", recording: false}
)");
  const auto lines_with = [](const std::string& output, const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = output.find(text); at != std::string::npos;
         at = output.find(text, at + 1))
      ++count;
    return count;
  };
  const std::string asked = "lockdown         > message   ";
  ASSERT_EQ(rack.Exec("", {"ideviceinfo", "-s", "-u", rack.Status("eight").Text("udid")}).code, 0);
  const std::size_t once = lines_with(rack.Do("recording", {"eight"}).output, asked);
  EXPECT_GT(once, 0U);
  rack.Restart();
  ASSERT_EQ(rack.Exec("", {"ideviceinfo", "-s", "-u", rack.Status("eight").Text("udid")}).code, 0);
  const Finished both = rack.Do("recording", {"0xa1b2c3d4e0001"});
  EXPECT_EQ(both.code, 0);
  EXPECT_EQ(lines_with(both.output, asked), 2 * once) << both.output;
  EXPECT_NE(both.output.find("ProductType"), std::string::npos);
  EXPECT_NE(rack.Do("recording", {"mute"}).code, 0);
  EXPECT_NE(rack.Do("recording", {"../eight"}).code, 0);
}

}  // namespace
}  // namespace rack
