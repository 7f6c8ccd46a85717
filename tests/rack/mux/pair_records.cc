#include "tests/rack/mux/pair_records.h"

#include <fmt/format.h>
#include <unistd.h>

#include "station/base/fd.h"
#include "tests/rack/image4/digest.h"

namespace rack {
namespace {

std::string NewBuid() {
  const Bytes random = RandomBytes(32);
  std::string text;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    text += fmt::format("{:X}", random[i] & 0x0FU);
  }
  return text;
}

}  // namespace

std::string PairRecords::Buid() {
  const std::lock_guard lock(mutex_);
  const std::string path = folder_ + "/SystemConfiguration.plist";
  if (const auto text = station::ReadFile(path))
    if (const auto saved = Value::Parse(*text); saved && !saved->Text("SystemBUID").empty())
      return saved->Text("SystemBUID");
  const std::string buid = NewBuid();
  (void)station::WriteFileDurably(path, Value(Value::Dict{{"SystemBUID", buid}}).ToXml());
  return buid;
}

std::optional<std::string> PairRecords::PathOf(const std::string& id) const {
  if (id.empty() || id.find('/') != std::string::npos || id.front() == '.') return std::nullopt;
  return folder_ + "/" + id + ".plist";
}

std::optional<Bytes> PairRecords::Read(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto path = PathOf(id);
  const auto text =
      path ? station::ReadFile(*path) : station::Fail(station::ErrorCode::kNotFound, id);
  if (!text) return std::nullopt;
  return Bytes(text->begin(), text->end());
}

bool PairRecords::Save(const std::string& id, const Bytes& record) {
  const std::lock_guard lock(mutex_);
  const auto path = PathOf(id);
  const auto value = Value::Parse(record);
  return path && value && station::WriteFileDurably(*path, value->ToXml()).has_value();
}

bool PairRecords::Delete(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto path = PathOf(id);
  return path && unlink(path->c_str()) == 0;
}

}  // namespace rack
