// What a phone fetches through this host: answered as it came, and only from where it may.

#include "station/restore/url_assets.h"

#include <gtest/gtest.h>

#include "firmware_world.h"
#include "small_server.h"
#include "station/restore/url_fetch.h"

namespace station::restore {
namespace {

using plist::Plist;
using testing::FirmwareWorld;
using testing::KeptAnswers;
using testing::ParseXml;
using testing::SmallServer;

std::string Http(int status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\nX-Seen:  yes \r\n" +
         headers + "Connection: close\r\n\r\n" + body;
}

class UrlTest : public ::testing::Test {
 protected:
  UrlTest()
      : world_(ParseXml(
                   "<plist><dict><key>Info</key><dict/><key>Manifest</key><dict/></dict></plist>"),
               {}) {
    ::unsetenv("http_proxy");
    world_.setup.further_hosts = {"127.0.0.1"};
  }
  FirmwareWorld world_;
};

TEST_F(UrlTest, AssetIsPassedOn_InTheFormOfItsConnection) {
  SmallServer server([](const std::string&) { return Http(200, "the key"); });
  const std::string arguments =
      "<dict><key>RequestMethod</key><string>GET</string><key>RequestURL</key><string>" +
      server.Url("/asset?x=1") + "</string></dict>";
  for (const bool data_port : {false, true}) {
    KeptAnswers channel(data_port);
    ASSERT_TRUE(world_.Provide("URLAsset", arguments, channel));
    EXPECT_EQ(channel.written[0].starts_with("bplist00"), data_port);
    const Plist& answer = channel.sent[0];
    EXPECT_EQ(answer["ResponseStatus"].Integer(), 200U);
    EXPECT_EQ(answer["ResponseBodyDone"].Bool(), true);
    EXPECT_EQ(answer["ResponseHeaders"]["X-Seen"].String(), "yes");
    EXPECT_EQ(answer["ResponseBody"].Data()->size(), 7U);
  }
  EXPECT_TRUE(server.Requests()[0].starts_with("GET /asset?x=1 "));
}

TEST_F(UrlTest, DecryptionKeyIsPosted_WithThePhonesHeaders) {
  SmallServer server([](const std::string&) { return Http(200, "wrapped"); });
  KeptAnswers channel;
  ASSERT_TRUE(world_.Provide(
      "StreamedImageDecryptionKey",
      "<dict><key>RequestMethod</key><string>POST</string><key>RequestURL</key><string>" +
          server.Url("/key") +
          "</string><key>RequestBody</key><data>aGVsbG8=</data><key>RequestAdditionalHeaders</"
          "key><dict><key>X-Apple-Test</key><string>42</string>"
          "<key>X-Bad</key><string>a&#10;b</string></dict></dict>",
      channel));
  const std::string request = server.Requests().at(0);
  EXPECT_TRUE(request.starts_with("POST /key "));
  EXPECT_NE(request.find("X-Apple-Test: 42\r\n"), std::string::npos);
  EXPECT_EQ(request.find("X-Bad"), std::string::npos);
  EXPECT_TRUE(request.ends_with("\r\n\r\nhello"));
  EXPECT_EQ(channel.sent[0]["ResponseBody"].Data()->size(), 7U);
}

TEST_F(UrlTest, ARefusalIsAnAnswer_AnOverloadedServerIsAskedAgain) {
  int count = 0;
  SmallServer server([&](const std::string& request) {
    return request.starts_with("GET /busy") && ++count < 3 ? Http(503, "") : Http(404, "no");
  });
  testing::FreeRun control;
  const auto refused = FetchUrl({server.Url("/none"), false, "", {}}, {{"127.0.0.1"}, ""}, control);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 404);
  const auto busy = FetchUrl({server.Url("/busy"), false, "", {}}, {{"127.0.0.1"}, ""}, control);
  ASSERT_TRUE(busy);
  EXPECT_EQ(busy->status, 404);
  EXPECT_EQ(server.Requests().size(), 4U);
}

struct Forbidden {
  const char* name;
  const char* url;
};
void PrintTo(const Forbidden& row, std::ostream* out) { *out << row.name; }
class ForbiddenUrl : public UrlTest, public ::testing::WithParamInterface<Forbidden> {};
TEST_P(ForbiddenUrl, IsNotFetched) {
  testing::FreeRun control;
  const auto answer = FetchUrl({GetParam().url, false, "", {}}, {}, control);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kAssetUnreachable);
  EXPECT_NE(answer.error().context.find("may not reach"), std::string::npos)
      << answer.error().context;
}
INSTANTIATE_TEST_SUITE_P(
    Url, ForbiddenUrl,
    ::testing::Values(Forbidden{"own_network", "https://127.0.0.1/x"},
                      Forbidden{"look_alike", "https://apple.com.example.org/x"},
                      Forbidden{"suffix_without_dot", "https://pineapple.com/x"},
                      Forbidden{"without_tls", "http://gs.apple.com/x"},
                      Forbidden{"file", "file:///etc/passwd"},
                      Forbidden{"user_part", "https://gs.apple.com@127.0.0.1/x"}),
    [](const auto& row) { return row.param.name; });

TEST_F(UrlTest, RedirectionIsFollowedOnlyToWhereThePhoneMayGo) {
  SmallServer other([](const std::string&) { return Http(200, "secret"); });
  SmallServer server([&](const std::string& request) {
    if (request.starts_with("GET /away"))
      return Http(302, "", "Location: http://localhost:" + std::to_string(other.Port()) + "/x\r\n");
    if (request.starts_with("GET /round")) return Http(302, "", "Location: /round\r\n");
    return request.starts_with("GET /here") ? Http(302, "", "Location: /there\r\n")
                                            : Http(200, "there");
  });
  testing::FreeRun control;
  const UrlPolicy policy{{"127.0.0.1"}, ""};
  const auto here = FetchUrl({server.Url("/here"), false, "", {}}, policy, control);
  ASSERT_TRUE(here) << here.error().context;
  EXPECT_EQ(here->body, "there");
  EXPECT_FALSE(FetchUrl({server.Url("/away"), false, "", {}}, policy, control));
  EXPECT_TRUE(other.Requests().empty());
  EXPECT_FALSE(FetchUrl({server.Url("/round"), false, "", {}}, policy, control)) << "without end";
}

TEST_F(UrlTest, IncompleteRequestsAreRefused) {
  KeptAnswers channel;
  EXPECT_EQ(
      world_
          .Provide("URLAsset", "<dict><key>RequestMethod</key><string>PUT</string></dict>", channel)
          .error()
          .code,
      ErrorCode::kRestoreDialogue);
  EXPECT_EQ(world_
                .Provide("StreamedImageDecryptionKey",
                         "<dict><key>RequestMethod</key><string>POST</string></dict>", channel)
                .error()
                .code,
            ErrorCode::kRestoreDialogue);
}

}  // namespace
}  // namespace station::restore
