#include "tests/rack/restore/fdr.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <array>

#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

constexpr std::size_t kGreetingSize = 10;  // nine letters and NUL
constexpr std::string_view kBeginControl("BeginCtrl\0", kGreetingSize);
constexpr std::string_view kHelloControl("HelloCtrl\0", kGreetingSize);
constexpr std::string_view kHelloConnection("HelloConn\0", kGreetingSize);
constexpr std::uint16_t kConnectionPort = 49160;
constexpr std::uint32_t kWantConnection = 1;
constexpr std::uint32_t kShutdown = 2;
constexpr std::uint16_t kPlistCommand = 0xBBAA;
constexpr std::string_view kSinkHost = "127.0.0.1";
constexpr std::size_t kTokenSize = 64;
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
  if (!message) return std::nullopt;
  stream.Passed(true, *message);
  return std::move(*message);
}

bool WriteLittleFrame(Stream& stream, const Value& message) {
  stream.Passed(false, message);
  return stream.Write(Framed(message));
}

std::unexpected<Refusal> Failed(std::string detail) {
  return std::unexpected(Refusal{Reason::kFdr, std::move(detail)});
}

// The next connection to the sink; null when none comes in time.
std::unique_ptr<Stream> AcceptAt(const TcpListener& sink) {
  pollfd waiting{sink.fd.Get(), POLLIN, 0};
  if (poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1)
    return nullptr;
  station::Fd fd(accept4(sink.fd.Get(), nullptr, nullptr, SOCK_CLOEXEC));
  return fd.Valid() ? std::make_unique<Stream>(std::move(fd)) : nullptr;
}

// Whether a token that goes in at one end comes out at the other.
bool Carries(Stream& from, Stream& to) {
  const Bytes token = RandomBytes(kTokenSize);
  Bytes arrived(kTokenSize);
  return from.Write(token) && to.ReadExact(arrived, kPatience) && arrived == token;
}

// SOCKS5 as the host's side of the proxy knows it: every message waits for the answer to the one
// before, which repeats what follows the status (reference 8).
FdrControl::Done ThroughProxy(Stream& connection, const TcpListener& sink) {
  constexpr std::string_view kGreeting("\x05\x01\x00", 3);
  constexpr std::string_view kGreeted("\x05\x00", 2);
  std::array<std::uint8_t, kGreeted.size()> greeted;
  if (!connection.Write(kGreeting) || !connection.ReadExact(greeted, kPatience) ||
      AsText(greeted) != kGreeted)
    return Failed("the host did not answer the proxy greeting");
  std::string target("\x00\x03", 2);
  target += static_cast<char>(kSinkHost.size());
  target += kSinkHost;
  target += {static_cast<char>(sink.port >> 8U), static_cast<char>(sink.port)};
  std::string reply(kGreeted.size() + target.size(), '\0');
  if (!connection.Write("\x05\x01" + target) ||
      !connection.ReadExact({reinterpret_cast<std::uint8_t*>(reply.data()), reply.size()},
                            kPatience) ||
      reply != std::string(kGreeted) + target)
    return Failed("the host did not connect to where the phone asked");
  const auto arrived = AcceptAt(sink);
  if (!arrived) return Failed("no connection arrived where the phone asked");
  if (!Carries(connection, *arrived)) return Failed("bytes did not go out through the host");
  if (!Carries(*arrived, connection)) return Failed("bytes did not come back through the host");
  return {};
}

bool AnswerGreeting(Stream& stream) {
  std::array<std::uint8_t, kGreetingSize> greeting;
  if (!stream.ReadExact(greeting, kPatience)) return false;
  if (AsText(greeting) == kHelloControl)
    return stream.Write(kHelloControl) && stream.Write(LittleEndian(kConnectionPort));
  if (AsText(greeting) != kBeginControl || !ReadLittleFrame(stream)) return false;
  return WriteLittleFrame(stream, Value::Dict{{"Command", "BeginCtrl"},
                                              {"CtrlProtoVersion", 2},
                                              {"ConnPort", std::uint64_t{kConnectionPort}}});
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

std::shared_ptr<Stream> FdrControl::Connect() {
  const auto control = Control();
  if (!control) return nullptr;
  attachment_.Listen(kConnectionPort);
  control->Passed(false, Value::Dict{{"Wish", std::uint64_t{kWantConnection}}});
  control->Write(LittleEndian(kWantConnection));
  const auto connection = attachment_.Accept(kConnectionPort, kPatience);
  attachment_.Close(kConnectionPort);
  if (connection) connection->SetTap(phone_.TapFor("fdr"));
  std::array<std::uint8_t, kGreetingSize> greeting;
  if (!connection || !connection->ReadExact(greeting, kPatience) ||
      AsText(greeting) != kHelloConnection ||
      !WriteLittleFrame(*connection,
                        Value::Dict{{"Command", "HelloConn"}, {"Identifier", phone_.Spec().udid}}))
    return nullptr;
  return connection;
}

FdrControl::Done FdrControl::Ping() {
  const auto connection = Connect();
  const bool pinged = connection && connection->Write(LittleEndian(kPlistCommand)) &&
                      WriteLittleFrame(*connection, Value::Dict{{"Command", "Ping"}});
  const auto answer = pinged ? ReadLittleFrame(*connection) : std::nullopt;
  if (connection) connection->Shutdown();
  if (answer && answer->Flag("Pong")) return {};
  return Failed(connection ? "the host did not answer a ping" : "no connection through the host");
}

FdrControl::Done FdrControl::Reach() {
  auto listener = ListenLoopback(0, 1);
  if (!listener) return Failed(listener.error().context);
  const auto connection = Connect();
  if (!connection) return Failed("no connection through the host");
  const Done done = ThroughProxy(*connection, *listener);
  connection->Passed(false, Value::Dict{{"Proxied", done.has_value()}});
  connection->Shutdown();
  return done;
}

void FdrControl::Close(bool announced) {
  const auto control = Control();
  if (!control) return;
  if (announced) control->WriteNow(LittleEndian(kShutdown));
  control->Shutdown();
}

}  // namespace rack
