#include "station/firmware/build_manifest.h"

#include <strings.h>

#include <charconv>

namespace station::firmware {
namespace {

bool SameText(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string Describe(const std::vector<Identity>& identities) {
  std::string text;
  for (const Identity& identity : identities) {
    if (!text.empty()) text += "; ";
    text += identity.Board() + " '" + identity.Variant() + "' (" + identity.Behaviour() + ")";
  }
  return text.empty() ? "none" : text;
}

bool IsResearch(const Identity& identity) {
  return identity.Variant().find("Research") != std::string::npos;
}

}  // namespace

std::vector<Component> Identity::Components() const {
  std::vector<Component> components;
  node_["Manifest"].ForEach([&](const std::string& name, plist::View entry) {
    if (entry.IsDict()) components.emplace_back(name, entry);
  });
  return components;
}

Result<Component> Identity::Find(const std::string& name) const {
  const plist::View entry = node_["Manifest"][name];
  if (!entry.IsDict())
    return Fail(ErrorCode::kFirmwareMemberMissing,
                "the manifest for " + Board() + " has no " + name);
  return Component(name, entry);
}

Result<BuildManifest> BuildManifest::Parse(std::span<const std::uint8_t> bytes) {
  auto root = plist::Plist::Parse(bytes);
  if (!root)
    return Fail(ErrorCode::kFirmwareMalformed, "BuildManifest.plist: " + root.error().context);
  BuildManifest manifest;
  manifest.root_ = std::move(*root);
  const plist::View top = manifest.root_.Get();
  manifest.version_ = top["ProductVersion"].String().value_or("");
  manifest.build_ = top["ProductBuildVersion"].String().value_or("");
  const plist::View products = top["SupportedProductTypes"];
  for (std::size_t i = 0; i < products.Size(); ++i)
    if (auto product = products.At(i).String()) manifest.products_.push_back(std::move(*product));
  STATION_CHECK(manifest.ListIdentities());
  if (manifest.version_.empty() || manifest.build_.empty() || manifest.products_.empty() ||
      manifest.identities_.empty())
    return Fail(ErrorCode::kFirmwareMalformed,
                "BuildManifest.plist lacks its version, build, products or identities");
  return manifest;
}

Status BuildManifest::ListIdentities() {
  identities_.clear();
  const plist::View identities = root_["BuildIdentities"];
  for (std::size_t i = 0; i < identities.Size(); ++i) {
    const Identity identity(identities.At(i));
    if (!identity.Node()["Manifest"].IsDict() || identity.Board().empty())
      return Fail(
          ErrorCode::kFirmwareMalformed,
          "BuildManifest.plist: identity " + std::to_string(i) + " has no manifest or board");
    identities_.push_back(identity);
  }
  return {};
}

void BuildManifest::KeepBoard(std::string_view board) {
  plist::Plist kept = plist::Plist::Array();
  for (const Identity& identity : identities_)
    if (SameText(identity.Board(), board)) kept.Append(plist::Plist::Copy(identity.Node()));
  if (kept.Get().Size() == 0) return;
  root_.Set("BuildIdentities", std::move(kept));
  (void)ListIdentities();  // they were read before
}

unsigned BuildManifest::BuildMajor() const {
  unsigned major = 0;
  std::from_chars(build_.data(), build_.data() + build_.size(), major);
  return major;
}

Result<Identity> BuildManifest::Choose(std::string_view board, std::uint32_t chip_id,
                                       std::uint32_t board_id, Action action) const {
  return Choose(board, action, [&](const Identity& identity) {
    return identity.ChipId() == chip_id && identity.BoardId() == board_id;
  });
}

Result<Identity> BuildManifest::Choose(std::string_view board, Action action) const {
  return Choose(board, action, [](const Identity&) { return true; });
}

Result<Identity> BuildManifest::Choose(std::string_view board, Action action,
                                       const Fits& fits) const {
  const std::string_view behaviour = action == Action::kUpdate ? "Update" : "Erase";
  std::vector<Identity> same_board;
  std::vector<Identity> fitting;
  for (const Identity& identity : identities_) {
    if (!SameText(identity.Board(), board)) continue;
    same_board.push_back(identity);
    if (!SameText(identity.Behaviour(), behaviour) || IsResearch(identity)) continue;
    if (fits(identity)) fitting.push_back(identity);
  }
  const std::string wanted = std::string(behaviour) + " for " + std::string(board) + " in " +
                             version_ + " (" + build_ + ")";
  if (fitting.empty())
    return Fail(ErrorCode::kFirmwareNoIdentity,
                "no " + wanted +
                    "; candidates: " + Describe(same_board.empty() ? identities_ : same_board));
  if (fitting.size() > 1)
    return Fail(ErrorCode::kFirmwareAmbiguousIdentity,
                "more than one " + wanted + ": " + Describe(fitting));
  return fitting.front();
}

}  // namespace station::firmware
