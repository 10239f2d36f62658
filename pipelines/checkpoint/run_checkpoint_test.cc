#include "pipelines/checkpoint/run_checkpoint.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/testing/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::testing::HasSubstr;

class CheckpointAtTest : public testing::Test {
 protected:
  CheckpointAtTest() { std::filesystem::create_directories(checkpoints_); }

  std::string Write(const std::string& name) const {
    const std::string path = checkpoints_ + "/" + name;
    std::ofstream(path) << "a checkpoint";
    return path;
  }

  const std::string run_ = FreshTestFolder();
  const std::string checkpoints_ = run_ + "/checkpoints";
};

TEST_F(CheckpointAtTest, IsTheFileThatIsNamed) {
  const std::string file = Write(CheckpointName(7));
  Write("best.safetensors");
  EXPECT_THAT(CheckpointAt(file), IsOkAndHolds(file));
  EXPECT_THAT(CheckpointAt("/no/where.pth"), IsOkAndHolds("/no/where.pth"));
}

TEST_F(CheckpointAtTest, IsTheNewestOfARunWithoutABest) {
  Write(CheckpointName(9));
  const std::string newest = Write(CheckpointName(10));
  EXPECT_THAT(CheckpointAt(run_), IsOkAndHolds(newest));
  EXPECT_THAT(CheckpointAt(checkpoints_), IsOkAndHolds(newest));
}

TEST_F(CheckpointAtTest, IsTheBestWhereThereIsOne) {
  const std::string best = Write("best.safetensors");
  Write(CheckpointName(10));
  EXPECT_THAT(CheckpointAt(run_), IsOkAndHolds(best));
  EXPECT_THAT(CheckpointAt(checkpoints_), IsOkAndHolds(best));
}

TEST_F(CheckpointAtTest, IsNoneInAFolderWithoutAny) {
  EXPECT_THAT(CheckpointAt(run_),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr(run_ + ": is a folder without checkpoints")));
}

}  // namespace
}  // namespace pipelines
