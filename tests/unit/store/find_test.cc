// "The newest that is signed": catalogues and signing server are asked before anything large is
// fetched.

#include "station/fetcher/find.h"

#include <gmock/gmock.h>

#include <atomic>
#include <map>

#include "store_world.h"
#include "tests/rack/downloads/server.h"
#include "tests/rack/wire/http.h"
#include "zip_writer.h"

namespace station::fetcher {
namespace {

using ::testing::HasSubstr;
using testing::MakeZip;
using testing::StoreWorld;

constexpr std::size_t kOsSize = 3U << 20U;

// An IPSW whose one identity says which build it is in its UniqueBuildID.
std::string IpswOf(const std::string& version, const std::string& build,
                   const std::string& board = "d20ap") {
  const std::string manifest =
      "<plist><dict><key>ProductVersion</key><string>" + version +
      "</string><key>ProductBuildVersion</key><string>" + build +
      "</string><key>SupportedProductTypes</key><array><string>iPhone10,1</string></array>"
      "<key>BuildIdentities</key><array><dict><key>ApChipID</key><string>0x8015</string>"
      "<key>ApBoardID</key><string>0x02</string><key>ApSecurityDomain</key><string>0x01</string>"
      "<key>UniqueBuildID</key><data>" +
      (build == "19H370" ? std::string("TkVX") : std::string("T0xE")) +
      "</data><key>Info</key><dict><key>DeviceClass</key><string>" + board +
      "</string><key>RestoreBehavior</key><string>Erase</string><key>Variant</key>"
      "<string>Customer Erase Install (IPSW)</string></dict><key>Manifest</key><dict><key>OS</key>"
      "<dict><key>Info</key><dict><key>Path</key><string>os.dmg</string></dict></dict><key>iBEC"
      "</key><dict><key>Digest</key><data>AQID</data><key>Trusted</key><true/><key>Info</key>"
      "<dict><key>Path</key><string>ibec</string></dict></dict></dict></dict></array></dict>"
      "</plist>";
  return MakeZip({{"BuildManifest.plist", manifest, true},
                  {"ibec", "i"},
                  {"os.dmg", testing::Noise(kOsSize, 3)}})
      .bytes;
}

// Answers each request by the UniqueBuildID in it.
class FakeSigner {
 public:
  FakeSigner()
      : listener_(rack::ListenLoopback(0, 16).value()),
        port_(listener_.port),
        server_(std::move(listener_.fd),
                [this](const std::shared_ptr<rack::Stream>& stream) { Serve(*stream); }) {}
  [[nodiscard]] std::string Url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::map<std::string, std::string> answers;  // base64 of the id -> what is said; set before use
  std::atomic<int> asked{0};

 private:
  void Serve(rack::Stream& stream) {
    const auto request = rack::ReadHttpRequest(stream);
    if (!request) return;
    ++asked;
    for (const auto& [id, answer] : answers)
      if (request->body.find(id) != std::string::npos &&
          request->body.find("4660") != std::string::npos)  // the ECID
        return void(stream.Write(rack::HttpAnswer("200 OK", answer)));
    stream.Write(rack::HttpAnswer("200 OK", "STATUS=100&MESSAGE=what is this"));
  }
  rack::TcpListener listener_;
  std::uint16_t port_;
  rack::SocketServer server_;
};

constexpr const char* kNew = "TkVX";
constexpr const char* kOld = "T0xE";
constexpr const char* kRefused = "STATUS=94&MESSAGE=This device isn't eligible for the build.";
constexpr const char* kSigned =
    "STATUS=0&MESSAGE=SUCCESS&REQUEST_STRING=<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist "
    "version=\"1.0\"><dict><key>ApImg4Ticket</key><data>AAEC</data>"
    "</dict></plist>";

class FindTest : public StoreWorld {
 protected:
  FindTest() : server_(rack::DownloadServer::Start().value()) {
    Publish("15.8", "19H370", IpswOf("15.8", "19H370"));
    Publish("15.7", "19H12", IpswOf("15.7", "19H12"));
    request_.product = "iPhone10,1";
    request_.board = "d20ap";
    request_.chip_id = 0x8015;
    request_.board_id = 2;
    request_.ecid = {0x1234};
    request_.sources.ipsw_me_url = server_->BaseUrl();
    request_.sources.vendor_list_url = server_->BaseUrl() + "/version.plist";
    request_.signer.url = signer_.Url();
    request_.pause = [](std::chrono::milliseconds) { return true; };
  }
  void Publish(const std::string& version, const std::string& build, const std::string& bytes) {
    rack::PublishedFile file;
    file.path = Write(build + ".ipsw", bytes);
    file.version = version;
    file.build = build;
    file.products = {"iPhone10,1"};
    ASSERT_TRUE(server_->Publish(file));
  }

