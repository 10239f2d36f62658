#include "tools/studio/http/request_header.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {
namespace {

using ::testing::ElementsAre;

using Fields = std::vector<std::pair<std::string, std::string>>;

// The status of the answer to a header that is refused; 0 if it is not.
int StatusOf(const Fields& fields, Request* request,
             const std::string& target = "/api/v1/jobs") {
  RequestHeader header;
  for (const auto& [name, value] : fields) header.Add(name, value);
  const std::optional<Response> refused = header.Read("POST", target, request);
  return refused ? refused->status : 0;
}

TEST(RequestHeaderTest, FillsARequest) {
  Request request;
  EXPECT_EQ(StatusOf({{"Host", "localhost"}, {"CONTENT-length", "12"}},
                     &request, "/a/b?c=d"),
            0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_THAT(request.target.path, ElementsAre("a", "b"));
  EXPECT_EQ(request.Header("host"), "localhost");
  EXPECT_EQ(request.content_length, 12);
  EXPECT_TRUE(request.body.empty());
}

TEST(RequestHeaderTest, HeadIsAnsweredAsGet) {
  RequestHeader header;
  Request request;
  EXPECT_FALSE(header.Read("HEAD", "/", &request));
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.content_length, -1);
}

TEST(RequestHeaderTest, RefusesAFieldThatStandsTwice) {
  for (const char* name : {"host", "Authorization", "content-length", "Origin",
                           "transfer-encoding", "range"}) {
    Request request;
    EXPECT_EQ(StatusOf({{name, "1"}, {name, "1"}}, &request), 400) << name;
  }
  Request request;
  EXPECT_EQ(StatusOf({{"Cookie", "a"}, {"cookie", "b"}}, &request), 0);
  EXPECT_EQ(request.Header("cookie"), "a");
}

TEST(RequestHeaderTest, RefusesWhatHasNoLength) {
  Request request;
  EXPECT_EQ(StatusOf({{"Transfer-Encoding", "chunked"}}, &request), 411);
  for (const char* length : {"-1", "x", "1x", "99999999999999999999999"}) {
    EXPECT_EQ(StatusOf({{"Content-Length", length}}, &request), 400) << length;
  }
}

TEST(RequestHeaderTest, RefusesATargetThatIsNoPath) {
  Request request;
  EXPECT_EQ(StatusOf({}, &request, "/a/../b"), 400);
  EXPECT_EQ(StatusOf({}, &request, "http://host/"), 400);
}

}  // namespace
}  // namespace studio
