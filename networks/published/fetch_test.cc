#include "networks/published/fetch.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/temporary.h"
#include "networks/files/testing_plain_user.h"
#include "networks/published/loopback_server.h"
#include "networks/published/part_file.h"
#include "third_party/absl/status_matchers.h"

namespace networks::published {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FetchTest : public ::testing::Test {
 protected:
  FetchTest() { fs::remove_all(folder_); }

  WeightFile FileOf(const LoopbackServer& server) {
    url_ = server.Url("/weights.pth");
    WeightFile file;
    file.name = "weights.pth";
    file.urls = {url_};
    return file;
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

TEST_F(FetchTest, GoesOnWithWhatEachSourceBrought) {
  bool is_cut = true;
  LoopbackServer server([&](const HttpRequest& request) {
    const bool is_other = request.target == "/other";
    HttpResponse response =
        ServeFile("PK weights", is_other ? "\"other\"" : "\"v1\"")(request);
    if (is_cut && response.status == 206) response.status = 503;
    if (is_cut) response.cut_after = is_other ? 2 : 4;
    return response;
  });
  WeightFile file = FileOf(server);
  const std::string other = server.Url("/other");
  file.urls = {url_, other};
  EXPECT_THAT(Fetch(file, folder_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(other)));
  is_cut = false;
  EXPECT_THAT(Fetch(file, folder_), IsOk());
  EXPECT_EQ(server.requests().back().range_first(), 4);
  // The file and its digest.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 2);
}

TEST_F(FetchTest, HoldsAFileToTheDigestOfItsFirstUse) {
  LoopbackServer server(ServeFile("PK weights"));
  const WeightFile file = FileOf(server);
  ASSERT_THAT(Fetch(file, folder_), IsOk());
  Overwrite("PK wfights");
  EXPECT_THAT(Fetch(file, folder_),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr(path_), HasSubstr("remove it"),
                             HasSubstr(path_ + ".sha256"))));
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
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("in " + path_ + ".sha256; remove that")));
  EXPECT_FALSE(fs::exists(path_));
  fs::remove(path_ + ".sha256");
  EXPECT_THAT(Fetch(file, folder_), IsOk());
}

TEST_F(FetchTest, HoldsAFileToThePublishedDigest) {
  LoopbackServer server(ServeFile("PK weights"));
  WeightFile file = FileOf(server);
  file.sha256 = "00000000";
  EXPECT_THAT(Fetch(file, folder_), StatusIs(absl::StatusCode::kDataLoss,
                                             AllOf(HasSubstr("00000000"),
                                                   Not(HasSubstr(".sha256")))));
}

// As one that an administrator put there for all.
TEST_F(FetchTest, VerifiesInAFolderThatItMayNotWrite) {
  fs::create_directories(folder_);
  Overwrite("abc");
  fs::permissions(folder_, fs::perms(0555));
  {
    const files::PlainUser user(folder_);
    WeightFile file;
    file.name = "weights.pth";
    const auto first = Fetch(file, ".");
    ASSERT_THAT(first, IsOk());
    EXPECT_THAT(first->warnings,
                ElementsAre(HasSubstr("cannot make a file in its folder")));
    // FIPS 180-2 appendix B.1.
    file.sha256 =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const auto published = Fetch(file, ".");
    ASSERT_THAT(published, IsOk());
    EXPECT_THAT(published->warnings, IsEmpty());
  }
  fs::permissions(folder_, fs::perms(0755));
}

// Taken for none, the record was replaced by the digest of another file.
TEST_F(FetchTest, KeepsARecordThatItCannotRead) {
  fs::create_directories(folder_);
  Overwrite("PK weights");
  const std::string record = path_ + ".sha256";
  std::ofstream(record) << "00000000  weights.pth\n";
  fs::permissions(folder_, fs::perms(0777));
  fs::permissions(record, fs::perms(0));
  {
    const files::PlainUser user(folder_);
    WeightFile file;
    file.name = "weights.pth";
    EXPECT_THAT(Fetch(file, "."),
                StatusIs(absl::StatusCode::kPermissionDenied,
                         AllOf(HasSubstr("weights.pth.sha256"),
                               HasSubstr("that you may read"))));
  }
  fs::permissions(record, fs::perms(0644));
  std::string first_word;
  std::ifstream(record) >> first_word;
  EXPECT_EQ(first_word, "00000000");
}

