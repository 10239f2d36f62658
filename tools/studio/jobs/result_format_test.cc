#include "tools/studio/jobs/result_format.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace studio {
namespace {

using ::testing::ElementsAre;

TEST(ResultFormatTest, AJobHasTheFormatsOfItsType) {
  EXPECT_THAT(ResultFormatNames(/*is_motion=*/false),
              ElementsAre("mp4", "gif", "webm", "png"));
  EXPECT_THAT(ResultFormatNames(/*is_motion=*/true), ElementsAre("motion"));
}

TEST(ResultFormatTest, TheWorkerWritesTheFirstOne) {
  EXPECT_EQ(WorkerResultFile(/*is_motion=*/false), "result.mp4");
  EXPECT_EQ(WorkerResultFile(/*is_motion=*/true), "motion.safetensors");
}

TEST(ResultFormatTest, AResultIsSavedByTheJobsId) {
  EXPECT_EQ(DownloadName("abcdefghijklmnopqrstuv", *FindResultFormat("png")),
            "studio-abcdefgh.zip");
  EXPECT_EQ(DownloadName("abcdefghijklmnopqrstuv", *FindResultFormat("motion")),
            "studio-abcdefgh.motion.safetensors");
}

TEST(ResultFormatTest, NoTwoShareANameOrAFile) {
  std::set<std::string> names, files;
  for (const ResultFormat& format : ResultFormats()) {
    EXPECT_TRUE(names.emplace(format.name).second) << format.name;
    EXPECT_TRUE(files.emplace(format.file).second) << format.file;
    EXPECT_EQ(FindResultFormat(format.name), &format);
  }
  EXPECT_EQ(FindResultFormat("avi"), nullptr);
  EXPECT_EQ(FindResultFormat(""), nullptr);
}

}  // namespace
}  // namespace studio
