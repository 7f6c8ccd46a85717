// Catalogues: what they offer is understood, put together, and refused where they contradict.

#include "station/fetcher/offers.h"

#include <gmock/gmock.h>

#include "store_world.h"
#include "tests/rack/downloads/server.h"

namespace station::fetcher {
namespace {

using ::testing::HasSubstr;
using testing::StoreWorld;

class OffersTest : public StoreWorld {
 protected:
  OffersTest() : server_(rack::DownloadServer::Start().value()) {
    for (const auto& [version, build] :
         std::vector<std::pair<std::string, std::string>>{{"15.7", "19H12"}, {"15.8", "19H370"}}) {
      rack::PublishedFile file;
      file.path = Write("iphone_" + build + ".ipsw", "content of " + build);
      file.version = version;
      file.build = build;
      file.products = {"iPhone10,1", "iPhone10,4"};
      EXPECT_TRUE(server_->Publish(file));
    }
    sources_.vendor_list_url = server_->BaseUrl() + "/version.plist";
    sources_.ipsw_me_url = server_->BaseUrl();
  }
  void Fault(const std::vector<std::string>& words) {
    const auto set = server_->SetFault(words);
    EXPECT_TRUE(set) << set.error().context;
  }

  std::unique_ptr<rack::DownloadServer> server_;
  CatalogueSources sources_;
};

TEST_F(OffersTest, BothCataloguesMakeOneListNewestFirst) {
  const auto offers = AskCatalogues(sources_, "iPhone10,4");
  ASSERT_TRUE(offers) << offers.error().context;
  ASSERT_EQ(offers->size(), 2U);
  const Offer& newest = offers->front();
  EXPECT_EQ(newest.build, "19H370");
  EXPECT_EQ(newest.version, "15.8");
  EXPECT_EQ(newest.urls, std::vector{server_->UrlOf("iphone_19H370.ipsw")});
  EXPECT_EQ(newest.size, std::string("content of 19H370").size());
  EXPECT_TRUE(newest.sha1);
  EXPECT_TRUE(newest.sha256);
  EXPECT_FALSE(newest.said_unsigned);
}

TEST_F(OffersTest, OneCatalogueAloneWillDo) {
  sources_.ipsw_me_url.clear();
  EXPECT_EQ(AskCatalogues(sources_, "iPhone10,1")->size(), 2U);
  sources_.ipsw_me_url = server_->BaseUrl();
  sources_.vendor_list_url = server_->BaseUrl() + "/files/nothing.plist";
  EXPECT_EQ(AskCatalogues(sources_, "iPhone10,1")->size(), 2U);
}

struct OfferFault {
  const char* name;
  std::vector<std::string> fault;
  const char* product;
  ErrorCode code;
  const char* says;
};
void PrintTo(const OfferFault& row, std::ostream* out) { *out << row.name; }
class OfferFaults : public OffersTest, public ::testing::WithParamInterface<OfferFault> {};

TEST_P(OfferFaults, IsAClearError) {
  if (!GetParam().fault.empty()) Fault(GetParam().fault);
  const auto offers = AskCatalogues(sources_, GetParam().product);
  ASSERT_FALSE(offers);
  EXPECT_EQ(offers.error().code, GetParam().code);
  EXPECT_THAT(offers.error().context, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, OfferFaults,
    ::testing::Values(
        OfferFault{"Disagree",
                   {"disagree"},
                   "iPhone10,1",
                   ErrorCode::kFirmwareSourcesDisagree,
                   "another SHA-1"},
        OfferFault{"Garbage",
                   {"garbage"},
                   "iPhone10,1",
                   ErrorCode::kFirmwareDownload,
                   "not of the known shape"},
        OfferFault{"Busy", {"http-503", "2"}, "iPhone10,1", ErrorCode::kFirmwareDownload, "503"},
        OfferFault{"UnknownProduct", {}, "iPhone99,1", ErrorCode::kFirmwareAbsent, "iPhone99,1"}),
    [](const auto& row) { return std::string(row.param.name); });

// Shapes of the real lists: protected addresses, entries without a build, levels that are no
// builds.
TEST(VendorList, OddEntriesAreLeftOut) {
  constexpr const char* kList = R"(<?xml version="1.0"?><plist version="1.0"><dict>
<key>MobileDeviceSoftwareVersionsByVersion</key><dict><key>7</key><dict>
<key>MobileDeviceSoftwareVersions</key><dict><key>iPhone10,1</key><dict>
<key>Unknown</key><dict><key>Universal</key><dict><key>Restore</key><dict>
  <key>ProductVersion</key><string>16.7</string><key>BuildVersion</key><string>20H19</string>
  <key>FirmwareURL</key><string>https://cdn.example/b.ipsw</string></dict></dict></dict>
<key>20H1</key><dict><key>Restore</key><dict>
  <key>ProductVersion</key><string>16.6</string><key>BuildVersion</key><string>20H1</string>
  <key>FirmwareURL</key><string>protected://nothing</string></dict></dict>
<key>20H2</key><dict><key>SameAs</key><string>20H1</string></dict>
</dict></dict></dict></dict></dict></plist>)";
  const auto offers = ParseVendorList(kList, "iPhone10,1");
  ASSERT_TRUE(offers);
  ASSERT_EQ(offers->size(), 1U);
  EXPECT_EQ(offers->front().build, "20H19");
  EXPECT_TRUE(ParseVendorList(kList, "iPhone10,2")->empty());
}

TEST(IpswMe, HostileAnswersAreRefusedOrLeftOut) {
  for (const char* text : {"", "[]", "{}", "{\"firmwares\":7}", "{\"firmwares\":[", "nonsense"})
    EXPECT_EQ(ParseIpswMe(text, "iPhone10,1").error().code, ErrorCode::kFirmwareMalformed) << text;
  const auto offers = ParseIpswMe(
      R"({"firmwares":[7,{"identifier":"iPhone10,1","version":"1","buildid":"19A1","url":"file:///etc/passwd"},
      {"identifier":"iPhone10,2","version":"1","buildid":"19A1","url":"https://a/b.ipsw"},
      {"identifier":"iPhone10,1","version":"1\n","buildid":"19A1","url":"https://a/b.ipsw"},
      {"identifier":"iPhone10,1","version":"15.1","buildid":"19B74","url":"https://a/b.ipsw","sha1sum":"zz","filesize":-1}]})",
      "iPhone10,1");
  ASSERT_TRUE(offers);
  ASSERT_EQ(offers->size(), 1U);
  EXPECT_EQ(offers->front().build, "19B74");
  EXPECT_FALSE(offers->front().sha1);
  EXPECT_FALSE(offers->front().size);
}

}  // namespace
}  // namespace station::fetcher
