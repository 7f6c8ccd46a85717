#include "tests/bench/bench_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <span>

#include "tests/rack/image4/digest.h"

namespace bench {

constexpr std::size_t kBlock = 131072;

BenchImage MakeImage(const std::string& folder, const std::string& name, std::uint64_t size,
                     bool sparse) {
  BenchImage image;
  image.recipe = {.seed = 1, .path = name, .size = size, .sparse = sparse, .digests = {}};
  image.sent.file = folder + "/" + name;
  image.sent.size = size;
  const station::Fd file(open(image.sent.file.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
  const rack::DiskImage disk(image.recipe);
  rack::Hasher whole(rack::HashKind::kSha384);
  rack::Bytes block(kBlock);
  const rack::Bytes zeros(kBlock);
  for (std::uint64_t at = 0; at < size; at += kBlock) {
    const auto part = std::span(block).first(std::min<std::uint64_t>(kBlock, size - at));
    disk.Fill(at, part);
    whole.Add(part);
    const rack::Bytes sha1 = rack::Hash(rack::HashKind::kSha1, part);
    image.sent.sha1.insert(image.sent.sha1.end(), sha1.begin(), sha1.end());
    if (sparse && std::ranges::equal(part, std::span(zeros).first(part.size()))) continue;
    if (pwrite(file.Get(), part.data(), part.size(), static_cast<off_t>(at)) < 0) std::abort();
  }
  if (ftruncate(file.Get(), static_cast<off_t>(size)) != 0) std::abort();
  image.recipe.digests = {whole.Finish()};
  return image;
}

}  // namespace bench
