#include "tools/lint/own_tests.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kBuild[] = R"(
torch_library(name = "a", srcs = ["a.cc"], hdrs = ["a.h"])
cc_binary(name = "b", srcs = ["b.cc"])
cc_library(name = "c", testonly = True, hdrs = ["c.h"])
)";

// A source of so many lines, the first of which is `first`.
std::string Lines(int count, const std::string& first = "// A.") {
  std::string text = first + "\n";
  for (int i = 1; i < count; ++i) text += "int a;\n";
  return text;
}

std::vector<std::string> Check(const Files& files) {
  Files tree = files;
  tree["x/BUILD"] = kBuild;
  return FindingsOf(&CheckOwnTests, tree);
}

TEST(OwnTests, AreWantedOfLongSourcesOfLibraries) {
  EXPECT_THAT(Check({{"x/a.cc", Lines(60)}, {"x/a.h", Lines(40)}}),
              ElementsAre("x/a.cc:1: has 100 lines in header and source and no "
                          "test: write x/a_test.cc, or say \"Tested by PATH\" "
                          "in a comment"));
  EXPECT_EQ(Check({{"x/a.h", Lines(100)}}).size(), 1u);
  EXPECT_EQ(Check({{"x/a.cc", Lines(100)}}).size(), 1u);
  EXPECT_THAT(Check({{"x/a.cc", Lines(60)}, {"x/a.h", Lines(39)}}), IsEmpty());
}

TEST(OwnTests, AreNotWantedOfProgramsAndHelpersOfTests) {
  EXPECT_THAT(Check({{"x/b.cc", Lines(300)}, {"x/c.h", Lines(300)}}),
              IsEmpty());
}

TEST(OwnTests, StandBesideTheSource) {
  for (const char* const test : {"a_test.cc", "a_test.sh", "a_test.py"}) {
    EXPECT_THAT(Check({{"x/a.cc", Lines(100)}, {std::string("x/") + test, ""}}),
                IsEmpty())
        << test;
  }
  EXPECT_EQ(Check({{"x/a.cc", Lines(100)}, {"y/a_test.cc", ""}}).size(), 1u);
}

TEST(OwnTests, MayHaveAnotherNameThatTheSourceSays) {
  const auto count = [](const std::string& comment) {
    return Check({{"x/a.cc", Lines(100, comment)},
                  {"x/b_test.cc", ""},
                  {"y/z_test.sh", ""},
                  {"x/other.cc", ""}})
        .size();
  };
  EXPECT_EQ(count("// Tested by b_test.cc."), 0u);
  EXPECT_EQ(count("// Fast. Tested by y/z_test.sh, which runs it."), 0u);
  EXPECT_EQ(count("// Tested by c_test.cc."), 1u);  // There is none.
  EXPECT_EQ(count("// Tested by z_test.sh."), 1u);  // Nor here.
  EXPECT_EQ(count("// Tested by other.cc."), 1u);   // That is no test.
  EXPECT_EQ(count("Tested by b_test.cc"), 1u);      // That is no comment.
}

TEST(OwnTests, MayBeNamedByTheHeaderOfASource) {
  const auto count = [](const std::string& header) {
    return Check({{"x/a.cc", Lines(100)},
                  {"x/a.h", header + "\n"},
                  {"x/other.h", "// Tested by b_test.cc.\n"},
                  {"x/b_test.cc", ""}})
        .size();
  };
  EXPECT_EQ(count("// An A. Tested by b_test.cc."), 0u);
  EXPECT_EQ(count("// An A."), 1u);
}

}  // namespace
}  // namespace tools::lint
