// Baseband images and the blobs that sign them; ftab beside them. First byte: how much of the rest
// is the blob.

#include <span>

#include "station/restore/ftab.h"
#include "station/restore/modem_image.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace station::restore;
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  const auto blob = rest.first(rest.size() * data[0] / 256);
  const auto image = rest.subspan(blob.size());
  (void)SignImageTail(image, blob);
  (void)SignHashTableSegment(image, blob);
  if (auto fls = FlsFile::Parse(image)) {
    (void)fls->Write();
    (void)fls->ReplaceSignature(blob);
    fls->InsertTicket(blob);
    (void)fls->Write();
  }
  if (auto table = Ftab::Parse(image)) {
    table->Append("rrko", blob);
    (void)table->Write();
  }
  return 0;
}
