#include "pipelines/animation/record_motion.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/animation/animate_test_util.h"
#include "pipelines/animation/animate_video.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::absl::StatusCode;
using ::networks::files::ReadText;
using ::testing::HasSubstr;

class RecordMotionTest : public AnimateTest {
 protected:
  absl::StatusOr<RecordMotionReport> Record(const std::string& driving) {
    record_.reader = DrivingOptionsOf(options_, *animator_);
    return RecordMotion(*animator_, driving, Path("alone.safetensors"),
                        record_);
  }

  RecordMotionOptions record_;
};

TEST_F(RecordMotionTest, WritesWhatAnAnimationSaves) {
  WriteStill();
  WriteDriving(/*frames=*/11, {30000, 1001});
  options_.save_motion = Path("saved.safetensors");
  ASSERT_THAT(RunTo("out.mp4"), IsOk());
  for (const int batch_size : {1, 4}) {
    record_.batch_size = batch_size;
    record_.overwrite = true;
    const auto report = Record(Path("driving.mp4"));
    ASSERT_THAT(report, IsOk());
    EXPECT_EQ(report->frames, 11);
    EXPECT_EQ(ReadText(Path("alone.safetensors")),
              ReadText(Path("saved.safetensors")));
  }
}

TEST_F(RecordMotionTest, CropsAsTheDrivingVideoIsToBeCropped) {
  WriteDriving(/*frames=*/2);
  record_.overwrite = true;
  const auto recorded = [this] {
    EXPECT_THAT(Record(Path("driving.mp4")), IsOk());
    return ReadText(Path("alone.safetensors"));
  };
  const std::string centre = recorded();
  options_.source_crop = CropMode::kNone;
  EXPECT_EQ(recorded(), centre);
  options_.driving_crop = CropMode::kNone;
  EXPECT_NE(recorded(), centre);
}

TEST_F(RecordMotionTest, ReportsEachFrame) {
  WriteDriving(/*frames=*/5);
  std::vector<int64_t> done, detected;
  record_.hooks.progress = [&](const WorkProgress& now) {
    EXPECT_EQ(now.stage, "detect");
    EXPECT_EQ(now.total, 5);
    done.push_back(now.done);
  };
  record_.frame_detected = [&](int64_t index, const cv::Mat& crop,
                               const torch::Tensor& keypoints) {
    EXPECT_EQ(crop.size(), animator_->frame_size());
    EXPECT_EQ(keypoints.size(1), 2);
    detected.push_back(index);
  };
  ASSERT_THAT(Record(Path("driving.mp4")), IsOk());
  EXPECT_EQ(done, (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(detected, (std::vector<int64_t>{0, 1, 2, 3, 4}));
}

TEST_F(RecordMotionTest, LeavesNothingWhereItIsStopped) {
  WriteDriving(/*frames=*/5);
  record_.hooks.stop = [] { return true; };
  EXPECT_THAT(Record(Path("driving.mp4")),
              StatusIs(StatusCode::kCancelled, HasSubstr("stopped")));
  EXPECT_FALSE(std::filesystem::exists(Path("alone.safetensors")));
}

TEST_F(RecordMotionTest, RefusesWhatHasNoPictures) {
  WriteDriving(/*frames=*/2);
  ASSERT_THAT(Record(Path("driving.mp4")), IsOk());
  std::filesystem::rename(Path("alone.safetensors"), Path("m.safetensors"));
  EXPECT_THAT(Record(Path("m.safetensors")),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("is a motion file already")));
  EXPECT_THAT(Record(Path("none.mp4")),
              StatusIs(StatusCode::kNotFound, HasSubstr("none.mp4")));
}

}  // namespace
}  // namespace pipelines