  std::unique_ptr<rack::DownloadServer> server_;
  FakeSigner signer_;
  FindRequest request_;
};

TEST_F(FindTest, NewestIsSigned_OlderOnesAreNotEvenAskedFor) {
  signer_.answers = {{kNew, kSigned}, {kOld, kSigned}};
  const auto found = Find(request_);
  ASSERT_TRUE(found) << found.error().context;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().offer.build, "19H370");
  EXPECT_EQ(found->front().is_signed, IsSigned::kYes);
  EXPECT_EQ(signer_.asked, 1);
}

TEST_F(FindTest, NewestIsNotSigned_TheNextIsTaken_AndNothingLargeIsFetched) {
  signer_.answers = {{kNew, kRefused}, {kOld, kSigned}};
  const auto found = Find(request_);
  ASSERT_TRUE(found) << found.error().context;
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).is_signed, IsSigned::kNo);
  EXPECT_EQ(found->at(1).is_signed, IsSigned::kYes);
  EXPECT_EQ(found->at(1).offer.build, "19H12");
  EXPECT_LT(server_->FileBytesSent(), kOsSize / 4) << "of two files";
}

TEST_F(FindTest, NothingIsSigned) {
  signer_.answers = {{kNew, kRefused}, {kOld, kRefused}};
  EXPECT_EQ(Find(request_).error().code, ErrorCode::kSigningNotSigned);
  EXPECT_EQ(signer_.asked, 2);
}

TEST_F(FindTest, SignersOtherRefusals_AreNotTakenForAnAnswer) {
  EXPECT_EQ(Find(request_).error().code, ErrorCode::kSigningMalformed);
  request_.signer.url = "http://127.0.0.1:1";
  request_.pause = [](std::chrono::milliseconds) { return false; };
  EXPECT_NE(Find(request_).error().code, ErrorCode::kSigningNotSigned);
}

TEST_F(FindTest, FirmwareWithoutThatBoard_IsPassedOver) {
  Publish("15.8", "19H370", IpswOf("15.8", "19H370", "d201ap"));
  signer_.answers = {{kNew, kSigned}, {kOld, kSigned}};
  const auto found = Find(request_);
  ASSERT_TRUE(found) << found.error().context;
  EXPECT_EQ(found->back().offer.build, "19H12");
}

TEST_F(FindTest, ANamedVersionOrBuildIsThatOne) {
  signer_.answers = {{kNew, kSigned}, {kOld, kRefused}};
  for (const char* want : {"15.7", "19H12"}) {
    request_.want = want;
    const auto found = Find(request_);
    ASSERT_TRUE(found) << found.error().context;
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().offer.build, "19H12");
    EXPECT_EQ(found->front().is_signed, IsSigned::kNo);
  }
  request_.want = "14.0";
  EXPECT_EQ(Find(request_).error().code, ErrorCode::kFirmwareAbsent);
}

TEST_F(FindTest, WithoutSigner_EverythingIsOfferedUnasked) {
  request_.signer.url.clear();
  const auto found = Find(request_);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->front().is_signed, IsSigned::kNotAsked);
  EXPECT_EQ(server_->FileBytesSent(), 0U);
}

}  // namespace
}  // namespace station::fetcher
