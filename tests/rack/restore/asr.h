#pragma once
// ASR, the receiving side: the OS image as a stream of blocks with their SHA-1, hashed as it comes,
// never stored.

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <vector>

#include "tests/rack/image4/digest.h"
#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"

namespace rack {

inline constexpr std::uint16_t kAsrPort = 12345;

struct AsrImage {
  std::uint64_t size = 0;
  Bytes digest;  // as the ticket states it
};

class AsrReceiver {
 public:
  // `percent` is told of progress.
  AsrReceiver(Phone& phone, Attachment& attachment, std::function<void(int)> percent);

  // Opens the port; do this before the host is asked to send.
  void Listen() { attachment_.Listen(kAsrPort); }
  [[nodiscard]] std::expected<AsrImage, Refusal> Receive();

 private:
  // What the host said of a range before the image; the image must agree.
  struct Range {
    std::uint64_t offset = 0;
    Bytes bytes;
  };
  using Step = std::expected<void, Refusal>;

  [[nodiscard]] Step ReadPacketInfo();
  [[nodiscard]] Step ReadRanges();
  [[nodiscard]] Step ReadImage();
  [[nodiscard]] Step TakeBlock(std::span<const std::uint8_t> block,
                               std::span<const std::uint8_t> checksum);
  [[nodiscard]] Step CompareRanges(std::span<const std::uint8_t> block) const;
  [[nodiscard]] Step MaybeFail();

  Phone& phone_;
  Attachment& attachment_;
  std::function<void(int)> percent_;
  std::shared_ptr<Stream> stream_;  // shared with the mux that accepted it
  std::optional<PhoneFaults> faults_;
  std::uint64_t size_ = 0;
  std::uint64_t received_ = 0;
  int told_ = -1;
  std::vector<Range> ranges_;
  Hasher image_;  // as the phone's generation hashes its OS
  Hasher block_{HashKind::kSha1};
};

}  // namespace rack
