#pragma once
// The system image on its way: asked for, received over ASR beside whatever else the phone does,
// and awaited when it is needed.

#include <expected>
#include <future>
#include <optional>
#include <string>

#include "tests/rack/restore/asr.h"
#include "tests/rack/restore/dialogue.h"

namespace rack {

class ImageTransfer {
 public:
  ImageTransfer(Phone& phone, Attachment& attachment, Dialogue& dialogue, bool asynchronous,
                Bytes signed_digest, std::vector<ImageRecipe> recipes);
  ~ImageTransfer() { Stop(); }

  // Opens the port, asks for the image and begins to receive it.
  [[nodiscard]] std::expected<void, Refusal> Ask();
  // Once only, after Ask.
  [[nodiscard]] std::expected<AsrImage, Refusal> Await();
  // Ends a transfer that is under way; from any thread.
  void Stop() { receiver_.Stop(); }
  // AsyncContextUUID of what is told about it; empty when it is not asynchronous.
  [[nodiscard]] const std::string& Context() const { return context_; }

 private:
  void Tell(int percent);
  // Asks for the key of an encrypted image as soon as its beginning is known.
  void AskKey(std::span<const std::uint8_t> beginning);

  Dialogue& dialogue_;
  const bool asynchronous_;
  const std::uint16_t port_;
  const std::string context_;
  std::optional<std::string> key_url_;
  std::future<Dialogue::Answer> key_;
  AsrReceiver receiver_;
  std::future<std::expected<AsrImage, Refusal>> image_;  // last: ends before what it uses
};

}  // namespace rack
