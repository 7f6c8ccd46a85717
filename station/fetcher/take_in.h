#pragma once
// What importing a file and fetching one have in common: the entry built from a feed, and its way
// onto the shelf.

#include <filesystem>
#include <optional>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "station/fetcher/expected.h"
#include "station/fetcher/feed.h"
#include "station/fetcher/import.h"
#include "station/store/keeper/shelf.h"

namespace station::fetcher {

// Fills an incoming folder (OS images, index) while the feed fills `copy`, which lies in it.
// `source` of the entry is left empty.
[[nodiscard]] Result<store::Entry> BuildEntry(Feed& feed, const Fd& copy,
                                              const std::filesystem::path& folder,
                                              const Expected& expected, const ImportHooks& hooks);

// The store's entry of that firmware, by either hash, when it has one that opens.
[[nodiscard]] Result<std::optional<store::Entry>> SoundEntry(const store::Shelf& shelf,
                                                             const Expected& expected);

// The finished folder becomes an entry; a rotted one of the same firmware goes to quarantine, a
// sound one is kept and answered.
[[nodiscard]] Result<store::Entry> PutOnShelf(store::Shelf& shelf, store::Incoming incoming,
                                              store::Entry entry);

}  // namespace station::fetcher
