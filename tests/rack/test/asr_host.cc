#include "tests/rack/test/asr_host.h"

#include <algorithm>
#include <array>
#include <optional>

#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::size_t kBlock = 131072;

std::optional<Value> ReadXml(Stream& stream) {
  std::string text;
  std::array<std::uint8_t, 4096> piece;
  while (text.find("</plist>\n") == std::string::npos) {
    const auto got = stream.ReadSome(piece, kPatience);
    if (!got || *got == 0) return std::nullopt;
    text.append(AsText(std::span(piece).first(*got)));
  }
  return Value::Parse(text).value_or(Value());
}

Value PacketInfo(std::uint64_t size, bool checksums) {
  Value info =
      Value::Dict{{"FEC Slice Stride", 40}, {"Packet Payload Size", 1450},
                  {"Packets Per FEC", 25},  {"Payload", Value::Dict{{"Port", 1}, {"Size", size}}},
                  {"Stream ID", 1},         {"Version", 1}};
  if (checksums) info.Set("Checksum Chunk Size", std::uint64_t{kBlock});
  return info;
}

// Answers until the phone wants the image; whether with checksums. Nothing when it is gone.
std::optional<bool> AnswerCommands(Stream& stream, const Bytes& image, const AsrSpoils& spoils) {
  bool checksums = false;
  for (auto command = ReadXml(stream); command; command = ReadXml(stream)) {
    const std::string name = command->Text("Command");
    if (name == "Payload") return checksums;
    if (name == "Initiate") {
      checksums = command->Flag("Checksum Chunks");
      Value info = PacketInfo(image.size(), checksums);
      spoils.info(info);
      stream.Write(info.ToXml());
      continue;
    }
    const auto asked = std::span(image).subspan(command->Number("OOB Offset").value_or(0),
                                                command->Number("OOB Length").value_or(0));
    Bytes range(asked.begin(), asked.end());
    spoils.range(range);
    stream.Write(range);
  }
  return std::nullopt;
}

}  // namespace

void SendAsrImage(Stream& stream, Bytes image, const AsrSpoils& spoils) {
  const auto checksums = AnswerCommands(stream, image, spoils);
  if (!checksums) return;
  spoils.bytes(image);
  for (std::size_t at = 0; at < image.size(); at += kBlock) {
    const auto block = std::span(image).subspan(at, std::min(kBlock, image.size() - at));
    Bytes checksum = *checksums ? Hash(HashKind::kSha1, block) : Bytes();
    if (*checksums) spoils.checksum(checksum);
    if (!stream.Write(block) || !stream.Write(checksum)) return;
  }
  stream.Shutdown();
}

}  // namespace rack
