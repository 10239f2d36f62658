#include "tools/lint/folder_order.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kOrderedPage[] =
    "# x\n\nEach folder depends only on those listed above it.\n\n"
    "| folder | what |\n| --- | --- |\n| [low](low/README.md) | a |\n"
    "| | more of it |\n| `high/` | b |\n\n| other | table |\n| --- | --- |\n"
    "| none | c |\n";

TEST(FolderOrder, IsTheTableOfThePage) {
  EXPECT_THAT(OrderOf(kOrderedPage), ElementsAre("low", "high"));
  EXPECT_THAT(OrderOf("| folder |\n| --- |\n| a |\n"), IsEmpty());
}

std::vector<std::string> OrderFindings(const std::string& low,
                                       const std::string& high) {
  return FindingsOf(&CheckFolderOrder, {{"x/README.md", kOrderedPage},
                                        {"x/low/a/BUILD", low},
                                        {"x/high/BUILD", high},
                                        {"x/other/BUILD", ""}});
}

TEST(FolderOrder, BindsDepsAndData) {
  EXPECT_THAT(
      OrderFindings("cc_library(name = \"l\", deps = [\":m\", \"//y\"])",
                    "cc_library(name = \"h\", deps = [\"//x/low/a\"])"),
      IsEmpty());
  EXPECT_THAT(
      OrderFindings("cc_library(name = \"l\", deps = [\"//x/high:h\"])\n"
                    "cc_binary(name = \"m\", data = [\"//x/other\"])\n",
                    ""),
      ElementsAre("x/low/a/BUILD:1: l depends on //x/high:h, but by "
                  "x/README.md low does not depend on high",
                  "x/low/a/BUILD:2: m depends on //x/other, but by x/README.md "
                  "low does not depend on other"));
}

TEST(FolderOrder, BindsAliases) {
  EXPECT_THAT(OrderFindings("alias(name = \"l\", actual = \"//x/high:h\")\n"
                            "cc_library(name = \"m\", deps = [\":l\"])\n",
                            ""),
              ElementsAre("x/low/a/BUILD:1: l depends on //x/high:h, but by "
                          "x/README.md low does not depend on high"));
}

TEST(FolderOrder, KeepsFoldersApartThatThePageNames) {
  EXPECT_THAT(
      FindingsOf(&CheckFolderOrder,
                 {{"README.md",
                   "Each folder depends only on those above; `a` and `b` do "
                   "not depend on each other.\n\n"
                   "| folder |\n| --- |\n| a |\n| b |\n| c |\n"},
                  {"b/BUILD", "cc_library(name = \"b\", deps = [\"//a\"])\n"},
                  {"c/BUILD", "cc_library(name = \"c\", deps = [\"//a\"])\n"}}),
      ElementsAre("b/BUILD:1: b depends on //a, but by README.md b does not "
                  "depend on a"));
}

TEST(FolderOrder, LeavesTestsFree) {
  EXPECT_THAT(OrderFindings("cc_test(name = \"l\", deps = [\"//x/high:h\"])\n"
                            "cc_library(name = \"m\", testonly = True, deps = "
                            "[\"//x/high:h\"])\n",
                            ""),
              IsEmpty());
}

}  // namespace
}  // namespace tools::lint
