// What catalogues of firmware answer: the vendor's version list and the ipsw.me shape, and both put
// together.

#include <string_view>

#include "station/fetcher/offers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace station::fetcher;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto json = ParseIpswMe(text, "iPhone10,1");
  auto list = ParseVendorList(text, "iPhone10,1");
  if (json) (void)Merge(*json);
  if (list) (void)Merge(*list);
  return 0;
}
