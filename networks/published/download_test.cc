#include "networks/published/download.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/files/testing_full_disk.h"
#include "networks/published/loopback_server.h"
#include "networks/published/part_file.h"
#include "third_party/absl/status_matchers.h"

namespace networks::published {
namespace {

namespace fs = std::filesystem;
using files::ReadText;
using ::testing::_;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// SHA-256 of "abc", FIPS 180-2 appendix B.1.
constexpr char kAbcDigest[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

// 200 kB that no two places of look alike.
std::string LargeBody() {
  std::string body;
  for (int i = 0; body.size() < 200000; ++i) absl::StrAppend(&body, i, ",");
  return body;
}

// A server that does not heed If-Range: `body`, from the byte asked for.
HttpResponse RestOf(const std::string& body, const HttpRequest& request) {
  HttpRequest unconditional = request;
  unconditional.headers.erase("if-range");
  return ServeFile(body, "\"v2\"")(unconditional);
}

// A server that sends at most 50 kB of the rest, and not of how much.
HttpResponse PieceOf(const std::string& body, const HttpRequest& request) {
  HttpResponse response = ServeFile(body)(request);
  if (response.status != 206) return response;
  response.body = response.body.substr(0, 50000);
  const int64_t first = request.range_first();
  const int64_t size = static_cast<int64_t>(response.body.size());
  response.headers["Content-Range"] =
      absl::StrCat("bytes ", first, "-", first + size - 1, "/*");
  return response;
}

class DownloadTest : public ::testing::Test {
 protected:
  DownloadTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    options_.retries = 0;
    options_.stall_seconds = 1;
  }

  std::string part_path() const { return path_ + ".part"; }

  // Leaves `bytes` of a download that was cut off.
  void InterruptAfter(const std::string& body, int64_t bytes) {
    LoopbackServer server([&](const HttpRequest& request) {
      HttpResponse response = ServeFile(body)(request);
      response.cut_after = bytes;
      if (request.range_first() > 0) {
        response = HttpResponse();
        response.status = 503;
      }
      return response;
    });
    EXPECT_THAT(Download(server.Url("/w"), path_, options_),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("503")));
    EXPECT_EQ(ReadText(part_path()), body.substr(0, bytes));
    EXPECT_FALSE(fs::exists(path_));
  }

  const std::string folder_ = absl::StrCat(
      ::testing::TempDir(), "/download_",
      ::testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string path_ = folder_ + "/weights.pth";
  DownloadOptions options_;
};

TEST_F(DownloadTest, BringsTheFileAndItsDigest) {
  LoopbackServer server(ServeFile("abc"));
  options_.sha256 = "ba7816bf";
  int64_t done = 0, total = 0;
  options_.progress = [&](int64_t d, int64_t t) { done = d, total = t; };
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              IsOkAndHolds(kAbcDigest));
  EXPECT_EQ(ReadText(path_), "abc");
  EXPECT_EQ(done, 3);
  EXPECT_EQ(total, 3);
  // Nothing else is left.
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(DownloadTest, ContinuesWhatWasCutOff) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server(ServeFile(body));
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests()[0].range_first(), 70000);
}

TEST_F(DownloadTest, ContinuesByItselfWhileBytesCome) {
  const std::string body = LargeBody();
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile(body)(request);
    response.cut_after = 60000;  // of 200000: four connections
    return response;
  });
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(DownloadTest, StartsOverIfTheFileHasChanged) {
  InterruptAfter(LargeBody(), 70000);
  const std::string body = "new" + LargeBody();
  LoopbackServer server(ServeFile(body, "\"v2\""));
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
}

TEST_F(DownloadTest, StartsOverIfTheServerKnowsNoRanges) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server([&](const HttpRequest&) {
    HttpResponse response;
    response.body = body;
    return response;
  });
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
}

TEST_F(DownloadTest, StartsOverIfTheServerSendsAnotherRange) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile(body)(request);
    if (response.status == 206) {
      response.headers["Content-Range"] = "bytes 5-9/200000";
      response.body = "wrong";
    }
    return response;
  });
  options_.retries = 1;
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
}

TEST_F(DownloadTest, GoesOnAfterAShorterRange) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile(body)(request);
    response.body = response.body.substr(0, 50000);
    return response;
  });
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(DownloadTest, GoesOnAfterARangeOfAFileOfUnstatedSize) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server(
      [&](const HttpRequest& request) { return PieceOf(body, request); });
  options_.bytes = static_cast<int64_t>(body.size());
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
  EXPECT_EQ(server.requests().size(), 3u);
}

TEST_F(DownloadTest, TakesNoRangeOfAFileOfUnknownSize) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server(
      [&](const HttpRequest& request) { return PieceOf(body, request); });
  options_.retries = 1;
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_EQ(server.requests()[1].range_first(), 0);
}

