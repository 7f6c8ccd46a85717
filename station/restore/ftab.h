#pragma once
// ftab: the container of RTKit firmware (Rose, USB-C retimers): a header, entries by four-cc, their
// bytes (restore-protocol 6.8).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/result.h"

namespace station::restore {

class Ftab {
 public:
  // Bytes of a firmware file: bounded. kFirmwareMalformed.
  [[nodiscard]] static Result<Ftab> Parse(std::span<const std::uint8_t> bytes);
  [[nodiscard]] const std::string& Tag() const { return tag_; }  // "rkos"
  // kFirmwareMalformed when there is no such entry.
  [[nodiscard]] Result<std::span<const std::uint8_t>> Find(std::string_view four_cc) const;
  void Append(std::string_view four_cc, std::span<const std::uint8_t> bytes);
  // Entries back to back behind their table.
  [[nodiscard]] std::vector<std::uint8_t> Write() const;

 private:
  struct Entry {
    std::string four_cc;
    std::vector<std::uint8_t> bytes;
  };
  std::uint32_t first_word_ = 1;
  std::uint32_t second_word_ = 0xFFFFFFFF;
  std::string tag_;
  std::vector<Entry> entries_;
};

}  // namespace station::restore
