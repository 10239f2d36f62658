#include "tools/lint/build_file.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(BuildFile, ReadsRulesAndLists) {
  const std::vector<BuildRule> rules = Rules(R"(# A comment with ( and ".
load(":defs.bzl", "torch_library")

cc_library(
    name = "one",
    srcs = ["one.cc"],  # [
    deps = [
        ":two",
        # Needed on Linux only.
        "//three",
    ] + select({
        ":fast": ["//four"],
        "//conditions:default": [],
    }),
    testonly = True,
    visibility = ["//visibility:public"],
)

filegroup(
    name = 'all',
    srcs = glob(["*.png"]),
)
)");
  ASSERT_EQ(rules.size(), 3);
  EXPECT_EQ(rules[0].kind, "load");
  EXPECT_EQ(rules[1].kind, "cc_library");
  EXPECT_EQ(rules[1].line, 4);
  EXPECT_EQ(rules[1].name(), "one");
  EXPECT_THAT(rules[1].Strings("srcs"), ElementsAre("one.cc"));
  EXPECT_THAT(rules[1].Strings("deps"),
              ElementsAre(":two", "//three", "//four"));
  const std::vector<BuildList>& deps = rules[1].attributes.at("deps");
  ASSERT_EQ(deps.size(), 2);
  EXPECT_EQ(deps[0][1].line, 10);
  EXPECT_FALSE(deps[0][0].starts_block);
  EXPECT_TRUE(deps[0][1].starts_block);
  EXPECT_TRUE(rules[1].testonly);
  EXPECT_FALSE(rules[2].testonly);
  EXPECT_EQ(rules[2].name(), "all");
  EXPECT_THAT(rules[2].Strings("srcs"), ElementsAre("*.png"));
}

TEST(BuildFile, TakesTestonlyFromItsPackage) {
  const auto of_package = [](const std::string& package) {
    return Rules(package + "cc_library(name = \"a\")\n")[1].testonly;
  };
  EXPECT_TRUE(of_package("package(default_testonly = True)\n"));
  EXPECT_FALSE(of_package("package(default_visibility = [\"//a\"])\n"));
}

TEST(BuildFile, NamesTheLineOfAMistake) {
  EXPECT_THAT(ParseBuildFile("a/BUILD", "\ncc_test(\n    name = \"x\",\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a/BUILD:2: cc_test( has no closing")));
  EXPECT_THAT(ParseBuildFile("a/BUILD", "cc_test(\n    name = \"x,\n)\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a/BUILD:2: a string does not end")));
}

}  // namespace
}  // namespace tools::lint
