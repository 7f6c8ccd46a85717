#include "tests/rack/restore/boot_objects.h"

#include "tests/rack/restore/assets.h"
#include "tests/rack/restore/image_sink.h"

namespace rack {
namespace {

constexpr std::size_t kLargestImage = 256U << 20U;
constexpr std::string_view kArchiveMagic = "070707";
constexpr std::string_view kArchiveTrailer = "TRAILER!!!";
constexpr std::chrono::seconds kKeyPatience{30};

Value Named(const std::string& component) { return Value::Dict{{"ImageName", component}}; }

// The marker's word on a component that no ticket of this phone signs.
const Bytes* ManifestDigest(const RestoreRun& run, const std::string& component) {
  if (!run.boot.ramdisk) return nullptr;
  for (const auto& [board, digests] : run.boot.ramdisk->digests)
    if (SameBoard(board, run.phone.Spec().product))
      if (const auto found = digests.find(component); found != digests.end()) return &found->second;
  return nullptr;
}

// On the connection over which the image comes, while its host waits for just this (reference 6.7);
// the answer goes to the port it names.
StepResult AskKeyInBetween(RestoreRun& run, const std::string& url, Stream& connection) {
  const std::uint16_t port = run.dialogue.OpenDataPort();
  const Value question = Value::Dict{
      {"MsgType", "URLAsset"}, {"Arguments", KeyRequest(url)}, {"DataPort", std::uint64_t{port}}};
  run.phone.Record("boot object", Toward::kHost, "message", question);
  if (!WriteFrame(connection, question)) return Refused(Reason::kHostGone, "data port closed");
  return CheckKey(run.dialogue.ReadAnswerAt(port, "URLAsset", kKeyPatience), url, run.dialogue);
}

}  // namespace

StepResult FetchSource(RestoreRun& run, const std::string& component) {
  const Bytes* wanted = ManifestDigest(run, component);
  ImageSink sink(run.Recipes(), wanted == nullptr ? Bytes() : *wanted);
  std::uint64_t size = 0;
  const auto take = [&](std::span<const std::uint8_t> piece, Stream& connection) -> StepResult {
    if (wanted != nullptr) sink.Take(piece);
    const bool first = size == 0;
    size += piece.size();
    const auto url = first ? KeyUrlIn(piece) : std::nullopt;
    return url ? AskKeyInBetween(run, *url, connection) : StepResult();
  };
  if (StepResult streamed = run.dialogue.RequestFile("SourceBootObjectV4", Named(component), take);
      !streamed)
    return streamed;
  if (size == 0) return Refused(Reason::kAnswerMissing, component + " came empty");
  if (wanted == nullptr) return {};
  if (const auto digest = sink.Finish(); !digest)
    return Refused(Reason::kDigest, component + ": " + digest.error().detail);
  return {};
}

StepResult FetchPersonalised(RestoreRun& run, const std::string& component,
                             const std::string& four_cc) {
  Bytes image;
  const auto take = [&](std::span<const std::uint8_t> piece, Stream&) -> StepResult {
    if (image.size() + piece.size() > kLargestImage)
      return Refused(Reason::kMalformed, component + " never ends");
    image.insert(image.end(), piece.begin(), piece.end());
    return {};
  };
  if (StepResult streamed =
          run.dialogue.RequestFile("PersonalizedBootObjectV3", Named(component), take);
      !streamed)
    return streamed;
  return CheckImage(run, &image, component, Only(four_cc));
}

StepResult FetchArchive(RestoreRun& run, const std::string& data_type) {
  std::string begin;
  std::string end;  // the last bytes seen, zeros behind the trailer left out
  const auto take = [&](std::span<const std::uint8_t> piece, Stream&) -> StepResult {
    if (begin.size() < kArchiveMagic.size()) begin += AsText(piece).substr(0, kArchiveMagic.size());
    end += AsText(piece);
    end.resize(end.find_last_not_of('\0') + 1);
    if (end.size() > kArchiveTrailer.size()) end.erase(0, end.size() - kArchiveTrailer.size());
    return {};
  };
  if (StepResult streamed = run.dialogue.RequestRaw(data_type, {}, take); !streamed)
    return streamed;
  if (!begin.starts_with(kArchiveMagic) || end != kArchiveTrailer)
    return Refused(Reason::kMalformed, data_type + " is no whole cpio archive");
  return {};
}

}  // namespace rack
