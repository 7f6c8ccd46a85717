#pragma once
// The one pass over an IPSW: this thread reads, writes the copy and takes the file's own digests; a
// second one looks into the members.

#include <cstdint>
#include <vector>

#include "station/base/fd.h"
#include "station/base/ids.h"
#include "station/base/result.h"
#include "station/fetcher/import.h"
#include "station/fetcher/member_pass.h"

namespace station::fetcher {

struct CopyOutcome {
  Sha256Digest sha256{};
  std::vector<Sha256Digest> chunks;
  // What is wrong with the members; the copy goes on to the end nevertheless when `finish_anyway`.
  Status members;
};

// Copies exactly `size` bytes. kFirmwareUnreadable when the source is shorter, longer or breaks
// off; kCancelled.
[[nodiscard]] Result<CopyOutcome> CopyAndDigest(const Fd& source, std::uint64_t size,
                                                const Fd& copy, MemberPass& members,
                                                bool finish_anyway, const ImportHooks& hooks);

}  // namespace station::fetcher
