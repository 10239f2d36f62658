#include "tools/lint/source_tree.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

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

TEST(SourceTree, ReadsWhatIsIncluded) {
  EXPECT_THAT(Includes("#include \"a/b.h\"\n\n#include <map>  // One.\n"
                       "// #include <set>\n#include \"a/b.h\"\n"),
              ElementsAre(Pair("a/b.h", 1), Pair("map", 3)));
}

TEST(SourceTree, ReadsTheCommentsOfEveryLanguage) {
  const auto prose_of = [](const std::string& path, const std::string& text) {
    std::string prose;
    for (const ProseLine& line : Prose(path, text)) {
      prose += std::to_string(line.line) + ":" + line.text + ";";
    }
    return prose;
  };
  const std::string cpp = "int a;\n// One.\nint b;  // Two.\n";
  for (const char* const path : {"a.h", "b/a.cc", "a.cu", "a.proto"}) {
    EXPECT_EQ(prose_of(path, cpp), "2: One.;3: Two.;") << path;
  }
  EXPECT_EQ(prose_of("a.sh", "# One.\nb // c\n"), "1: One.;");
  EXPECT_EQ(prose_of("BUILD", "a = 1  # Two.\n"), "1: Two.;");
  EXPECT_EQ(prose_of("a.md", "One.\n\n"), "1:One.;2:;3:;");
  EXPECT_EQ(prose_of("a.png", cpp), "");
}

}  // namespace
}  // namespace tools::lint
