#include "station/restore/restored_client.h"

namespace station::restore {
namespace {

using plist::Plist;
constexpr std::uint16_t kPort = 62078;
constexpr std::chrono::milliseconds kAnswer{30000};

Plist Request(const std::string& name) {
  Plist request = Plist::Dict();
  request.Set("Request", Plist::String(name)).Set("Label", Plist::String("station-worker"));
  return request;
}

}  // namespace

Result<RestoredClient> RestoredClient::Open(const device::Device& device, JobControl& control) {
  const auto fail = [](const Error& error) {
    return Fail(ErrorCode::kRestoredUnreachable, error.context);
  };
  auto connection = device.Connect(kPort);
  if (!connection) return fail(connection.error());
  device::PlistChannel channel(std::move(*connection));
  auto answer = channel.Ask(Request("QueryType"), kAnswer, control);
  if (!answer) return fail(answer.error());
  const auto version = (*answer)["RestoreProtocolVersion"].Integer();
  if ((*answer)["Type"].String() != "com.apple.mobile.restored" || !version)
    return Fail(
        ErrorCode::kRestoredUnreachable,
        "the phone is not in restore mode: " + (*answer)["Type"].String().value_or("no type"));
  return RestoredClient(std::move(channel), *version);
}

Result<Plist> RestoredClient::Query(const std::string& key, JobControl& control) {
  Plist request = Request("QueryValue");
  request.Set("QueryKey", Plist::String(key));
  STATION_TRY(answer, channel_.Ask(request, kAnswer, control));
  return Plist::Copy(answer[key]);
}

Result<Ecid> RestoredClient::ReadEcid(JobControl& control) {
  STATION_TRY(hardware, Query("HardwareInfo", control));
  const auto ecid = hardware["UniqueChipID"].Integer();
  if (!ecid) return Fail(ErrorCode::kPhoneIdentityUnreadable, "HardwareInfo without UniqueChipID");
  return Ecid{*ecid};
}

Status RestoredClient::StartRestore(Plist options, JobControl& control) {
  Plist request = Request("StartRestore");
  request.Set("RestoreOptions", std::move(options))
      .Set("RestoreProtocolVersion", Plist::Integer(protocol_version_));
  return channel_.Send(request, control);
}

Result<Plist> RestoredClient::Receive(std::chrono::milliseconds timeout, JobControl& control) {
  return channel_.Receive(timeout, control);
}

Status RestoredClient::Send(const Plist& message, JobControl& control) {
  return channel_.Send(message, control);
}

Status RestoredClient::SendWritten(const ByteSource& message, JobControl& control) {
  return channel_.SendWritten(message, control);
}

void RestoredClient::Goodbye(JobControl& control) {
  (void)channel_.Ask(Request("Goodbye"), std::chrono::milliseconds(5000), control);
}

}  // namespace station::restore
