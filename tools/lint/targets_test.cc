#include "tools/lint/targets.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"
#include "tools/lint/source_tree.h"

namespace tools::lint {
namespace {

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

}  // namespace
}  // namespace tools::lint
