#pragma once
// What a phone in restore mode asks for, and who provides it: one table from data type to provider (restore-protocol 6.7).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "station/base/job_control.h"
#include "station/base/result.h"
#include "station/device/connection.h"
#include "station/plist/plist.h"
#include "station/restore/component_source.h"

namespace station::restore {

struct DataRequest {
  std::string type;
  plist::View arguments;                  // may be absent
  std::optional<std::uint16_t> data_port;  // where the answer is wanted; absent: on the main connection
};

// What providers may use; outlives the dialogue.
struct ProviderContext {
  const device::Device& device;
  const ComponentSource& components;
  JobControl& control;
  std::function<void()> image_sent;  // the system image is on the phone
};

using SendAnswer = std::function<Status(const plist::Plist&)>;

// Provides what is asked, through `send` (SystemImageData has a connection of its own). Unknown types are logged with
// their shape and left unanswered, which keeps a real phone going. kUpdaterUnsupported for what this version cannot do.
[[nodiscard]] Status ProvideData(const DataRequest& request, const ProviderContext& context, const SendAnswer& send);

}  // namespace station::restore
