#include "tools/studio/runs/table_follower.h"

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "nlohmann/json.hpp"
#include "tools/studio/runs/safe_folder.h"

namespace studio {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

constexpr int64_t kMany = 1 << 20;

class TableFollowerTest : public networks::files::FolderTest {
 protected:
  SafeFile File() const {
    return SafeFolder::Open(Path(""))->OpenFile("t.csv").value();
  }
  bool Follow(int64_t max_bytes = kMany) {
    return follower_.Follow(File(), max_bytes).value();
  }
  json Points(int column = 0) const {
    return follower_.table()->Points(column, -1);
  }

  TableFollower follower_{1000};
};

TEST_F(TableFollowerTest, ReadsWholeLinesAndTheRestLater) {
  Write("t.csv", "step,a,b\n1,0.5,nan\n2,0.2");
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.columns(), ElementsAre("a", "b"));
  EXPECT_EQ(Points(), json::parse("[[1,0.5,0.5,0.5]]"));
  EXPECT_EQ(LastStepOf(File()), 1);
  Write("t.csv", "step,a,b\n1,0.5,nan\n2,0.25,7\n");
  EXPECT_TRUE(Follow());
  EXPECT_EQ(Points(), json::parse("[[1,0.5,0.5,0.5],[2,0.25,0.25,0.25]]"));
  EXPECT_EQ(Points(1), json::parse("[[2,7,7,7]]"));
  EXPECT_EQ(LastStepOf(File()), 2);
  EXPECT_EQ(follower_.bad_lines(), 0);
}

TEST_F(TableFollowerTest, AHeaderThatIsBeingWrittenIsReadLater) {
  Write("t.csv", "step,a");
  EXPECT_TRUE(Follow());
  EXPECT_EQ(follower_.table(), nullptr);
  Write("t.csv", "step,abc\n1,2\n");
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.columns(), ElementsAre("abc"));
}

TEST_F(TableFollowerTest, RefusesStepsThatThePageCannotCount) {
  Write("t.csv",
        "step,a\n1,1\n9007199254740992,2\n9007199254740993,3\n"
        "9200000000000000000,4\n");
  EXPECT_TRUE(Follow());
  EXPECT_EQ(Points(), json::parse("[[1,1,1,1],[9007199254740992,2,2,2]]"));
  EXPECT_EQ(LastStepOf(File()), 9007199254740992);
  EXPECT_EQ(follower_.bad_lines(), 2);
}

// As a run does that resumes: it rewrites the file and renames it.
TEST_F(TableFollowerTest, ReadsAReplacedFileAnew) {
  Write("t.csv", "step,a\n1,1\n2,2\n3,3\n");
  EXPECT_TRUE(Follow());
  Write("new", "step,a\n1,1\n2,9\n3,8\n4,7\n");
  std::filesystem::rename(Path("new"), Path("t.csv"));
  EXPECT_TRUE(Follow());
  EXPECT_EQ(Points()[1][1], 9);
  EXPECT_EQ(Points().size(), 4);
}

TEST_F(TableFollowerTest, ReadsACutFileAnew) {
  Write("t.csv", "step,a\n1,1\n2,2\n3,3\n");
  EXPECT_TRUE(Follow());
  std::filesystem::resize_file(Path("t.csv"), 11);
  EXPECT_TRUE(Follow());
  EXPECT_EQ(Points().size(), 1);
}

TEST_F(TableFollowerTest, ReadsALargeFileInPieces) {
  std::string text = "step,a\n";
  for (int step = 1; step <= 20000; ++step) {
    absl::StrAppend(&text, step, ",", 0.5 * step, "\n");
  }
  Write("t.csv", text);
  int calls = 1;
  while (!Follow(64 << 10)) ++calls;
  EXPECT_GT(calls, 2);
  EXPECT_EQ(follower_.table()->last_step(), 20000);
  EXPECT_EQ(follower_.bad_lines(), 0);
  TableFollower at_once(1000);
  EXPECT_TRUE(at_once.Follow(File(), kMany).value());
  EXPECT_EQ(at_once.table()->Points(0, -1), Points());
}

TEST_F(TableFollowerTest, CountsLinesThatAreNoRows) {
  Write(
      "t.csv",
      "step,a\n1,1\n\nx,1\n2\n2,1,1\n2,x\n-1,1\n1,1\n2,2\n99999999999999999999"
      ",1\n");
  EXPECT_TRUE(Follow());
  EXPECT_EQ(follower_.bad_lines(), 8);
  EXPECT_EQ(Points().size(), 2);
}

TEST_F(TableFollowerTest, TakesNoOtherTable) {
  for (const std::string& text :
       {std::string("time,a\n1,2\n"), std::string("\0\1\2\n\n", 5),
        absl::StrCat("step", std::string(1000, ','), "\n1\n"),
        std::string(100000, '\n')}) {
    Write("t.csv", text);
    TableFollower follower(1000);
    EXPECT_TRUE(follower.Follow(File(), kMany).value());
    EXPECT_EQ(follower.table(), nullptr);
    EXPECT_GT(follower.bad_lines(), 0);
  }
}

TEST_F(TableFollowerTest, AnEndlessLineIsNoRowAndTakesNoMemory) {
  Write("t.csv", "step,a\n1,1\n" + std::string(300000, '7'));
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Follow());
    EXPECT_EQ(Points().size(), 1);
  }
  EXPECT_EQ(follower_.bad_lines(), 1);
  EXPECT_EQ(LastStepOf(File()), -1);
}

TEST_F(TableFollowerTest, ReadsATableThatWindowsHasSaved) {
  Write("t.csv", "\xEF\xBB\xBFstep,a,b\r\n1,0.5,7\r\n");
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.columns(), ElementsAre("a", "b"));
  EXPECT_EQ(Points(1), json::parse("[[1,7,7,7]]"));
  EXPECT_EQ(follower_.bad_lines(), 0);
  EXPECT_EQ(LastStepOf(File()), 1);
}

TEST_F(TableFollowerTest, NamesOfColumnsArePrintable) {
  Write("t.csv", "step,<b>\x01\xff,ok\n");
  EXPECT_TRUE(Follow());
  EXPECT_THAT(follower_.columns(), ElementsAre("<b>??", "ok"));
}

}  // namespace
}  // namespace studio
