#include "pipelines/checkpoint/run_checkpoint.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "networks/published/weight_files.h"
#include "pipelines/base/user_path.h"
#include "pipelines/checkpoint/checkpoint_store.h"
#include "pipelines/testing/scoped_environment.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::networks::files::FreshTestFolder;
using ::testing::AllOf;
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
  EXPECT_THAT(CheckpointAt("/no/where.pth"),
              StatusIs(absl::StatusCode::kNotFound,
                       AllOf(HasSubstr("/no/where.pth: there is no such file"),
                             HasSubstr("as tps-vox"))));
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

TEST(PublishedCheckpoint, IsFoundInTheCacheOrNamed) {
  const std::string cache = FreshTestFolder();
  const ScopedCacheFolder scoped(cache);
  EXPECT_THAT(CheckpointAt(UserPath("tps-vox")),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("the weights tps-vox are not in ")));
  const std::string folder = networks::published::WeightsFolder(CacheFolder());
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/tps-vox.pth.tar") << "PK";
  for (const char* name : {"tps-vox", "tps-vox.pth.tar"}) {
    EXPECT_THAT(CheckpointAt(UserPath(name)),
                IsOkAndHolds(folder + "/tps-vox.pth.tar"));
  }
  EXPECT_THAT(CheckpointAt(UserPath("tps_vox")),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("Did you mean tps-vox?")));
  // Elsewhere the name means nothing.
  EXPECT_THAT(CheckpointAt(cache + "/other/tps-vox"),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("there is no such file")));
}

TEST(RunOf, IsTheFolderAboveCheckpoints) {
  EXPECT_EQ(RunOf("/a/run/checkpoints/best.safetensors"), "/a/run");
  EXPECT_EQ(RunOf("/a/run/checkpoints/../checkpoints/x"), "/a/run");
  EXPECT_EQ(RunOf("/a/run/best.safetensors"), "");
}

}  // namespace
}  // namespace pipelines
