#include "tools/studio/api/json_body.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::testing::_;

TEST(ParseJsonObjectTest, ReadsAnObject) {
  EXPECT_THAT(ParseJsonObject(R"({"a":[1,{"b":null}]})"), IsOk());
}

TEST(ParseJsonObjectTest, RefusesEverythingElse) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("1"),
        std::string("null"), std::string("{}x"),
        std::string("{\"a\":\"\xff\"}"), std::string("{\0}", 3),
        "{\"a\":" + std::string(100000, '[')}) {
    EXPECT_THAT(ParseJsonObject(text),
                StatusIs(absl::StatusCode::kInvalidArgument, _))
        << text.substr(0, 20);
  }
}

TEST(ParseJsonObjectTest, RefusesWhatIsNestedTooDeep) {
  const std::string deep =
      "{\"a\":" + std::string(50000, '[') + std::string(50000, ']') + "}";
  EXPECT_THAT(ParseJsonObject(deep),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::HasSubstr("deep")));
}

int StatusOf(Request request, const std::string& body) {
  request.content_length = static_cast<int64_t>(body.size());
  Reply reply = ReadJson(std::move(request),
                         [](const nlohmann::json&) { return EmptyResponse(); });
  if (auto* response = std::get_if<Response>(&reply)) return response->status;
  auto& reader = std::get<std::unique_ptr<BodyReader>>(reply);
  EXPECT_THAT(reader->Write(body), IsOk());
  return reader->Finish().status;
}

TEST(ReadJsonTest, TakesJsonOfASize) {
  Request request;
  EXPECT_EQ(StatusOf(request, "{}"), 204);
  request.headers["content-type"] = "application/json; charset=utf-8";
  EXPECT_EQ(StatusOf(request, "{}"), 204);
  EXPECT_EQ(StatusOf(request, "{"), 400);
  EXPECT_EQ(StatusOf(request, std::string(kMaxJsonBytes + 1, ' ')), 413);
  request.headers["content-type"] = "Application/JSON ;charset=utf-8";
  EXPECT_EQ(StatusOf(request, "{}"), 204);
  for (const char* type :
       {"application/x-www-form-urlencoded", "application/jsonlines"}) {
    request.headers["content-type"] = type;
    EXPECT_EQ(StatusOf(request, "{}"), 415) << type;
  }
}

}  // namespace
}  // namespace studio
