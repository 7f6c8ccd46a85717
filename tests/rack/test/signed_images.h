#pragma once
// The images of a small firmware, signed for one phone as it stands: what a host has in hand in
// tests that talk to boot stages directly.

#include <algorithm>
#include <string>
#include <vector>

#include "tests/rack/image4/digest.h"
#include "tests/rack/model/phone.h"
#include "tests/rack/test/img4.h"
#include "tests/rack/test/keys.h"

namespace rack {

class SignedImages {
 public:
  explicit SignedImages(const Phone& phone) : phone_(phone) { Sign(); }

  // A new ticket, for the nonces of now.
  void Sign() {
    const PhoneState state = phone_.State();
    const Product& product = phone_.Spec().product;
    Value request = Value::Dict{{"ApECID", phone_.Spec().ecid.value},
                                {"ApChipID", std::uint64_t{product.chip}},
                                {"ApBoardID", std::uint64_t{product.board_id}},
                                {"ApSecurityDomain", 1},
                                {"ApNonce", state.ap_nonce},
                                {"SepNonce", state.sep_nonce},
                                {"UniqueBuildID", Bytes(20)}};
    for (const Part& part : parts_)
      request.Set(
          part.component,
          Value::Dict{{"Digest", Hash(product.generation.hash, part.payload)}, {"Trusted", true}});
    ticket_ = TestSigner().Sign(request);
  }

  [[nodiscard]] Bytes Image(const std::string& type) const {
    const auto part =
        std::ranges::find_if(parts_, [&](const Part& one) { return one.type == type; });
    return Stitch(part->payload, ticket_);
  }

  // Another payload of that type, under a new ticket.
  void Replace(const std::string& type, std::span<const std::uint8_t> data) {
    for (Part& part : parts_)
      if (part.type == type) part.payload = WritePayload(type, "test", data);
    Sign();
  }

 private:
  struct Part {
    std::string component;
    std::string type;
    Bytes payload;
  };

  static Bytes Plain(const char* type, std::size_t size) {
    return WritePayload(type, "test", Bytes(size, 7));
  }
  static Bytes Marked(const char* type, const char* behaviour, const char* board) {
    Marker marker;
    marker.behaviour = behaviour;
    marker.build = "19H999";
    marker.version = "15.8";
    marker.board = board;
    Bytes data = WriteMarker(marker);
    data.resize(data.size() + 500, 'x');
    return WritePayload(type, "test", data);
  }

  const Phone& phone_;
  std::vector<Part> parts_ = {{"iBSS", "ibss", Plain("ibss", 5000)},
                              {"iBEC", "ibec", Plain("ibec", 700)},
                              {"RestoreLogo", "rlgo", Plain("rlgo", 300)},
                              {"RestoreTrustCache", "rtsc", Plain("rtsc", 310)},
                              {"RestoreRamDisk", "rdsk", Marked("rdsk", "Erase", "")},
                              {"RestoreDeviceTree", "rdtr", Marked("rdtr", "", "d20ap")},
                              {"RestoreKernelCache", "rkrn", Plain("rkrn", 900)}};
  Bytes ticket_;
};

}  // namespace rack
