#pragma once
// The daemon of restore mode, com.apple.mobile.restored on port 62078 (restore-protocol 6.1, 6.2).

#include <cstdint>
#include <optional>
#include <string>

#include "station/base/ids.h"
#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/device/plist_channel.h"
#include "station/plist/plist.h"

namespace station::restore {

class RestoredClient {
 public:
  // kRestoredUnreachable, also when something else than restored answers.
  [[nodiscard]] static Result<RestoredClient> Open(const device::Device& device,
                                                   JobControl& control);

  // Over a connection whose QueryType has been answered with that protocol version.
  RestoredClient(device::PlistChannel channel, std::uint64_t version)
      : channel_(std::move(channel)), protocol_version_(version) {}

  [[nodiscard]] std::uint64_t ProtocolVersion() const { return protocol_version_; }
  // HardwareInfo's UniqueChipID: who this is, before anything is written.
  [[nodiscard]] Result<Ecid> ReadEcid(JobControl& control);
  // One value of QueryValue; an answer without it is an empty view. SavedDebugInfo tells of an
  // earlier restore.
  [[nodiscard]] Result<plist::Plist> Query(const std::string& key, JobControl& control);
  // After this the phone talks; there is no answer.
  [[nodiscard]] Status StartRestore(plist::Plist options, JobControl& control);
  [[nodiscard]] Result<plist::Plist> Receive(std::chrono::milliseconds timeout,
                                             JobControl& control);
  [[nodiscard]] Status Send(const plist::Plist& message, JobControl& control);
  [[nodiscard]] Status SendWritten(const ByteSource& message, JobControl& control);
  void Goodbye(JobControl& control);

 private:
  device::PlistChannel channel_;
  std::uint64_t protocol_version_;
};

}  // namespace station::restore
