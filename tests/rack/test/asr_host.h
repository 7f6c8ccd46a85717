#pragma once
// The sending side of ASR as hosts do it (reference 7), but for what a test makes wrong.

#include <functional>

#include "tests/rack/wire/stream.h"

namespace rack {

struct AsrSpoils {
  std::function<void(Bytes&)> bytes = [](Bytes&) {};     // of the image, after the ranges
  std::function<void(Bytes&)> range = [](Bytes&) {};     // each answer to OOBData
  std::function<void(Bytes&)> checksum = [](Bytes&) {};  // of each block
  std::function<void(Value&)> info = [](Value&) {};      // packet information
};

// Until the image is sent or the phone closes.
void SendAsrImage(Stream& stream, Bytes image, const AsrSpoils& spoils);

}  // namespace rack
