#pragma once
// ASR, the receiving side: the OS image as a stream of blocks, with or without their SHA-1, checked
// as it comes (ImageSink), never stored.

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "tests/rack/image4/digest.h"
#include "tests/rack/model/attachment.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/restore/image_sink.h"

namespace rack {

inline constexpr std::uint16_t kAsrPort = 12345;

struct AsrOptions {
  std::uint16_t port = kAsrPort;
  bool checksums = true;         // a SHA-1 behind every block
  bool second_initiate = false;  // asks without checksums first and turns them on with another one,
                                 // as phones do with hosts that know it (reference 7)
  Bytes signed_digest;           // what the ticket wants of the image
  std::vector<ImageRecipe> recipes;               // of the images that the booted ramdisk installs
  std::function<void(int)> percent = [](int) {};  // told of progress
  // Given the head of an encrypted image, before the rest comes; not called for any other.
  std::function<void(std::span<const std::uint8_t>)> beginning = [](std::span<const std::uint8_t>) {
  };
};

struct AsrImage {
  std::uint64_t size = 0;
  std::expected<Bytes, Refusal> digest;  // as the ticket states it, or how the image differs
};

class AsrReceiver {
 public:
  AsrReceiver(Phone& phone, Attachment& attachment, AsrOptions options);

  // Opens the port; do this before the host is asked to send.
  void Listen() {
    if (!phone_.Take(&PhoneFaults::refuse_asr)) attachment_.Listen(options_.port);
  }
  [[nodiscard]] std::expected<AsrImage, Refusal> Receive();
  // Makes Receive fail, now or when it begins; from any thread.
  void Stop();

 private:
  // What the host said of a range before the image; the image must agree.
  struct Range {
    std::uint64_t offset = 0;
    Bytes bytes;
  };
  using Step = std::expected<void, Refusal>;

  // What came of the image, whole or not.
  void Record(const std::optional<AsrImage>& image) const;
  [[nodiscard]] Step TakeConnection();
  [[nodiscard]] Step Negotiate();
  [[nodiscard]] Step ReadPacketInfo(bool checksums);
  [[nodiscard]] Step ReadRanges();
  [[nodiscard]] Step ReadRange(std::uint64_t offset, std::uint64_t length);
  [[nodiscard]] Step ReadImage();
  [[nodiscard]] Step TakeBlock(std::span<const std::uint8_t> block,
                               std::span<const std::uint8_t> checksum);
  [[nodiscard]] Step CompareRanges(std::span<const std::uint8_t> block) const;
  [[nodiscard]] Step MaybeFail();

  Phone& phone_;
  Attachment& attachment_;
  const AsrOptions options_;
  std::mutex mutex_;  // stopped_, and stream_ while Stop may look at it
  bool stopped_ = false;
  std::shared_ptr<Stream> stream_;  // shared with the mux that accepted it
  std::optional<PhoneFaults> faults_;
  std::uint64_t size_ = 0;
  std::uint64_t received_ = 0;
  int told_ = -1;
  std::vector<Range> ranges_;
  ImageSink sink_;
  Hasher block_{HashKind::kSha1};
};

}  // namespace rack
