// The index from hostile bytes, with its digest put right so that the fields behind it are reached.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "station/base/digest.h"
#include "station/store/reader/index.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  if (size >= 32) {
    const auto digest = station::Sha256Of({data, size - 32});
    std::copy(digest.begin(), digest.end(), bytes.end() - 32);
  }
  const auto index = station::store::Index::Parse(bytes);
  if (!index) return 0;
  unsigned sum = 0;
  for (std::size_t i = 0; i < index->MemberCount(); ++i) {
    const auto member = index->Member(i);
    for (const char c : member.name) sum += static_cast<unsigned char>(c);
    for (const auto& digest : member.asr_digests) sum += digest[0] + digest[19];
    if (!index->Find(member.name)) std::abort();
  }
  for (const auto& digest : index->IpswChunks()) sum += digest[31];
  for (const auto& digest : index->OsImageChunks()) sum += digest[31];
  return sum == ~0U ? 1 : 0;
}
