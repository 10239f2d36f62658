#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/lint/build_file.h"
#include "tools/lint/commands.h"
#include "tools/lint/paths.h"
#include "tools/lint/sorted_lists.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Texts(const std::vector<Finding>& findings) {
  std::vector<std::string> texts;
  for (const Finding& finding : findings) texts.push_back(FindingText(finding));
  return texts;
}

std::vector<BuildRule> Rules(const std::string& text) {
  auto rules = ParseBuildFile("BUILD", text);
  EXPECT_THAT(rules, IsOk());
  return rules.value_or(std::vector<BuildRule>());
}

TEST(SourceTree, KnowsFilesFoldersAndTails) {
  const SourceTree tree({{"a/b/c.h", ""}});
  EXPECT_TRUE(tree.HasFile("a/b/c.h"));
  EXPECT_FALSE(tree.HasFile("a/b"));
  EXPECT_TRUE(tree.HasFolder("a/b"));
  EXPECT_TRUE(tree.HasFolder("a"));
  EXPECT_FALSE(tree.HasFolder("b"));
  EXPECT_TRUE(tree.HasTail("b/c.h"));
  EXPECT_TRUE(tree.HasTail("c.h"));
  EXPECT_FALSE(tree.HasTail(".h"));
}

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
  EXPECT_EQ(rules[2].name(), "all");
  EXPECT_THAT(rules[2].Strings("srcs"), ElementsAre("*.png"));
}

TEST(BuildFile, NamesTheLineOfAMistake) {
  EXPECT_THAT(ParseBuildFile("a/BUILD", "\ncc_test(\n    name = \"x\",\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a/BUILD:2: cc_test( has no closing")));
  EXPECT_THAT(ParseBuildFile("a/BUILD", "cc_test(\n    name = \"x,\n)\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a/BUILD:2: a string does not end")));
}

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

// A program with a flag of its own and one of a library.
std::map<std::string, std::string> Program() {
  return {{"a/BUILD",
           "cc_binary(name = \"a\", srcs = [\"a.cc\"], deps = [\":l\"])\n"
           "cc_library(name = \"l\", srcs = [\"l.cc\"])\n"},
          {"a/a.cc", "ABSL_FLAG(bool, fast, true, \"\");"},
          {"a/l.cc", "ABSL_FLAG(\n    int,\n    many, 1, \"\");"},
          {".bazelrc", "build:asan --copt=-g\n"}};
}

std::vector<std::string> CommandFindings(const std::string& page) {
  std::map<std::string, std::string> files = Program();
  files["README.md"] = page;
  const SourceTree tree(files);
  const auto targets = Targets::Read(tree);
  EXPECT_THAT(targets, IsOk());
  std::vector<std::string> texts = Texts(CheckLabels(tree, *targets));
  for (const Finding& finding : CheckFlags(tree, *targets)) {
    texts.push_back(FindingText(finding));
  }
  return texts;
}

TEST(Commands, TargetsAreThere) {
  EXPECT_THAT(CommandFindings("//a, `//a:l`, //a:a.cc, //..., //a/..., //a:all "
                              "https://b.c @cpab_animation//a:l. b//c ..//c"),
              IsEmpty());
  EXPECT_THAT(CommandFindings("`//a:b`\n//b"),
              ElementsAre("README.md:1: there is no target //a:b",
                          "README.md:2: there is no target //b"));
  EXPECT_THAT(CommandFindings("//b/..."),
              ElementsAre("README.md:1: there is no target //b/..."));
}

TEST(Commands, FlagsAreThePrograms) {
  EXPECT_THAT(
      CommandFindings("tools/bazelw run --config=asan //a -- --fast \\\n"
                      "  --many=3 --nofast --help\n"),
      IsEmpty());
  EXPECT_THAT(
      CommandFindings("tools/bazelw run //a -- --fast \\\n  --slow 3\n"),
      ElementsAre("README.md:1: //a has no flag --slow"));
  EXPECT_THAT(CommandFindings("tools/bazelw test --config=msan //a\n"),
              ElementsAre("README.md:1: .bazelrc has no config msan"));
}

TEST(Commands, FlagsInProseAreSomePrograms) {
  EXPECT_THAT(CommandFindings("`--many 3`, (--nofast), a--b, --config=asan, "
                              "build --copt=-O2"),
              IsEmpty());
  EXPECT_THAT(CommandFindings("with `--slow`"),
              ElementsAre("README.md:1: no program has a flag --slow"));
}

}  // namespace
}  // namespace tools::lint
