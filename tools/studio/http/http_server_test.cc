#include "tools/studio/http/http_server.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"
#include "tools/studio/http/testing_client.h"

namespace studio {
namespace {

using ::testing::_;
using ::testing::HasSubstr;
using ::testing::Not;

Response Text(std::string text) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(text);
  return response;
}

// Counts bytes; fails at the first "!".
class CountingReader : public BodyReader {
 public:
  explicit CountingReader(std::atomic<int>* cut_off) : cut_off_(cut_off) {}
  ~CountingReader() override {
    if (!is_finished_) ++*cut_off_;
  }
  absl::Status Write(absl::string_view bytes) override {
    bytes_ += bytes.size();
    if (absl::StrContains(bytes, "!")) {
      return absl::ResourceExhaustedError("the disk is full");
    }
    return absl::OkStatus();
  }
  Response Finish() override {
    is_finished_ = true;
    return Text(absl::StrCat(bytes_));
  }

 private:
  std::atomic<int>* cut_off_;
  size_t bytes_ = 0;
  bool is_finished_ = false;
};

class HttpServerTest : public networks::files::FolderTest {
 protected:
  void Start(HttpOptions options = {}) {
    absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(
        options,
        [this](Request request) { return Handle(std::move(request)); });
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }

  Reply Handle(Request request) {
    ++requests_;
    const std::string path =
        request.target.path.empty() ? "" : request.target.path[0];
    if (path == "count") return std::make_unique<CountingReader>(&cut_off_);
    if (path == "echo") {
      return ReadBody(std::move(request), /*max_bytes=*/1000,
                      /*needs_body=*/true,
                      [](const Request& whole) { return Text(whole.body); });
    }
    if (path == "file") {
      return FileResponse(Path("file"), "video/mp4", request.Header("range"));
    }
    if (path == "slow") {
      absl::SleepFor(absl::Milliseconds(2500));
      return Text("slow");
    }
    if (path == "stream") {
      auto left = std::make_shared<int>(3);
      Response response;
      response.content_type = "text/event-stream";
      response.body = StreamBody([left] {
        absl::SleepFor(absl::Milliseconds(50));
        return (*left)-- > 0 ? std::string("data: x\n\n") : std::string();
      });
      return response;
    }
    return Text(absl::StrCat(request.method, " ", path));
  }

  int port() const { return server_->port(); }

  std::atomic<int> requests_{0};
  std::atomic<int> cut_off_{0};
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersWithTheHeadersOfSecurity) {
  Start();
  const Answer answer = Ask(port(), "GET", "/page");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET page");
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(answer.headers.at("referrer-policy"), "no-referrer");
  EXPECT_EQ(answer.headers.at("x-frame-options"), "DENY");
  EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
  EXPECT_EQ(answer.headers.at("cross-origin-resource-policy"), "same-origin");
  const std::string& policy = answer.headers.at("content-security-policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(answer.headers.count("access-control-allow-origin"), 0u);
}

TEST_F(HttpServerTest, KeepsAConnection) {
  Start();
  TestingClient client(port());
  for (int i = 0; i < 3; ++i) {
    client.Send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_EQ(client.Receive().body, "GET a");
  }
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  Start();
  const Answer answer = Ask(port(), "HEAD", "/a");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.headers.at("content-length"), "5");
}

TEST_F(HttpServerTest, ReadsABody) {
  Start();
  EXPECT_EQ(Ask(port(), "POST", "/echo", "", "hello").body, "hello");
  EXPECT_EQ(Ask(port(), "POST", "/count", "", std::string(1000000, 'x')).body,
            "1000000");
}

TEST_F(HttpServerTest, RefusesABodyThatIsTooLongBeforeItIsRead) {
  Start();
  TestingClient client(port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 10000000000\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 413);
  EXPECT_TRUE(client.IsEndedWithin(5000));
  EXPECT_EQ(Ask(port(), "POST", "/echo", "", std::string(1001, 'x')).status,
            413);
}

TEST_F(HttpServerTest, ABodyStatesItsLength) {
  Start();
  EXPECT_EQ(Ask(port(), "POST", "/echo").status, 411);
  EXPECT_EQ(
      Ask(port(), "POST", "/count", "Transfer-Encoding: chunked\r\n").status,
      411);
  for (const char* length : {"-1", "x", "1x", "99999999999999999999999"}) {
    const Answer answer = Ask(port(), "POST", "/count",
                              absl::StrCat("Content-Length: ", length, "\r\n"));
    EXPECT_THAT(answer.status, ::testing::AnyOf(400, 413)) << length;
  }
  EXPECT_EQ(requests_, 1);
}

TEST_F(HttpServerTest, AFailureInTheMiddleOfABodyIsTheAnswer) {
  Start();
  const Answer answer =
      Ask(port(), "POST", "/count", "", std::string(200000, '!'));
  EXPECT_EQ(answer.status, 507);
  EXPECT_THAT(answer.body, HasSubstr("the disk is full"));
}

TEST_F(HttpServerTest, ABodyThatIsCutOffIsDropped) {
  Start();
  {
    TestingClient client(port());
    client.Send(
        "POST /count HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: 1000\r\n\r\nabc");
  }
  for (int i = 0; i < 200 && cut_off_ == 0; ++i) {
    absl::SleepFor(absl::Milliseconds(25));
  }
  EXPECT_EQ(cut_off_, 1);
}

TEST_F(HttpServerTest, LimitsHeaders) {
  Start();
  EXPECT_EQ(Ask(port(), "GET", "/a",
                absl::StrCat("X: ", std::string(20000, 'x'), "\r\n"))
                .status,
            431);
  std::string many;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&many, "X", i, ": y\r\n");
  EXPECT_EQ(Ask(port(), "GET", "/a", many).status, 431);
  EXPECT_EQ(requests_, 0);
}

