#include "tests/rack/restore/fdr.h"

#include <spdlog/spdlog.h>

#include <array>

namespace rack {
namespace {

constexpr std::size_t kGreetingSize = 10;  // nine letters and NUL
constexpr std::string_view kBeginControl("BeginCtrl\0", kGreetingSize);
constexpr std::string_view kHelloControl("HelloCtrl\0", kGreetingSize);
constexpr std::string_view kHelloConnection("HelloConn\0", kGreetingSize);
constexpr std::uint16_t kConnectionPort = 49160;
constexpr std::uint32_t kWantConnection = 1;
constexpr std::uint16_t kPlistCommand = 0xBBAA;
constexpr std::uint32_t kLongestPlist = 1U << 20U;
constexpr std::chrono::seconds kPatience{10};

template <typename T>
std::string LittleEndian(T number) {
  std::string bytes;
  for (unsigned i = 0; i < sizeof(T); ++i) bytes += static_cast<char>(number >> (8U * i));
  return bytes;
}

std::string Framed(const Value& message) {
  const std::string body = message.ToBinary();
  return LittleEndian(static_cast<std::uint32_t>(body.size())) + body;
}

std::optional<Value> ReadLittleFrame(Stream& stream) {
  std::array<std::uint8_t, 4> header;
  if (!stream.ReadExact(header, kPatience)) return std::nullopt;
  const std::uint32_t size = header[0] | std::uint32_t{header[1]} << 8U |
                             std::uint32_t{header[2]} << 16U | std::uint32_t{header[3]} << 24U;
  if (size > kLongestPlist) return std::nullopt;
  Bytes body(size);
  if (!stream.ReadExact(body, kPatience)) return std::nullopt;
  auto message = Value::Parse(body);
  return message ? std::optional(std::move(*message)) : std::nullopt;
}

bool AnswerGreeting(Stream& stream) {
  std::array<std::uint8_t, kGreetingSize> greeting;
  if (!stream.ReadExact(greeting, kPatience)) return false;
  if (AsText(greeting) == kHelloControl)
    return stream.Write(kHelloControl) && stream.Write(LittleEndian(kConnectionPort));
  if (AsText(greeting) != kBeginControl || !ReadLittleFrame(stream)) return false;
  return stream.Write(Framed(Value::Dict{{"Command", "BeginCtrl"},
                                         {"CtrlProtoVersion", 2},
                                         {"ConnPort", std::uint64_t{kConnectionPort}}}));
}

}  // namespace

void FdrControl::Serve(const std::shared_ptr<Stream>& stream) {
  if (!AnswerGreeting(*stream)) return;
  {
    const std::lock_guard lock(mutex_);
    control_ = stream;
  }
  std::array<std::uint8_t, 256> ignored;
  while (true) {
    const auto got = stream->ReadSome(ignored);
    if (!got || *got == 0) break;
  }
  const std::lock_guard lock(mutex_);
  if (control_ == stream) control_.reset();
}

std::shared_ptr<Stream> FdrControl::Control() {
  const std::lock_guard lock(mutex_);
  return control_;
}

void FdrControl::Ping() {
  const auto control = Control();
  if (!control) return;
  attachment_.Listen(kConnectionPort);
  control->Write(LittleEndian(kWantConnection));
  const auto connection = attachment_.Accept(kConnectionPort, kPatience);
  attachment_.Close(kConnectionPort);
  std::array<std::uint8_t, kGreetingSize> greeting;
  const bool greeted = connection && connection->ReadExact(greeting, kPatience) &&
                       AsText(greeting) == kHelloConnection;
  bool pong = false;
  if (greeted &&
      connection->Write(Framed(Value::Dict{{"Command", "HelloConn"}, {"Identifier", udid_}})) &&
      connection->Write(LittleEndian(kPlistCommand)) &&
      connection->Write(Framed(Value::Dict{{"Command", "Ping"}}))) {
    const auto answer = ReadLittleFrame(*connection);
    pong = answer && answer->Flag("Pong");
  }
  spdlog::info("fdr connected={} pong={}", connection != nullptr, pong);
  if (connection) connection->Shutdown();
}

void FdrControl::Close() {
  if (const auto control = Control()) control->Shutdown();
}

}  // namespace rack
