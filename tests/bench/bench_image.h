#pragma once
// An OS image as a file to send from, with what a sender and a phone know of it.

#include <cstdint>
#include <string>

#include "tests/bench/asr_sender.h"
#include "tests/rack/forge/disk_image.h"

namespace bench {

struct BenchImage {
  rack::ImageRecipe recipe;
  SentImage sent;
};

[[nodiscard]] BenchImage MakeImage(const std::string& folder, const std::string& name,
                                   std::uint64_t size, bool sparse);

}  // namespace bench
