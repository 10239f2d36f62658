#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/lint/build_file.h"
#include "tools/lint/commands.h"
#include "tools/lint/deps.h"
#include "tools/lint/folder_order.h"
#include "tools/lint/paths.h"
#include "tools/lint/sorted_lists.h"
#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"
#include "tools/lint/test_data.h"
#include "tools/lint/visibility.h"

namespace tools::lint {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Files = std::map<std::string, std::string>;

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
  const SourceTree tree(Files{{"a/b/c.h", ""}});
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
Files Program() {
  return {{"a/BUILD",
           "cc_binary(name = \"a\", srcs = [\"a.cc\"], deps = [\":l\"])\n"
           "cc_library(name = \"l\", srcs = [\"l.cc\"])\n"},
          {"a/a.cc", "ABSL_FLAG(bool, fast, true, \"\");"},
          {"a/l.cc", "ABSL_FLAG(\n    int,\n    many, 1, \"\");"},
          {".bazelrc", "build:asan --copt=-g\n"}};
}

std::vector<std::string> CommandFindings(const std::string& page) {
  Files files = Program();
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
                              "https://b.c @cpab_animation//a:l. b//c ..//c "
                              "//visibility:public //a:__subpackages__"),
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

TEST(Targets, AreFoundByLabelsAndThroughAliases) {
  const SourceTree tree({{"a/BUILD",
                          "cc_library(name = \"a\")\n"
                          "alias(name = \"b\", actual = \":a\")\n"
                          "alias(name = \"c\", actual = \"//a:b\")\n"
                          "alias(name = \"d\", actual = \"@x//y\")\n"},
                         {"a/a.h", ""}});
  const auto targets = Targets::Read(tree);
  ASSERT_THAT(targets, IsOk());
  ASSERT_NE(targets->Find("//a"), nullptr);
  EXPECT_EQ(targets->Find("//a")->name(), "a");
  EXPECT_EQ(targets->Find("//a:e"), nullptr);
  EXPECT_EQ(targets->Actual("//a:c"), "//a:a");
  EXPECT_EQ(targets->Actual("//a:d"), "//a:d");
  EXPECT_EQ(targets->Actual("//b"), "//b:b");
  EXPECT_TRUE(targets->Has(tree, "//a:a.h"));
  EXPECT_FALSE(targets->Has(tree, "//a:b.h"));
  EXPECT_EQ(WholeLabel("x/y", ":z"), "//x/y:z");
  EXPECT_EQ(WholeLabel("x/y", "//x"), "//x:x");
}

using Check = std::vector<Finding> (*)(const SourceTree&, const Targets&);

std::vector<std::string> FindingsOf(Check check, Files files) {
  const SourceTree tree(std::move(files));
  const auto targets = Targets::Read(tree);
  EXPECT_THAT(targets, IsOk());
  return Texts(check(tree, *targets));
}

std::vector<std::string> DepsFindings(const std::string& deps,
                                      const std::string& includes) {
  return FindingsOf(
      &CheckDeps,
      {{"cpab/BUILD",
        "cc_library(name = \"a\", hdrs = [\"a.h\"])\n"
        "cc_library(name = \"b\", hdrs = [\"b.h\"])\n"
        "alias(name = \"other_b\", actual = \":b\")\n"
        "cc_library(name = \"main\", srcs = [\"main.cc\"])\n"
        "proto_library(name = \"p_proto\", srcs = [\"p.proto\"])\n"
        "cc_proto_library(name = \"p_cc_proto\", deps = [\":p_proto\"])\n"},
       {"cpab/a.h", "#include \"gone.h\"\n"},
       {"x/BUILD",
        "torch_library(name = \"x\", srcs = [\"x.cc\"], hdrs = [\"x.h\"], "
        "deps = [" +
            deps + "])"},
       {"x/x.cc", "#include \"x/x.h\"\n" + includes}});
}

TEST(Deps, AreWhatIsIncluded) {
  EXPECT_THAT(DepsFindings("\"//cpab:a\", \"//cpab:main\", \"//cpab:other_b\", "
                           "\"//cpab:p_cc_proto\", \"//third_party/z\"",
                           "#include <vector>\n#include \"absl/z.h\"\n"
                           "#include \"cpab/a.h\"\n#include \"cpab/b.h\"\n"
                           "#include \"cpab/p.pb.h\"\n"),
              IsEmpty());
  EXPECT_THAT(DepsFindings("\"//cpab:a\"",
                           "#include \"cpab/a.h\"\n#include \"cpab/b.h\"\n"),
              ElementsAre("x/BUILD:1: x lacks the library of cpab/b.h, which "
                          "x/x.cc:3 includes"));
  EXPECT_THAT(DepsFindings("", "#include \"cpab/p.pb.h\"\n"),
              ElementsAre("x/BUILD:1: x lacks the library of cpab/p.pb.h, "
                          "which x/x.cc:2 includes"));
  EXPECT_THAT(
      DepsFindings("\"//cpab:a\", \"//cpab:b\"", "#include \"cpab/a.h\"\n"),
      ElementsAre("x/BUILD:1: x depends on //cpab:b and includes none of it"));
}

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

TEST(FolderOrder, LeavesTestsFree) {
  EXPECT_THAT(OrderFindings("cc_test(name = \"l\", deps = [\"//x/high:h\"])\n"
                            "cc_library(name = \"m\", testonly = True, deps = "
                            "[\"//x/high:h\"])\n",
                            ""),
              IsEmpty());
}

std::vector<std::string> VisibilityFindings(const std::string& build,
                                            const std::string& page) {
  return FindingsOf(&CheckVisibility, {{"a/BUILD", build},
                                       {"third_party/z/BUILD", build},
                                       {"README.md", page}});
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
      ElementsAre("a/BUILD:2: b is public, but README.md does not name it",
                  "README.md:1: //a:c is no public target",
                  "README.md:1: //a:d is no public target"));
}

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
