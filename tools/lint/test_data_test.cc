#include "tools/lint/test_data.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;

TEST(TestData, IsNamedByItsPage) {
  EXPECT_THAT(
      Texts(CheckTestData(SourceTree({
          {"a/testdata/README.md",
           "# Data\n| traj_\\<n>x\\<m>_zb? | a table |\n"
           "`one.png`, two and `in/NAME.txt`: by `draw one.png`.\n"},
          {"a/testdata/traj_3x5_zb0.bin", ""},
          {"a/testdata/one.png", ""},
          {"a/testdata/two.json", ""},
          {"a/testdata/in/any.txt", ""},
          {"a/testdata/three.png", ""},
          {"b/testdata/x.png", ""},
          {"b/c/testdata/video/README.md", "`*` and `y.mp4`"},
          {"b/c/testdata/video/y.mp4", ""},
          {"b/c/testdata/video/z.mp4", ""},
          {"b/README.md", "x.png"},
      }))),
      ElementsAre(
          "a/testdata/three.png:1: no README.md of its folder says how it was "
          "made",
          "b/c/testdata/video/z.mp4:1: no README.md of its folder says how it "
          "was made",
          "b/testdata/x.png:1: no README.md of its folder says how it was "
          "made"));
}

}  // namespace
}  // namespace tools::lint
