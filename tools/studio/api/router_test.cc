#include "tools/studio/api/router.h"

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "gtest/gtest.h"
#include "tools/studio/http/http_server.h"
#include "tools/studio/http/request.h"
#include "tools/studio/http/response.h"

namespace studio {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    for (const char* pattern : {"/jobs", "/jobs/*", "/jobs/*/frame"}) {
      router_.AddSimple("GET", pattern,
                        [pattern](const Request&, const Arguments& arguments) {
                          Response response;
                          response.body = std::string(pattern);
                          for (const std::string& argument : arguments) {
                            response.headers.emplace_back("X", argument);
                          }
                          return response;
                        });
    }
    router_.AddSimple(
        "DELETE", "/jobs/*",
        [](const Request&, const Arguments&) { return EmptyResponse(); });
  }

  Response Ask(const std::string& method, const std::vector<std::string>& path,
               int64_t length = -1) {
    Request request;
    request.method = method;
    request.content_length = length;
    return std::get<Response>(router_.Route(std::move(request), path));
  }

  Router router_;
};

TEST_F(RouterTest, FindsThePatternAndItsArguments) {
  EXPECT_EQ(std::get<std::string>(Ask("GET", {"jobs"}).body), "/jobs");
  const Response frame = Ask("GET", {"jobs", "abc", "frame"});
  EXPECT_EQ(std::get<std::string>(frame.body), "/jobs/*/frame");
  ASSERT_EQ(frame.headers.size(), 1u);
  EXPECT_EQ(frame.headers[0].second, "abc");
}

TEST_F(RouterTest, UnknownAddressesAre404) {
  EXPECT_EQ(Ask("GET", {}).status, 404);
  EXPECT_EQ(Ask("GET", {"job"}).status, 404);
  EXPECT_EQ(Ask("GET", {"jobs", "a", "frame", "b"}).status, 404);
}

TEST_F(RouterTest, OtherMethodsAre405WithThoseThatThereAre) {
  for (const char* method : {"POST", "PUT", "OPTIONS", "TRACE", "get", ""}) {
    const Response response = Ask(method, {"jobs", "a"});
    EXPECT_EQ(response.status, 405) << method;
    ASSERT_EQ(response.headers.size(), 1u);
    EXPECT_EQ(response.headers[0].first, "Allow");
    EXPECT_EQ(response.headers[0].second, "GET, DELETE");
  }
}

TEST_F(RouterTest, ABodyThatNobodyReadsIs413) {
  EXPECT_EQ(Ask("GET", {"jobs"}, 0).status, 200);
  EXPECT_EQ(Ask("GET", {"jobs"}, 1).status, 413);
}

}  // namespace
}  // namespace studio
