#include "station/daemon/mux_listener.h"

#include <netdb.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "station/base/log.h"

namespace station::daemon {
namespace {

namespace asio = boost::asio;
using asio::generic::stream_protocol;
using namespace std::chrono_literals;

constexpr std::size_t kHeaderSize = 16;
constexpr std::uint32_t kLargestBody = 1U << 20U;
constexpr std::uint32_t kPlistVersion = 1;
constexpr std::uint32_t kPlistMessage = 8;
constexpr auto kFirstBackoff = 100ms;
constexpr auto kLastBackoff = 2000ms;

void PutLittleEndian(std::string& to, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    to.push_back(static_cast<char>(value >> shift & 0xFFU));
}

std::uint32_t LittleEndian(const std::uint8_t* from) {
  std::uint32_t value = 0;
  for (unsigned i = 0; i < 4; ++i) value |= std::uint32_t{from[i]} << (8 * i);
  return value;
}

std::string ListenRequest() {
  plist::Plist request = plist::Plist::Dict();
  request.Set("MessageType", plist::Plist::String("Listen"))
      .Set("ClientVersionString", plist::Plist::String("stationd"))
      .Set("ProgName", plist::Plist::String("stationd"))
      .Set("kLibUSBMuxVersion", plist::Plist::Integer(3));
  const std::string body = request.ToXml();
  std::string packet;
  PutLittleEndian(packet, static_cast<std::uint32_t>(kHeaderSize + body.size()));
  PutLittleEndian(packet, kPlistVersion);
  PutLittleEndian(packet, kPlistMessage);
  PutLittleEndian(packet, 1);
  return packet + body;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

}  // namespace

struct MuxListener::Session {
  explicit Session(asio::io_context& io) : socket(io) {}
  stream_protocol::socket socket;
  std::string request = ListenRequest();
  std::array<std::uint8_t, kHeaderSize> header{};
  std::vector<std::uint8_t> body;
};

Result<stream_protocol::endpoint> MuxAddress(const std::string& address) {
  const std::string text = address.empty() ? "UNIX:/var/run/usbmuxd" : address;
  if (text.starts_with("UNIX:")) {
    if (text.size() - 5 > 107)
      return Fail(ErrorCode::kConfigInvalid, "socket path is too long: " + text);
    return stream_protocol::endpoint(asio::local::stream_protocol::endpoint(text.substr(5)));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos)
    return Fail(ErrorCode::kConfigInvalid, "neither UNIX:/path nor host:port: " + text);
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), text.substr(colon + 1).c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (code != 0) return Fail(ErrorCode::kConfigInvalid, text + ": " + ::gai_strerror(code));
  return stream_protocol::endpoint(found->ai_addr, found->ai_addrlen, IPPROTO_TCP);
}

MuxListener::MuxListener(asio::io_context& io, stream_protocol::endpoint address, Clock& clock,
                         OnChange on_change)
    : io_(io),
      address_(std::move(address)),
      on_change_(std::move(on_change)),
      again_(clock),
      backoff_(kFirstBackoff) {}

void MuxListener::Start() { Connect(); }

void MuxListener::Stop() {
  again_.Stop();
  if (session_) {
    boost::system::error_code ignored;
    session_->socket.close(ignored);
  }
  session_.reset();
}

void MuxListener::Connect() {
  session_ = std::make_shared<Session>(io_);
  session_->socket.async_connect(address_, [this, session = session_](
                                               const boost::system::error_code& error) {
    if (session != session_) return;
    if (error) return Lost(error.message());
    asio::async_write(session->socket, asio::buffer(session->request),
                      [this, session](const boost::system::error_code& write_error, std::size_t) {
                        if (session != session_) return;
                        if (write_error) return Lost(write_error.message());
                        ReadHeader(session);
                      });
  });
}

void MuxListener::ReadHeader(std::shared_ptr<Session> session) {
  asio::async_read(session->socket, asio::buffer(session->header),
                   [this, session](const boost::system::error_code& error, std::size_t) {
                     if (session != session_) return;
                     if (error) return Lost(error.message());
                     const std::uint32_t length = LittleEndian(session->header.data());
                     if (length < kHeaderSize || length - kHeaderSize > kLargestBody)
                       return Lost("a packet of a wrong length");
                     session->body.resize(length - kHeaderSize);
                     ReadBody(session);
                   });
}

void MuxListener::ReadBody(std::shared_ptr<Session> session) {
  asio::async_read(session->socket, asio::buffer(session->body),
                   [this, session](const boost::system::error_code& error, std::size_t) {
                     if (session != session_) return;
                     if (error) return Lost(error.message());
                     const auto message =
                         plist::Plist::Parse(std::span<const std::uint8_t>(session->body));
                     if (!message) return Lost(message.error().context);
                     if (const Status understood = OnPlist(message->Get()); !understood)
                       return Lost(understood.error().context);
                     ReadHeader(session);
                   });
}

Status MuxListener::OnPlist(plist::View message) {
  const std::string type = message["MessageType"].String().value_or("");
  if (type == "Result") {
    if (message["Number"].Integer() != 0U)
      return Fail(ErrorCode::kMuxUnreachable, "usbmuxd refuses to be listened to");
    listening_ = true;
    said_lost_ = false;
    backoff_ = kFirstBackoff;
    Log(LogLevel::kInfo, "usbmuxd connected");
  } else if (type == "Attached") {
    const plist::View properties = message["Properties"];
    const auto id = message["DeviceID"].Integer();
    const auto location = properties["LocationID"].Integer();
    if (!id || !location) return {};  // a network device has no port
    phones_[*id] = {.bus = static_cast<std::uint16_t>(*location >> 16U),
                    .device_number = static_cast<std::uint16_t>(*location & 0xFFFFU),
                    .udid = properties["SerialNumber"].String().value_or(""),
                    .newly_paired = false};
  } else if (type == "Paired") {
    if (const auto id = message["DeviceID"].Integer(); id && phones_.contains(*id))
      phones_[*id].newly_paired = true;
  } else if (type == "Detached") {
    if (const auto id = message["DeviceID"].Integer()) phones_.erase(*id);
  }
  std::set<MuxPhone> phones;
  for (const auto& [id, phone] : phones_) phones.insert(phone);
  on_change_(listening_, phones);
  return {};
}

void MuxListener::Lost(const std::string& why) {
  if (!said_lost_)
    LogError(LogLevel::kWarning, "usbmuxd is not there, trying again",
             {ErrorCode::kMuxUnreachable, why});
  said_lost_ = true;
  session_.reset();
  phones_.clear();
  if (std::exchange(listening_, false)) on_change_(false, {});
  again_.Set(backoff_, [this] { Connect(); });
  backoff_ = std::min<std::chrono::milliseconds>(backoff_ * 2, kLastBackoff);
}

}  // namespace station::daemon
