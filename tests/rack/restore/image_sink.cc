#include "tests/rack/restore/image_sink.h"

#include <fmt/format.h>

namespace rack {

ImageSink::ImageSink(const std::vector<ImageRecipe>& recipes, Bytes signed_digest)
    : signed_digest_(std::move(signed_digest)), hasher_(HashKindForSize(signed_digest_.size())) {
  if (const ImageRecipe* recipe = FindRecipe(recipes, signed_digest_)) known_.emplace(*recipe);
}

void ImageSink::Take(std::span<const std::uint8_t> bytes) {
  if (!known_)
    hasher_.Add(bytes);
  else if (!wrong_at_)
    wrong_at_ = known_->Mismatch(taken_, bytes);
  taken_ += bytes.size();
}

std::expected<Bytes, Refusal> ImageSink::Finish() {
  const auto refuse = [](std::string detail) {
    return std::unexpected(Refusal{Reason::kImageDigest, std::move(detail)});
  };
  if (wrong_at_)
    return refuse(fmt::format("the image differs from the signed one at byte {}", *wrong_at_));
  if (known_ && taken_ != known_->Size())
    return refuse(fmt::format("the image has {} bytes, the signed one {}", taken_, known_->Size()));
  if (!known_ && hasher_.Finish() != signed_digest_)
    return refuse("the image is not the signed one");
  return signed_digest_;
}

}  // namespace rack
