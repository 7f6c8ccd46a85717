#pragma once
// An operator's act: who, under which request id, and where the answer goes once everything is
// durable.

#include <functional>
#include <string>

#include "station/base/result.h"

namespace station::daemon {

template <typename Answer>
struct Act {
  std::string request_id;  // empty: not protected against being sent twice
  std::string method;
  std::string actor;
  // The answer as it will be given again when the request id comes again; stored together with the
  // act itself.
  std::function<std::string(const Answer&)> encode;
  std::function<void(Result<Answer>)> reply;  // exactly once, on the state thread
};

}  // namespace station::daemon