TEST_F(HttpServerTest, EndsAHeaderWithoutAnEnd) {
  Start();
  TestingClient line(port()), fields(port());
  // The answer, or the end of the connection, comes before the megabytes are
  // sent.
  line.Send("GET /" + std::string(4 << 20, 'a'));
  EXPECT_TRUE(line.IsEndedWithin(5000));
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 100000; ++i) absl::StrAppend(&many, "X", i, ": y\r\n");
  fields.Send(many);
  EXPECT_TRUE(fields.IsEndedWithin(5000));
  EXPECT_EQ(requests_, 0);
}

TEST_F(HttpServerTest, RefusesTargetsAndFieldsThatHaveTwoMeanings) {
  Start();
  for (const char* target : {"/a/../b", "/%2e%2e/etc/passwd", "/a%00b", "/a//b",
                             "http://localhost/a"}) {
    EXPECT_EQ(Ask(port(), "GET", target).status, 400) << target;
  }
  for (const char* fields :
       {"Host: evil.example\r\n", "Origin: a\r\nOrigin: b\r\n",
        "Authorization: a\r\nAuthorization: b\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n"}) {
    EXPECT_EQ(Ask(port(), "GET", "/a", fields).status, 400) << fields;
  }
  EXPECT_EQ(requests_, 0);
}

TEST_F(HttpServerTest, SendsAFileAndOneRangeOfIt) {
  Start();
  Write("file", "0123456789");
  EXPECT_EQ(Ask(port(), "GET", "/file").body, "0123456789");
  const Answer part = Ask(port(), "GET", "/file", "Range: bytes=2-4\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.headers.at("content-range"), "bytes 2-4/10");
  EXPECT_EQ(Ask(port(), "GET", "/file", "Range: bytes=0-1,3-4\r\n").status,
            416);
}

TEST_F(HttpServerTest, SendsAStreamToItsEnd) {
  Start();
  EXPECT_EQ(Ask(port(), "GET", "/stream").body,
            "data: x\n\ndata: x\n\ndata: x\n\n");
}

TEST_F(HttpServerTest, EndsWhoSendsAHeaderByteByByte) {
  HttpOptions options;
  options.header_time = absl::Seconds(1);
  Start(options);
  TestingClient client(port());
  bool is_open = client.Send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 40 && is_open; ++i) {
    is_open = client.Send("a");
    absl::SleepFor(absl::Milliseconds(100));
  }
  EXPECT_FALSE(is_open);
  EXPECT_EQ(Ask(port(), "GET", "/a").status, 200);
}

TEST_F(HttpServerTest, EndsWhoSendsABodyByteByByte) {
  HttpOptions options;
  options.body_time = absl::Seconds(1);
  Start(options);
  TestingClient client(port());
  bool is_open = client.Send(
      "POST /count HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 1000\r\n\r\n");
  for (int i = 0; i < 40 && is_open; ++i) {
    is_open = client.Send("a");
    absl::SleepFor(absl::Milliseconds(100));
  }
  EXPECT_FALSE(is_open);
  EXPECT_EQ(cut_off_, 1);
}

TEST_F(HttpServerTest, EndsAnIdleConnectionButNotOneThatWaitsForAHandler) {
  HttpOptions options;
  options.idle_time = absl::Seconds(1);
  Start(options);
  TestingClient idle(port()), waiting(port());
  idle.Send(
      "POST /count HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 1000\r\n\r\nabc");
  waiting.Send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(idle.IsEndedWithin(10000));
  EXPECT_EQ(waiting.Receive().body, "slow");
}

TEST_F(HttpServerTest, SlowClientsDoNotKeepOthersOut) {
  HttpOptions options;
  options.max_connections = 40;
  Start(options);
  std::vector<std::unique_ptr<TestingClient>> slow;
  for (int i = 0; i < 100; ++i) {
    slow.push_back(std::make_unique<TestingClient>(port()));
    slow.back()->Send("GET / HT");
  }
  EXPECT_EQ(Ask(port(), "GET", "/a").status, 200);
  EXPECT_TRUE(slow[0]->IsEndedWithin(5000));
  EXPECT_TRUE(slow[59]->IsEndedWithin(5000));
  EXPECT_FALSE(slow[99]->IsEndedWithin(0));
}

TEST_F(HttpServerTest, EndsWithConnectionsOpen) {
  Start();
  TestingClient idle(port()), streaming(port()), sending(port());
  streaming.Send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  sending.Send(
      "POST /count HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Length: 1000\r\n\r\nabc");
  absl::SleepFor(absl::Milliseconds(100));
  server_.reset();
  EXPECT_EQ(cut_off_, 1);
}

TEST_F(HttpServerTest, SaysThatAPortIsInUse) {
  Start();
  HttpOptions options;
  options.port = port();
  EXPECT_THAT(HttpServer::Start(options, nullptr),
              StatusIs(absl::StatusCode::kAlreadyExists, _));
}

}  // namespace
}  // namespace studio
