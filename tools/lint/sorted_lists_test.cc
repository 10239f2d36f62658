#include "tools/lint/sorted_lists.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> ListFindings(const std::string& list) {
  return Texts(CheckSortedLists(
      "BUILD", Rules("x(name = \"x\", deps = [" + list + "])")));
}

TEST(SortedLists, AreInBuildifiersOrder) {
  EXPECT_THAT(ListFindings(R"("a.cc", "a.h", "b.cc", ":a", ":a_b", "//a",
                              "//a:b", "//a/b", "//b", "@a")"),
              IsEmpty());
  // A colon ends a part: "//a:z" is before "//a/b".
  EXPECT_THAT(ListFindings(R"("//a/b", "//a:z")"),
              ElementsAre(R"(BUILD:1: "//a:z" belongs before "//a/b")"));
  EXPECT_THAT(ListFindings(R"("//a", ":b")"),
              ElementsAre(R"(BUILD:1: ":b" belongs before "//a")"));
  EXPECT_THAT(ListFindings(R"(":b", ":b")"),
              ElementsAre(R"(BUILD:1: ":b" stands twice)"));
}

TEST(SortedLists, BeginAnewAfterABlankLineOrAComment) {
  EXPECT_THAT(ListFindings("\":b\",\n\n\":a\""), IsEmpty());
  EXPECT_THAT(ListFindings("\":b\",\n# Why.\n\":a\""), IsEmpty());
  EXPECT_THAT(ListFindings("\":b\",  # Why.\n\":a\"").size(), 1);
}

TEST(SortedLists, LeaveOtherAttributesAlone) {
  EXPECT_THAT(CheckSortedLists("BUILD", Rules("x(args = [\"b\", \"a\"])")),
              IsEmpty());
}

}  // namespace
}  // namespace tools::lint
