#include "station/restore/boot_objects.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "station/base/log.h"
#include "station/restore/recovery_system.h"
#include "station/restore/streamed_list.h"

namespace station::restore {
namespace {

using plist::Plist;
using plist::View;

constexpr std::size_t kPiece = 8192;
constexpr std::chrono::milliseconds kAssetWait{3000};
constexpr std::uint64_t kWorthReporting = 16U << 20U;

// Half a million of these are a cryptex: not by way of a tree.
std::string FileDataMessage(std::span<const std::uint8_t> piece) {
  static constexpr std::string_view kBefore = "<dict>\n\t<key>FileData</key>\n\t<data>\n";
  static constexpr std::string_view kAfter = "\n\t</data>\n</dict>\n";
  std::string message(kXmlHead);
  message += kBefore;
  const std::size_t text_at = message.size();
  message.resize(text_at + (piece.size() + 2) / 3 * 4 + 1);  // and the zero EVP_EncodeBlock writes
  const int text = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(message.data() + text_at),
                                   piece.data(), static_cast<int>(piece.size()));
  message.resize(text_at + static_cast<std::size_t>(text));
  message += kAfter;
  message += kXmlEnd;
  return message;
}

// Cuts what comes into pieces and sends them.
class PieceSender {
 public:
  PieceSender(std::uint64_t size, const ProviderContext& context, AnswerChannel& channel)
      : size_(size), context_(context), channel_(channel) {
    pending_.reserve(kPiece);
  }

  Status Feed(std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
      const std::size_t taken = std::min(bytes.size(), kPiece - pending_.size());
      pending_.insert(pending_.end(), bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(taken));
      bytes = bytes.subspan(taken);
      if (pending_.size() == kPiece) STATION_CHECK(SendPending());
    }
    return {};
  }

  Status Finish() {
    if (!pending_.empty()) STATION_CHECK(SendPending());
    Plist done = Plist::Dict();
    done.Set("FileDataDone", Plist::Bool(true));
    return channel_.Send(done);
  }

 private:
  Status SendPending() {
    STATION_CHECK(context_.control.KeepGoing());
    const std::string message = FileDataMessage(pending_);
    STATION_CHECK(channel_.SendWritten(SourceOf(message)));
    const bool first = sent_ == 0;
    sent_ += pending_.size();
    if (size_ >= kWorthReporting)
      context_.control.Progress(static_cast<double>(sent_) / static_cast<double>(size_), sent_,
                                size_);
    static constexpr std::array<std::uint8_t, 4> kEncrypted = {'A', 'E', 'A', '1'};
    const bool encrypted = first && pending_.size() >= 4 &&
                           std::equal(kEncrypted.begin(), kEncrypted.end(), pending_.begin());
    pending_.clear();
    return encrypted ? AwaitAssetRequest() : Status();
  }

  // With the head of an encrypted image in hand the phone may want its key fetched; it asks on this
  // connection and is answered where it says. Silence means that it needs none.
  Status AwaitAssetRequest() {
    const auto deadline = std::chrono::steady_clock::now() + kAssetWait;
    while (true) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          deadline - std::chrono::steady_clock::now());
      if (left <= std::chrono::milliseconds(0)) return {};
      auto message = channel_.Receive(left);
      if (!message && message.error().code == ErrorCode::kDeviceSilent) return {};
      if (!message) return std::unexpected(std::move(message).error());
      if ((*message)["Arguments"].IsDict())
        return context_.answer_elsewhere(message->Get(), "URLAsset");
      channel_.Unread(std::move(*message));
    }
  }

  std::uint64_t size_;
  const ProviderContext& context_;
  AnswerChannel& channel_;
  std::vector<std::uint8_t> pending_;
  std::uint64_t sent_ = 0;
};

// Files that are no components; nothing for components.
Result<std::optional<std::string>> FileObject(const std::string& name, View arguments,
                                              const firmware::Identity& identity) {
  if (name == "__RestoreVersion__") return std::optional<std::string>("RestoreVersion.plist");
  if (name == "__SystemVersion__") return std::optional<std::string>("SystemVersion.plist");
  if (name != "__GlobalManifest__") return std::nullopt;
  auto variant = arguments["Variant"].String();
  if (!variant) variant = identity.Info()["MacOSVariant"].String();
  if (!variant)
    return Fail(ErrorCode::kFirmwareMemberMissing, "this firmware has no global manifest");
  return std::optional("Firmware/Manifests/restore/" + *variant + "/apticket." + identity.Board() +
                       ".im4m");
}

Result<std::string> NameOf(const DataRequest& request) {
  auto name = request.arguments["ImageName"].String();
  if (!name || name->empty())
    return Fail(ErrorCode::kRestoreDialogue, request.type + " without ImageName");
  return std::move(*name);
}

}  // namespace

Status SendMember(const std::string& member, const ProviderContext& context,
                  AnswerChannel& channel) {
  const store::FirmwareReader& reader = context.components.Reader();
  STATION_TRY(size, reader.SizeOf(member));
  PieceSender sender(size, context, channel);
  STATION_CHECK(reader.Visit(
      member, [&](std::span<const std::uint8_t> bytes) { return sender.Feed(bytes); }));
  return sender.Finish();
}

Status ProvidePersonalisedBootObject(const DataRequest& request, const ProviderContext& context,
                                     AnswerChannel& channel) {
  STATION_TRY(name, NameOf(request));
  const ComponentSource& components = ComponentsFor(request.arguments, context);
  STATION_TRY(file, FileObject(name, request.arguments, components.Identity()));
  if (file) return SendMember(*file, context, channel);
  STATION_TRY(image, components.Personalised(name));
  PieceSender sender(image.size, context, channel);
  STATION_CHECK(
      image.pass([&](std::span<const std::uint8_t> bytes) { return sender.Feed(bytes); }));
  return sender.Finish();
}

Status ProvideSourceBootObject(const DataRequest& request, const ProviderContext& context,
                               AnswerChannel& channel) {
  STATION_TRY(name, NameOf(request));
  const ComponentSource& components = ComponentsFor(request.arguments, context);
  STATION_TRY(file, FileObject(name, request.arguments, components.Identity()));
  if (file) return SendMember(*file, context, channel);
  STATION_TRY(path, components.PathOf(name));
  return SendMember(path, context, channel);
}

}  // namespace station::restore
