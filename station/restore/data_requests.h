#pragma once
// What a phone in restore mode asks for, and who provides it: one table from data type to provider
// (restore-protocol 6.7).

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/device/connection.h"
#include "station/plist/plist.h"
#include "station/restore/answer_channel.h"
#include "station/restore/component_source.h"
#include "station/restore/restore_setup.h"

namespace station::restore {

struct DataRequest {
  std::string type;
  plist::View arguments;  // may be absent
  std::optional<std::uint16_t>
      data_port;  // where the answer is wanted; absent: on the main connection
};

// What a restore remembers from one request to the next. Requests may be answered side by side.
struct RestoreMemory {
  std::mutex mutex;
  std::map<std::string, int> updater_rounds;  // by updater
  std::vector<std::uint8_t> baseband_nonce;   // what the answer below was signed for
  plist::Plist baseband_answer;
};

struct RecoverySystem;

// What providers may use; outlives the dialogue.
struct ProviderContext {
  const ComponentSource& components;
  const RestoreSetup& setup;
  JobControl& control;
  ConnectToPort connect;
  std::function<void()> image_sent;  // the system image is on the phone
  RestoreMemory& memory;
  const RecoverySystem* recovery = nullptr;  // where the firmware brings one
  // Answers a request the phone makes within another one: on the port the message names, else on
  // the main connection.
  std::function<Status(plist::View message, const std::string& type)> answer_elsewhere{};
};

// One data type's provider: answers through `channel` (SystemImageData has a connection of its
// own).
using Provider = Status (*)(const DataRequest&, const ProviderContext&, AnswerChannel&);

// Provides what is asked. Unknown types are logged with their shape and left unanswered, which
// keeps a real phone going. kUpdaterUnsupported for what this version cannot do.
[[nodiscard]] Status ProvideData(const DataRequest& request, const ProviderContext& context,
                                 AnswerChannel& channel);

// Keys and types of a request's arguments, for the log: never their values.
[[nodiscard]] std::string ShapeOf(plist::View arguments);

}  // namespace station::restore
