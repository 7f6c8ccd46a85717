#pragma once
// Which files a manifest wants, and what each is: the components that share a path share its bytes.

#include <map>
#include <string>
#include <vector>

#include "tests/rack/forge/marker.h"
#include "tests/rack/wire/value.h"

namespace rack {

struct PlannedFile {
  std::string path;
  std::string stored_type;  // four-cc inside the IM4P; empty for a file that is none
  std::string main_component;
  Marker marker;
  struct Use {
    Value* entry = nullptr;  // the manifest entry whose Digest is to be replaced
    std::string type;        // what the payload is patched to before it is hashed
  };
  std::vector<Use> uses;
};

// By path. The pointers lead into `manifest`, which must stay where it is.
[[nodiscard]] std::map<std::string, PlannedFile> PlanFiles(Value& manifest);

}  // namespace rack