TEST_F(DownloadTest, StartsOverAfterTooMuch) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile(body)(request);
    if (response.status == 206) response.body += "more";
    return response;
  });
  options_.retries = 1;
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
}

TEST_F(DownloadTest, StartsOverIfTheRestIsOfAnotherVersion) {
  const std::string old = LargeBody();
  options_.retries = 1;
  for (const std::string& body : {"new" + old, old.substr(10, 70000)}) {
    InterruptAfter(old, 70000);
    LoopbackServer server(
        [&](const HttpRequest& request) { return RestOf(body, request); });
    EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
    EXPECT_EQ(ReadText(path_), body);
    fs::remove(path_);
  }
}

TEST_F(DownloadTest, DoesNotStartOverForEver) {
  options_.retries = 1;
  int answers = 0;
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = RestOf(LargeBody(), request);
    response.cut_after = 1000;
    response.headers["ETag"] = absl::StrCat("\"", ++answers, "\"");
    if (answers == 100) response.status = 404;
    return response;
  });
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kUnavailable, _));
}

TEST_F(DownloadTest, KeepsThePartIfTheServerHasAnotherFile) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  LoopbackServer server(ServeFile("<html>log in</html>", "\"v2\""));
  options_.bytes = static_cast<int64_t>(body.size());
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("19 bytes")));
  EXPECT_EQ(ReadText(part_path()), body.substr(0, 70000));
  EXPECT_EQ(ReadText(part_path() + ".version"), "\"v1\"\n");

  for (const std::string& other : {body + "more", std::string("a page")}) {
    LoopbackServer heedless(
        [&](const HttpRequest& request) { return RestOf(other, request); });
    EXPECT_THAT(Download(heedless.Url("/w"), path_, options_),
                StatusIs(absl::StatusCode::kDataLoss, _));
    EXPECT_EQ(ReadText(part_path()), body.substr(0, 70000));
  }
}

TEST_F(DownloadTest, KeepsThePartIfTheServerDoesNotTellTheSize) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  std::string page = "<html>log in</html>";
  LoopbackServer server([&](const HttpRequest&) {
    HttpResponse response;
    response.body = page;
    response.declares_length = false;
    return response;
  });
  options_.bytes = static_cast<int64_t>(body.size());
  const auto refused =
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr("size"), HasSubstr("remove " + part_path())));
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), refused);
  page.clear();
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), refused);
  EXPECT_EQ(ReadText(part_path()), body.substr(0, 70000));
  page = body;
  fs::remove(part_path());
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
}

// What came without a size and a version could not be gone on with.
TEST_F(DownloadTest, BeginsAnewWhereSuchAServerWasLeft) {
  const std::string body = LargeBody();
  LoopbackServer server([&](const HttpRequest&) {
    HttpResponse response;
    response.body = body;
    response.declares_length = false;
    response.pause_milliseconds = 20;
    return response;
  });
  options_.bytes = static_cast<int64_t>(body.size());
  bool is_begun = false;
  options_.progress = [&](int64_t bytes, int64_t) { is_begun = bytes > 0; };
  options_.stopped = [&] { return is_begun; };
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kCancelled, _));
  options_.stopped = nullptr;
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
}

TEST_F(DownloadTest, TakesAPartThatIsTheWhole) {
  const std::string body = LargeBody();
  InterruptAfter(body, 70000);
  std::ofstream(part_path(), std::ios::binary) << body;
  LoopbackServer server(ServeFile(body));
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
  EXPECT_EQ(ReadText(path_), body);
}

TEST_F(DownloadTest, ThrowsAwayWrongBytes) {
  LoopbackServer server(ServeFile("abd"));
  options_.sha256 = "ba7816bf";
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr(server.Url("/w")),
                             HasSubstr("should begin ba7816bf"))));
  EXPECT_TRUE(fs::is_empty(folder_));
}

// Where no size is stated, a cut looks like the end.
TEST_F(DownloadTest, ThrowsAwayAFileOfAnotherSizeThanIsMeant) {
  LoopbackServer server([](const HttpRequest&) {
    HttpResponse response;
    response.body = "ab";
    response.declares_length = false;
    return response;
  });
  options_.bytes = 3;
  EXPECT_THAT(
      Download(server.Url("/w"), path_, options_),
      StatusIs(absl::StatusCode::kDataLoss,
               AllOf(HasSubstr(server.Url("/w")), HasSubstr("has 2 bytes"))));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(DownloadTest, ThrowsAwayWhatTheCheckRefuses) {
  LoopbackServer server(ServeFile("abc"));
  options_.check = [](const std::string&) {
    return absl::DataLossError("no weights");
  };
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("no weights")));
  EXPECT_TRUE(fs::is_empty(folder_));
}

