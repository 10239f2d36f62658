#include "tools/lint/source_tree.h"

#include "gtest/gtest.h"
#include "tools/lint/findings_test_util.h"

namespace tools::lint {
namespace {

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

}  // namespace
}  // namespace tools::lint