// Also where the digest of the file is known, and would be wrong.
TEST_F(FetchTest, RefusesAPageAndALinkInsteadOfTheFile) {
  std::string body;
  LoopbackServer server(
      [&](const HttpRequest& request) { return ServeFile(body)(request); });
  WeightFile file = FileOf(server);
  for (const char* digest : {"", "52ad8c84"}) {
    file.sha256 = digest;
    body = "<html>Please log in</html>";
    EXPECT_THAT(Fetch(file, folder_),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("a web page")));
    body = "version https://git-lfs.github.com/spec/v1\noid sha256:52ad";
    EXPECT_THAT(Fetch(file, folder_),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("Git LFS")));
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(FetchTest, TriesItsSourcesInTurn) {
  LoopbackServer server([](const HttpRequest& request) {
    if (request.target == "/gone" || request.target == "/refused") {
      HttpResponse response;
      response.status = request.target == "/gone" ? 404 : 400;
      return response;
    }
    return ServeFile(request.target == "/page" ? "<html>log in</html>"
                                               : "PK weights")(request);
  });
  const std::string gone = server.Url("/gone"), page = server.Url("/page"),
                    refused = server.Url("/refused"),
                    good = server.Url("/good");
  WeightFile file;
  file.name = "weights.pth";
  file.urls = {gone, page, good};
  const auto result = Fetch(file, folder_);
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->is_first);
  ASSERT_EQ(result->warnings.size(), 2u);
  EXPECT_THAT(result->warnings[0], HasSubstr(gone));
  EXPECT_THAT(result->warnings[1], HasSubstr("a web page"));

  FetchOptions force;
  force.force = true;
  file.urls = {refused, good};
  EXPECT_THAT(Fetch(file, folder_, force), IsOk());
  file.urls = {gone, page};
  EXPECT_THAT(Fetch(file, folder_, force),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr(gone), HasSubstr(page))));
  file.urls = {"http://127.0.0.1:1/nobody", gone};
  EXPECT_THAT(Fetch(file, folder_, force),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(gone)));
}

TEST_F(FetchTest, LeavesASourceWithAFileOfAnotherSize) {
  LoopbackServer server(ServeFile("PK weights"));
  WeightFile file = FileOf(server);
  file.bytes = 11;
  EXPECT_THAT(
      Fetch(file, folder_),
      StatusIs(absl::StatusCode::kDataLoss,
               HasSubstr("has 10 bytes; the file that is meant has 11")));
  EXPECT_FALSE(fs::exists(path_ + ".part"));
  file.bytes = 10;
  EXPECT_THAT(Fetch(file, folder_), IsOk());
}

TEST_F(FetchTest, KeepsWhatASourceBroughtWhenTheNextHasAnotherFile) {
  bool is_cut = true;
  LoopbackServer server([&](const HttpRequest& request) {
    if (request.target == "/page") {
      return ServeFile("<html>log in</html>", "\"page\"")(request);
    }
    HttpResponse response = ServeFile("PK weights")(request);
    if (is_cut && request.range_first() > 0) response.status = 503;
    if (is_cut) response.cut_after = 4;
    return response;
  });
  WeightFile file = FileOf(server);
  const std::string page = server.Url("/page");
  file.urls = {url_, page};
  file.bytes = 10;
  EXPECT_THAT(Fetch(file, folder_), StatusIs(absl::StatusCode::kUnavailable,
                                             HasSubstr("has 19 bytes")));
  is_cut = false;
  EXPECT_THAT(Fetch(file, folder_), IsOk());
  EXPECT_EQ(server.requests().back().range_first(), 4);
}

// No other source could mend that, so none is asked.
TEST_F(FetchTest, LeavesAnotherDownloadInPeace) {
  fs::create_directories(folder_);
  const auto other = PartFile::Open(path_);
  ASSERT_THAT(other, IsOk());
  LoopbackServer server(ServeFile("PK weights"));
  WeightFile file = FileOf(server);
  file.urls = {url_, url_};
  const absl::Status status = Fetch(file, folder_).status();
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kAborted, Not(HasSubstr("\n"))));
}

TEST_F(FetchTest, LeavesADownloadInPeaceThatBeginsBetweenItsSources) {
  std::optional<PartFile> other;
  LoopbackServer server([&](const HttpRequest&) {
    fs::remove(files::LockPath(path_));
    other.emplace(PartFile::Open(path_).value());
    HttpResponse response;
    response.status = 404;
    return response;
  });
  WeightFile file = FileOf(server);
  file.urls = {url_, url_, url_};
  EXPECT_THAT(
      Fetch(file, folder_),
      StatusIs(absl::StatusCode::kAborted,
               AllOf(HasSubstr("is downloading it"), Not(HasSubstr("\n")))));
}

TEST_F(FetchTest, SaysOnceThatItMayNotWrite) {
  fs::create_directories(folder_);
  fs::permissions(folder_, fs::perms(0555));
  {
    const files::PlainUser user(folder_);
    WeightFile file;
    file.name = "weights.pth";
    file.urls = {"http://127.0.0.1:1/a", "http://127.0.0.1:1/b"};
    EXPECT_THAT(Fetch(file, "."), StatusIs(absl::StatusCode::kPermissionDenied,
                                           Not(HasSubstr("\n"))));
  }
  fs::permissions(folder_, fs::perms(0755));
}

TEST_F(FetchTest, SaysThatTheFolderCannotBeMade) {
  fs::create_directories(fs::path(folder_).parent_path());
  std::ofstream(folder_) << "a file in the way";
  LoopbackServer server(ServeFile("PK weights"));
  EXPECT_FALSE(Fetch(FileOf(server), folder_ + "/below").ok());
}

}  // namespace
}  // namespace networks::published
