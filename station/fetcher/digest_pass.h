#pragma once
// The one pass over an IPSW: this thread takes the bytes from their feed, a second digests the
// file, a third its chunks, a fourth looks into the members.

#include <vector>

#include "station/base/result.h"
#include "station/fetcher/expected.h"
#include "station/fetcher/feed.h"
#include "station/fetcher/import.h"
#include "station/fetcher/member_pass.h"

namespace station::fetcher {

struct PassOutcome {
  FileDigests digests;
  std::vector<Sha256Digest> chunks;
  // What is wrong with the members; the pass goes on to the end nevertheless when a digest is
  // expected, which says more.
  Status members;
};

// kFirmwareUnreadable or what else the feed met; kCancelled.
[[nodiscard]] Result<PassOutcome> DigestPass(Feed& feed, MemberPass& members,
                                             const Expected& expected, const ImportHooks& hooks);

}  // namespace station::fetcher
