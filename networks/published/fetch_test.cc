#include "networks/published/fetch.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/published/loopback_server.h"
#include "third_party/absl/status_matchers.h"

namespace networks::published {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(WeightFiles, HaveTheirOwnNamesAndSecureAddresses) {
  std::set<absl::string_view> names;
  for (const WeightFile& file : WeightFiles()) {
    EXPECT_TRUE(names.insert(file.name).second) << file.name;
    EXPECT_TRUE(absl::StartsWith(file.url, "https://")) << file.url;
    EXPECT_EQ(file.sha256.find_first_not_of("0123456789abcdef"),
              absl::string_view::npos)
        << file.name;
  }
  EXPECT_THAT(WeightFileByName("vgg19"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("vgg19-dcbb9e9d.pth")));
}

class FetchTest : public ::testing::Test {
 protected:
  FetchTest() { fs::remove_all(folder_); }

  WeightFile FileOf(const LoopbackServer& server) {
    url_ = server.Url("/weights.pth");
    return {"weights.pth", url_, "", "a test"};
  }

  void Overwrite(const std::string& contents) {
    std::ofstream(path_, std::ios::binary) << contents;
  }

  const std::string folder_ = absl::StrCat(
      ::testing::TempDir(), "/fetch_",
      ::testing::UnitTest::GetInstance()->current_test_info()->name(), "/new");
  const std::string path_ = folder_ + "/weights.pth";
  std::string url_;
};

TEST_F(FetchTest, DownloadsOnceThenVerifies) {
  LoopbackServer server(ServeFile("PK weights"));
  const WeightFile file = FileOf(server);
  const auto first = Fetch(file, folder_);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->downloaded);
  EXPECT_EQ(first->path, path_);
  const auto second = Fetch(file, folder_);
  ASSERT_THAT(second, IsOk());
  EXPECT_FALSE(second->downloaded);
  EXPECT_EQ(second->sha256, first->sha256);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(FetchTest, HoldsAFileToTheDigestOfItsFirstUse) {
  LoopbackServer server(ServeFile("PK weights"));
  const WeightFile file = FileOf(server);
  ASSERT_THAT(Fetch(file, folder_), IsOk());
  Overwrite("PK wfights");
  EXPECT_THAT(Fetch(file, folder_),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr(path_), HasSubstr("--force"))));
  FetchOptions force;
  force.force = true;
  EXPECT_THAT(Fetch(file, folder_, force), IsOk());
  EXPECT_THAT(Fetch(file, folder_), IsOk());
}

TEST_F(FetchTest, HoldsANewCopyToTheDigestOfTheFirst) {
  std::string body = "PK weights";
  LoopbackServer server(
      [&](const HttpRequest& request) { return ServeFile(body)(request); });
  const WeightFile file = FileOf(server);
  ASSERT_THAT(Fetch(file, folder_), IsOk());
  fs::remove(path_);
  body = "PK others";
  EXPECT_THAT(Fetch(file, folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("SHA-256")));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(FetchTest, HoldsAFileToThePublishedDigest) {
  LoopbackServer server(ServeFile("PK weights"));
  WeightFile file = FileOf(server);
  file.sha256 = "00000000";
  EXPECT_THAT(Fetch(file, folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("00000000")));
}

TEST_F(FetchTest, RefusesAProxysPage) {
  LoopbackServer server(ServeFile("<html>Please log in</html>"));
  EXPECT_THAT(Fetch(FileOf(server), folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("proxy")));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(FetchTest, SaysThatTheFolderCannotBeMade) {
  fs::create_directories(fs::path(folder_).parent_path());
  std::ofstream(folder_) << "a file in the way";
  LoopbackServer server(ServeFile("PK weights"));
  EXPECT_FALSE(Fetch(FileOf(server), folder_ + "/below").ok());
}

TEST(FindWeights, NamesTheCommandThatFetchesThem) {
  const std::string folder = ::testing::TempDir() + "/find_weights";
  fs::remove_all(folder);
  EXPECT_THAT(FindWeights("vgg19-dcbb9e9d.pth", folder),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr(absl::StrCat(
                           "tools/bazelw run //tools:fetch_weights -- --dir '",
                           folder, "' vgg19-dcbb9e9d.pth"))));
  fs::create_directories(folder);
  const std::string path = folder + "/vgg19-dcbb9e9d.pth";
  std::ofstream(path) << "weights";
  EXPECT_THAT(FindWeights("vgg19-dcbb9e9d.pth", folder), IsOkAndHolds(path));
}

TEST(FindWeights, TakesAPath) {
  const std::string path = ::testing::TempDir() + "/own.pth";
  std::ofstream(path) << "weights";
  EXPECT_THAT(FindWeights(path, "folder"), IsOkAndHolds(path));
  EXPECT_THAT(FindWeights("./absent.pth", "folder"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent.pth")));
  EXPECT_THAT(FindWeights("own.pth", "folder"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("give a path, as ./own.pth")));
}

}  // namespace
}  // namespace networks::published
