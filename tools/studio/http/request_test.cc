#include "tools/studio/http/request.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace studio {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ParseTargetTest, SplitsPathAndQuery) {
  const absl::StatusOr<Target> target =
      ParseTarget("/api/v1/uploads?kind=image&side=64");
  ASSERT_THAT(target, IsOk());
  EXPECT_THAT(target->path, ElementsAre("api", "v1", "uploads"));
  EXPECT_THAT(target->query,
              ElementsAre(Pair("kind", "image"), Pair("side", "64")));
}

TEST(ParseTargetTest, TheRootHasNoParts) {
  const absl::StatusOr<Target> target = ParseTarget("/");
  ASSERT_THAT(target, IsOk());
  EXPECT_THAT(target->path, IsEmpty());
}

TEST(ParseTargetTest, DecodesOnceAfterTheSplit) {
  const absl::StatusOr<Target> target =
      ParseTarget("/a%2Fb/bundled%3apuppet/%2541?x=%26%3D+y");
  ASSERT_THAT(target, IsOk());
  EXPECT_THAT(target->path, ElementsAre("a/b", "bundled:puppet", "%41"));
  EXPECT_THAT(target->query, ElementsAre(Pair("x", "&= y")));
}

TEST(ParseTargetTest, RefusesWhatCouldLeadElsewhere) {
  for (const std::string& target : {std::string(""),
                                    std::string("*"),
                                    std::string("api"),
                                    std::string("http://127.0.0.1/"),
                                    std::string("/.."),
                                    std::string("/a/../b"),
                                    std::string("/a/./b"),

                                    std::string("/a//b"),
                                    std::string("/a/"),
                                    std::string("/%2e%2e/b"),
                                    std::string("/%2E%2e"),
                                    std::string("/a%00b"),
                                    std::string("/%c0%ae"),
                                    std::string("/\xc0\xae\xc0\xae/"),
                                    std::string("/a%"),
                                    std::string("/a%4"),
                                    std::string("/a%zz"),
                                    std::string("/a%-1"),
                                    std::string("/\\\\host\\share"),
                                    std::string("/%5c%5chost"),
                                    std::string("/a\x01"),
                                    std::string("/a%0d%0ab"),
                                    std::string("/?a=%00"),
                                    std::string("/?a=1&a=2"),
                                    "/" + std::string(3000, 'a')}) {
    EXPECT_THAT(ParseTarget(target),
                StatusIs(absl::StatusCode::kInvalidArgument, _))
        << target;
  }
}

TEST(RequestTest, AHeaderThatIsNotThereIsEmpty) {
  Request request;
  request.headers["host"] = "localhost";
  EXPECT_EQ(request.Header("host"), "localhost");
  EXPECT_EQ(request.Header("origin"), "");
}

}  // namespace
}  // namespace studio
