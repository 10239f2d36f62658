#include "tools/lint/visibility.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> VisibilityFindings(const std::string& build,
                                            const std::string& page) {
  return FindingsOf(&CheckVisibility, {{"a/BUILD", build},
                                       {"third_party/z/BUILD", build},
                                       {"LIBRARIES.md", page}});
}

TEST(Visibility, IsPrivateByDefault) {
  EXPECT_THAT(
      VisibilityFindings(
          "package(default_visibility = [\"//visibility:private\"])\n", ""),
      IsEmpty());
  EXPECT_THAT(
      VisibilityFindings(
          "package(default_visibility = [\"//visibility:public\"])\n", ""),
      ElementsAre("a/BUILD:1: the package is public by default: open single "
                  "targets"));
}

TEST(Visibility, OfPublicTargetsIsOnThePage) {
  const std::string build =
      "cc_library(name = \"a\", visibility = [\"//visibility:public\"])\n"
      "cc_library(name = \"b\", visibility = [\"//visibility:public\"])\n"
      "cc_library(name = \"c\")\n";
  EXPECT_THAT(VisibilityFindings(build, "| `//a` | `a`, `b` | what |\n"),
              IsEmpty());
  EXPECT_THAT(VisibilityFindings(build, "Run //a and @x//a:b.\n"), IsEmpty());
  EXPECT_THAT(
      VisibilityFindings(build, "| `//a` | `a`, `c`; `d` | what |\n"),
      ElementsAre("a/BUILD:2: b is public, but LIBRARIES.md does not name it",
                  "LIBRARIES.md:1: //a:c is no public target",
                  "LIBRARIES.md:1: //a:d is no public target"));
}

TEST(Visibility, OfProgramsThatThePageCallsPublicIsPublic) {
  EXPECT_THAT(
      VisibilityFindings(
          "cc_binary(name = \"a\", visibility = [\"//visibility:public\"])\n"
          "cc_binary(name = \"b\")\n"
          "cc_binary(name = \"c\")\n",
          "Programs are public, too: `//a`,\n`//a:b`.\n\n`//a:c` is not.\n"),
      ElementsAre("LIBRARIES.md:2: //a:b is no public target"));
}

}  // namespace
}  // namespace tools::lint
