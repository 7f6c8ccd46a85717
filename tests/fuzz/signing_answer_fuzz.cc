// What a signing server (or whatever sits in between) answers.

#include <string>

#include "station/signing/signing_client.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)station::signing::ParseAnswer(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
