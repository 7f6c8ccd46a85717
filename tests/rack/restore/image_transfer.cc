#include "tests/rack/restore/image_transfer.h"

#include "tests/rack/restore/assets.h"

namespace rack {
namespace {

constexpr int kRestoreImage = 13;

}  // namespace

ImageTransfer::ImageTransfer(Phone& phone, Attachment& attachment, Dialogue& dialogue,
                             bool asynchronous, Bytes signed_digest,
                             std::vector<ImageRecipe> recipes)
    : dialogue_(dialogue),
      asynchronous_(asynchronous),
      port_(asynchronous ? dialogue.OpenDataPort() : kAsrPort),
      context_(asynchronous ? NewUuid() : ""),
      receiver_(phone, attachment,
                {.port = port_,
                 .checksums = phone.Spec().asr_checksums,
                 .second_initiate = dialogue.Host().modern,
                 .signed_digest = std::move(signed_digest),
                 .recipes = std::move(recipes),
                 .percent = [this](int percent) { Tell(percent); },
                 .beginning = [this](std::span<const std::uint8_t> begin) { AskKey(begin); }}) {}

void ImageTransfer::Tell(int percent) { dialogue_.Progress(kRestoreImage, percent, context_); }

void ImageTransfer::AskKey(std::span<const std::uint8_t> beginning) {
  key_url_ = KeyUrlIn(beginning);
  if (key_url_ && dialogue_.Host().Async("URLAsset"))
    key_ = dialogue_.RequestAsync("URLAsset", KeyRequest(*key_url_));
}

std::expected<void, Refusal> ImageTransfer::Ask() {
  receiver_.Listen();
  Value fields = Value::Dict{};  // beside the data type (reference 6.7), not among the arguments
  if (dialogue_.Host().modern) fields.Set("WillSendImageVerificationProgress", true);
  if (!dialogue_.Announce("SystemImageData", {}, asynchronous_ ? port_ : 0, asynchronous_, fields))
    return std::unexpected(Refusal{Reason::kHostGone, "working connection closed"});
  image_ = std::async(std::launch::async, [this] { return receiver_.Receive(); });
  return {};
}

std::expected<AsrImage, Refusal> ImageTransfer::Await() {
  auto image = image_.get();
  if (!image || !key_.valid()) return image;
  if (auto key = CheckKey(key_.get(), *key_url_, dialogue_); !key)
    return std::unexpected(std::move(key).error());
  return image;
}

}  // namespace rack
