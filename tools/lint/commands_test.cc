#include "tools/lint/commands.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/lint/findings_test_util.h"
#include "tools/lint/source_tree.h"
#include "tools/lint/targets.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A program with a flag of its own and one of a library.
Files Program() {
  return {{"a/BUILD",
           "cc_binary(name = \"a\", srcs = [\"a.cc\"], deps = [\":l\"])\n"
           "cc_library(name = \"l\", srcs = [\"l.cc\"])\n"
           "py_binary(name = \"p\", srcs = [\"p.py\"])\n"},
          {"a/p.py",
           "add_argument('--few', type=int)\n"
           "add_argument(\n    '--rare')"},
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

TEST(Commands, OfScriptsAreChecked) {
  Files files = Program();
  files["a/page.js"] =
      "code('tools/bazelw run //a:gone');\nlet x = '//section';\n"
      "code('tools/bazelw run //a -- --slow');\n"
      "'Run it (tools/bazelw run //a -- --fast), or use --other'\n";
  EXPECT_THAT(FindingsOf(&CheckLabels, files),
              ElementsAre("a/page.js:1: there is no target //a:gone"));
  EXPECT_THAT(FindingsOf(&CheckFlags, files),
              ElementsAre("a/page.js:3: //a has no flag --slow"));
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
  EXPECT_THAT(
      CommandFindings("tools/bazelw run //a:p -- --few 3 --rare --fast"),
      ElementsAre("README.md:1: //a:p has no flag --fast"));
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