// More declared than sent is a cut; less is a wrong file.
TEST_F(DownloadTest, NoticesAWrongLength) {
  int64_t declared = 5;
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile("abc")(request);
    response.declared_length = declared;
    return response;
  });
  options_.sha256 = "ba7816bf";
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("go on")));
  fs::remove(part_path());
  declared = 2;
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("SHA-256")));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(DownloadTest, FollowsARedirect) {
  LoopbackServer server([&](const HttpRequest& request) {
    if (request.target == "/w") return ServeFile("abc")(request);
    HttpResponse response;
    response.status = 302;
    response.headers["Location"] = "/w";
    response.body = "moved";
    return response;
  });
  EXPECT_THAT(Download(server.Url("/old"), path_, options_),
              IsOkAndHolds(kAbcDigest));
}

TEST_F(DownloadTest, DoesNotRunInCircles) {
  LoopbackServer server([&](const HttpRequest&) {
    HttpResponse response;
    response.status = 302;
    response.headers["Location"] = "/again";
    return response;
  });
  EXPECT_THAT(
      Download(server.Url("/w"), path_, options_),
      StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("redirects")));
}

TEST_F(DownloadTest, IsPatientWithASlowServer) {
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile(LargeBody())(request);
    response.pause_milliseconds = 30;
    return response;
  });
  EXPECT_THAT(Download(server.Url("/w"), path_, options_), IsOk());
}

TEST_F(DownloadTest, GivesUpASilentServer) {
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile(LargeBody())(request);
    response.cut_after = 0;
    response.stall = true;
    return response;
  });
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr("run again to go on")));
}

TEST_F(DownloadTest, SaysWhatTheServerSays) {
  int status = 404;
  LoopbackServer server([&](const HttpRequest&) {
    HttpResponse response;
    response.status = status;
    response.body = "<html>an error page, not the file</html>";
    return response;
  });
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("404"), HasSubstr(server.Url("/w")))));
  for (const int refused : {204, 300, 400, 403, 407, 451}) {
    status = refused;
    EXPECT_THAT(Download(server.Url("/w"), path_, options_),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(absl::StrCat(refused)),
                               Not(HasSubstr("try again")))));
  }
  for (const int busy : {202, 408, 425, 429, 503}) {
    status = busy;
    EXPECT_THAT(
        Download(server.Url("/w"), path_, options_),
        StatusIs(absl::StatusCode::kUnavailable, HasSubstr("try again later")));
  }
  EXPECT_FALSE(fs::exists(path_));
}

// Which is asked first where the server's address is HTTPS.
TEST_F(DownloadTest, SaysThatTheProxyRefuses) {
  LoopbackServer proxy([](const HttpRequest&) {
    HttpResponse response;
    response.status = 407;
    return response;
  });
  setenv("https_proxy", proxy.Url("").c_str(), 1);
  options_.retries = 2;
  EXPECT_THAT(Download("https://server.invalid/w", path_, options_),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("proxy"), HasSubstr("407"),
                             Not(HasSubstr("again")))));
  unsetenv("https_proxy");
  EXPECT_EQ(proxy.requests().size(), 1u);
}

TEST_F(DownloadTest, SaysThatThereIsNoServer) {
  const std::string url =
      LoopbackServer(ServeFile("abc")).Url("/w");  // which has ended
  EXPECT_THAT(Download(url, path_, options_),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr(url), HasSubstr("network"))));
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(DownloadTest, TakesOnlyHttp) {
  EXPECT_THAT(Download("file:///etc/passwd", path_, options_),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("file:///etc/passwd")));
}

TEST_F(DownloadTest, SaysThatTheDiskIsFull) {
  LoopbackServer server(ServeFile(LargeBody()));
  absl::Status status;
  {
    const files::FullDisk disk(1000);
    status = Download(server.Url("/w"), path_, options_).status();
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted,
                               HasSubstr(part_path())));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(DownloadTest, SaysThatTheFolderIsMissing) {
  LoopbackServer server(ServeFile("abc"));
  EXPECT_THAT(Download(server.Url("/w"), folder_ + "/none/w", options_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none/w.part")));
}

TEST_F(DownloadTest, StopsWhenAsked) {
  LoopbackServer server([&](const HttpRequest& request) {
    HttpResponse response = ServeFile(LargeBody())(request);
    response.cut_after = 1000;
    response.stall = true;
    return response;
  });
  options_.stopped = [] { return true; };
  EXPECT_THAT(Download(server.Url("/w"), path_, options_),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("run again")));
}

TEST_F(DownloadTest, LeavesAnotherDownloadInPeace) {
  const auto other = PartFile::Open(path_);
  ASSERT_THAT(other, IsOk());
  LoopbackServer server(ServeFile("abc"));
  EXPECT_THAT(
      Download(server.Url("/w"), path_, options_),
      StatusIs(absl::StatusCode::kAborted, HasSubstr("is downloading it")));
}

}  // namespace
}  // namespace networks::published
