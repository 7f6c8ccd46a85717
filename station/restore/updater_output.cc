#include "station/restore/updater_output.h"

#include <array>

#include "station/base/log.h"

namespace station::restore {
namespace {

constexpr int kConnectAttempts = 9;
constexpr std::chrono::milliseconds kConnectPause{1000};
constexpr std::chrono::milliseconds kSilence{5000};
constexpr std::uint64_t kLargest = 256U << 20U;

Result<device::Connection> ConnectPatiently(std::uint16_t port, const ProviderContext& context) {
  for (int attempt = 1;; ++attempt) {
    auto connection = context.connect(port);
    if (connection || attempt == kConnectAttempts) return connection;
    STATION_CHECK(context.control.Pause(kConnectPause));
  }
}

}  // namespace

Status TakeUpdaterOutput(const DataRequest& request, const ProviderContext& context,
                         AnswerChannel&) {
  if (!request.data_port)
    return Fail(ErrorCode::kRestoreDialogue, "BasebandUpdaterOutputData without port");
  STATION_TRY(connection, ConnectPatiently(*request.data_port, context));
  std::array<std::uint8_t, 65536> piece{};
  std::uint64_t taken = 0;
  while (taken < kLargest) {
    const auto got = connection.ReceiveSome(piece, kSilence, context.control);
    if (!got && got.error().code == ErrorCode::kCancelled) return std::unexpected(got.error());
    if (!got || *got == 0) break;  // silence and a closed connection both end it
    taken += *got;
  }
  Log(LogLevel::kInfo, "baseband updater output taken", {{"bytes", std::to_string(taken)}});
  return {};
}

}  // namespace station::restore
