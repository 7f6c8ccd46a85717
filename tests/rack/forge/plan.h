#pragma once
// Which files a manifest wants, and what each is: the components that share a path share its bytes.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "station/base/result.h"
#include "tests/rack/forge/marker.h"
#include "tests/rack/image4/digest.h"
#include "tests/rack/wire/value.h"

namespace rack {

enum class FileKind {
  kPayload,    // an IM4P
  kDiskImage,  // raw, of any size
  kFtab,       // a table of parts, each of which has its own digest
  kEmpty,
  kPlain,  // anything else
};

struct PlannedFile {
  std::string path;
  FileKind kind = FileKind::kPlain;
  std::string main_component;
  std::string stored_type;       // four-cc inside the IM4P
  Marker marker;                 // of a ramdisk or device tree
  std::set<std::string> images;  // a ramdisk: paths of the disk images its identities install
  // A ramdisk: boards to the entries of cryptexes, whose digests it carries because no ticket of
  // the phone's signs them.
  std::map<std::string, std::map<std::string, const Value*>> cryptexes;
  struct Use {
    Value* entry = nullptr;           // the manifest entry whose Digest is to be replaced
    const Value* identity = nullptr;  // whose entry it is
    std::string component;            // the entry's name
    std::string type;  // what an IM4P is patched to before it is hashed; the part of an ftab
    HashKind hash = HashKind::kSha384;
  };
  std::vector<Use> uses;
};

using Plan = std::map<std::string, PlannedFile>;  // by path

// The pointers lead into `manifest`, which must stay where it is. kFirmwareMalformed when it names
// no file, or one ramdisk for erase and update: a phone could not tell which it is in.
[[nodiscard]] station::Result<Plan> PlanFiles(Value& manifest);

[[nodiscard]] bool HoldsMarker(const PlannedFile& file);

}  // namespace rack
