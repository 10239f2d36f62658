#include "tools/lint/paths.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;

TEST(Links, LeadToFilesFoldersAndHeadings) {
  const SourceTree tree(
      {{"README.md",
        "# Top\n[a](a/README.md) [b](a/) [c](#top)\n"
        "[d](https://x.y/z) ![e](a/e.png) x[i](s + t)\n[f](f.md)\n"},
       {"a/README.md",
        "## The law: x, y\n[up](../README.md#top)\n"
        "[here](#the-law-x-y)\n[no](#none) [no](e.jpg)\n"},
       {"a/e.png", ""}});
  EXPECT_THAT(
      Texts(CheckLinks(tree)),
      ElementsAre(
          "README.md:4: the link f.md leads to no file or folder",
          "a/README.md:4: the link #none names no heading of a/README.md",
          "a/README.md:4: the link e.jpg leads to no file or folder"));
}

TEST(Paths, OfPagesAndCommentsAreThere) {
  const SourceTree tree(
      {{"a/b/c.h",
        "// See a/b/d.cc, d.cc, b/d.cc and ../b/d.cc.\n"
        "#include \"not/looked/at.h\"\n"
        "int x;  // as in gone.cc; a/none is no folder\n"},
       {"a/b/d.cc", ""},
       {"a/README.md",
        "`b/c.h`, `b/`, a/b, /usr/lib/x.h, ~/y.sh, b/*.md, run-....proto\n"
        "and/or, c.h:12, https://w.x/y.md, e.textproto, foo.h, NAME.md,\n"
        "a/my_b/c.h, config.textproto.\n"},
       {"a/weights.bin", "# none.h"},
       {"a/b/BUILD", "# About none.bzl.\n"}});
  EXPECT_THAT(Texts(CheckPaths(tree)),
              ElementsAre("a/README.md:2: there is no e.textproto",
                          "a/b/BUILD:1: there is no none.bzl",
                          "a/b/c.h:3: there is no gone.cc",
                          "a/b/c.h:3: there is no a/none"));
}

}  // namespace
}  // namespace tools::lint
