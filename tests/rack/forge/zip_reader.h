#pragma once
// Reads a zip back, by its central directory: for the checks of what was forged.

#include <cstdint>
#include <map>
#include <string>

#include "station/base/fd.h"
#include "station/base/result.h"
#include "tests/rack/forge/sparse_file.h"
#include "tests/rack/wire/value.h"

namespace rack {

class ZipReader {
 public:
  struct Member {
    bool deflated = false;
    std::uint64_t size = 0;
    std::uint64_t stored_size = 0;
    std::uint64_t data_at = 0;  // where its stored bytes begin in the file
  };

  // kFirmwareMalformed for anything that is no whole zip.
  [[nodiscard]] static station::Result<ZipReader> Open(const std::string& path);
  [[nodiscard]] const Member* Find(const std::string& name) const;
  // The member's own bytes in order, inflated, in pieces.
  using Visit = SparseFile::Visit;
  [[nodiscard]] station::Status ForEachPiece(const std::string& name, const Visit& visit) const;
  // The whole member; kFirmwareMalformed when it is larger than memory should hold.
  [[nodiscard]] station::Result<Bytes> Read(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, Member>& Members() const { return members_; }

 private:
  explicit ZipReader(station::Fd file) : file_(std::move(file)) {}
  [[nodiscard]] station::Status ReadDirectory();
  [[nodiscard]] station::Status ForEachStored(const Member& member, const Visit& visit) const;

  station::Fd file_;
  std::map<std::string, Member> members_;
};

}  // namespace rack
