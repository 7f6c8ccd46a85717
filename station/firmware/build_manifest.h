#pragma once
// BuildManifest.plist: what an IPSW holds, for which boards, and with which digests
// (restore-protocol 3.2 to 3.4).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "station/base/enums.h"
#include "station/base/result.h"
#include "station/plist/plist.h"

namespace station::firmware {

// One entry of an identity's Manifest; borrows from the BuildManifest.
class Component {
 public:
  Component(std::string name, plist::View entry) : name_(std::move(name)), entry_(entry) {}
  [[nodiscard]] const std::string& Name() const { return name_; }
  [[nodiscard]] std::optional<std::string> Path() const { return entry_["Info"]["Path"].String(); }
  [[nodiscard]] std::optional<std::span<const std::uint8_t>> Digest() const {
    return entry_["Digest"].Data();
  }
  [[nodiscard]] bool Trusted() const { return entry_["Trusted"].Bool().value_or(false); }
  [[nodiscard]] bool Flag(const std::string& info_key) const {
    return entry_["Info"][info_key].Bool().value_or(false);
  }
  [[nodiscard]] plist::View Info() const { return entry_["Info"]; }
  [[nodiscard]] plist::View Entry() const { return entry_; }
  // Four-cc its payload is sent with and the ticket knows it by: Info.Img4PayloadType, else the
  // table of restore-protocol 4.8; nothing for what no ticket covers.
  [[nodiscard]] std::optional<std::string> FourCc() const;

 private:
  std::string name_;
  plist::View entry_;
};

// One BuildIdentity: a board, an action, its components.
class Identity {
 public:
  explicit Identity(plist::View node) : node_(node) {}
  [[nodiscard]] std::string Board() const {
    return node_["Info"]["DeviceClass"].String().value_or("");
  }
  [[nodiscard]] std::string Variant() const {
    return node_["Info"]["Variant"].String().value_or("");
  }
  [[nodiscard]] std::string Behaviour() const {
    return node_["Info"]["RestoreBehavior"].String().value_or("");
  }
  [[nodiscard]] std::optional<std::uint64_t> ChipId() const { return node_["ApChipID"].Number(); }
  [[nodiscard]] std::optional<std::uint64_t> BoardId() const { return node_["ApBoardID"].Number(); }
  [[nodiscard]] std::optional<std::uint64_t> SecurityDomain() const {
    return node_["ApSecurityDomain"].Number();
  }
  [[nodiscard]] plist::View Info() const { return node_["Info"]; }
  [[nodiscard]] plist::View Node() const { return node_; }
  // In the manifest's own order.
  [[nodiscard]] std::vector<Component> Components() const;
  // kFirmwareMemberMissing when the identity has no such component.
  [[nodiscard]] Result<Component> Find(const std::string& name) const;
  [[nodiscard]] bool Has(const std::string& name) const { return node_["Manifest"][name].IsDict(); }

 private:
  plist::View node_;
};

class BuildManifest {
 public:
  // XML or binary. kFirmwareMalformed when keys every manifest has are absent or of another type.
  [[nodiscard]] static Result<BuildManifest> Parse(std::span<const std::uint8_t> bytes);

  [[nodiscard]] const std::string& ProductVersion() const { return version_; }
  [[nodiscard]] const std::string& ProductBuildVersion() const { return build_; }
  // Leading integer of the build: 19 is iOS 15 (restore-protocol, head).
  [[nodiscard]] unsigned BuildMajor() const;
  [[nodiscard]] const std::vector<std::string>& Products() const { return products_; }
  [[nodiscard]] const std::vector<Identity>& Identities() const { return identities_; }
  // Forgets the identities of every other board: a manifest for several products is megabytes.
  // Keeps all of them when it names none for this one. Identities that were looked at before are no
  // more.
  void KeepBoard(std::string_view board);
  // The one identity for this board and action: DeviceClass (without case), chip and board ids,
  // RestoreBehavior, and no research variant. kFirmwareNoIdentity or kFirmwareAmbiguousIdentity
  // name the candidates.
  [[nodiscard]] Result<Identity> Choose(std::string_view board, std::uint32_t chip_id,
                                        std::uint32_t board_id, Action action) const;
  // The same without a phone that would tell its chip.
  [[nodiscard]] Result<Identity> Choose(std::string_view board, Action action) const;

 private:
  [[nodiscard]] Status ListIdentities();
  using Fits = std::function<bool(const Identity&)>;
  [[nodiscard]] Result<Identity> Choose(std::string_view board, Action action,
                                        const Fits& fits) const;
  plist::Plist root_;
  std::string version_;
  std::string build_;
  std::vector<std::string> products_;
  std::vector<Identity> identities_;
};

// Four-cc of a component name by the table alone.
[[nodiscard]] std::optional<std::string_view> TableFourCc(std::string_view component);

}  // namespace station::firmware
