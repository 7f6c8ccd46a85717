#include "tests/rack/image4/signing_keys.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "station/base/fd.h"
#include "tests/rack/image4/root.h"

namespace rack {
namespace {

bool SayRoots(const std::string& folder, const std::string& file) {
  const auto keys = SigningKeys::LoadOrCreate(folder);
  return keys && station::WriteFileDurably(file, keys->RootPem());
}

// An older rack left one root and no second generation; two newer ones come at once.
TEST(SigningKeys, AnOlderFolderIsCompletedOnceHoweverManyAsk) {
  std::string folder = testing::TempDir() + "keys-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  ASSERT_TRUE(station::WriteFileDurably(std::filesystem::path(folder) / "root.pem", "an old root"));
  std::map<pid_t, std::string> children;  // with the file each says its roots in
  for (int i = 0; i < 2; ++i) {
    const std::string said = folder + "/said-" + std::to_string(i);
    const pid_t child = fork();
    if (child == 0) _exit(SayRoots(folder, said) ? 0 : 1);
    ASSERT_GT(child, 0);
    children.emplace(child, said);
  }
  for (const auto& [child, said] : children) {
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  const auto keys = SigningKeys::LoadOrCreate(folder);
  ASSERT_TRUE(keys);
  EXPECT_TRUE(RootOfTrust::FromPem(keys->RootPem()));
  for (const auto& [child, said] : children)
    EXPECT_EQ(station::ReadFile(said).value_or(""), keys->RootPem());
  std::filesystem::remove_all(folder);
}

TEST(SigningKeys, PhonesNeedTheRootsOfAllGenerations) {
  EXPECT_FALSE(RootOfTrust::FromPem(""));
  EXPECT_FALSE(RootOfTrust::FromPem("-----BEGIN CERTIFICATE-----"));
}

}  // namespace
}  // namespace rack
