#include "pipelines/base/quoted_for_shell.h"

#include "gtest/gtest.h"

namespace pipelines {
namespace {

TEST(QuotedForShellTest, LeavesPlainWords) {
  EXPECT_EQ(QuotedForShell("--set=a.b/c,1:2+3@4%"), "--set=a.b/c,1:2+3@4%");
}

TEST(QuotedForShellTest, QuotesWhatAShellWouldTakeForSomethingElse) {
  EXPECT_EQ(QuotedForShell(""), "''");
  EXPECT_EQ(QuotedForShell("my clip.mp4"), "'my clip.mp4'");
  EXPECT_EQ(QuotedForShell("$HOME"), "'$HOME'");
  EXPECT_EQ(QuotedForShell("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace pipelines
