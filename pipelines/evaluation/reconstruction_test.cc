#include "pipelines/evaluation/reconstruction.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "networks/lpips.h"
#include "networks/testing/devices.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "pipelines/data/data_folder.h"
#include "pipelines/evaluation/clip_truth.h"
#include "pipelines/testing/scoped_environment.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ReconstructionTest : public testing::Test {
 protected:
  const ScopedCacheFolder cache_;

  void SetUp() override {
    torch::set_num_threads(1);
    config_ = *TinyConfig();
    torch::manual_seed(3);
    model_ = *AnimationModel::Create(config_.model());
    model_->eval();
    folder_ = *DataFolder(config_.data());
  }

  absl::StatusOr<EvaluationResult> Evaluate(const std::string& folder) {
    const auto test = OpenSplit(folder, "test", config_.data(), /*seed=*/0);
    if (!test.ok()) return test.status();
    return EvaluateReconstruction(*model_, torch::kCPU, **test,
                                  config_.evaluation());
  }
  absl::StatusOr<EvaluationResult> Evaluate() { return Evaluate(folder_); }

  // The test clips without their ground truth.
  std::string FolderWithoutTruth() {
    const std::string folder =
        absl::StrCat(testing::TempDir(), "/without_truth");
    fs::remove_all(folder);
    fs::create_directories(folder);
    fs::copy(absl::StrCat(folder_, "/test"), absl::StrCat(folder, "/test"));
    return folder;
  }

  Config config_;
  std::shared_ptr<AnimationModel> model_;
  std::string folder_;
};

TEST_F(ReconstructionTest, ScoresEveryFrameOfEveryClip) {
  const auto result = Evaluate();
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->clips.size(), 2u);
  double sum = 0;
  for (const ClipResult& clip : result->clips) {
    EXPECT_EQ(clip.frames, 6);
    EXPECT_GT(clip.model.l1, 0);
    EXPECT_GT(clip.first_frame.l1, 0);
    sum += clip.model.l1;
  }
  EXPECT_DOUBLE_EQ(result->model.l1, sum / 2);
}

// As papers report them, where clips differ in length.
TEST_F(ReconstructionTest, MeansAreOverTheFramesOfAllClips) {
  const std::string folder = FolderWithoutTruth();
  const std::string path = absl::StrCat(folder, "/test/00001.png");
  const cv::Mat frames = cv::imread(path);
  ASSERT_EQ(frames.cols, 6 * frames.rows);
  cv::imwrite(path, frames.colRange(0, 3 * frames.rows));
  const auto result = Evaluate(folder);
  ASSERT_THAT(result, IsOk());
  const ClipResult& whole = result->clips[0];
  const ClipResult& cut = result->clips[1];
  ASSERT_EQ(cut.frames, 3);
  EXPECT_NEAR(result->model.l1, (6 * whole.model.l1 + 3 * cut.model.l1) / 9,
              1e-12);
  EXPECT_NEAR(result->first_frame.ssim,
              (6 * whole.first_frame.ssim + 3 * cut.first_frame.ssim) / 9,
              1e-12);
  // Without the first frames, which are equal.
  EXPECT_NEAR(result->first_frame.psnr,
              (5 * whole.first_frame.psnr + 2 * cut.first_frame.psnr) / 7,
              1e-10);
  EXPECT_THAT(EvaluationText(*result),
              testing::ContainsRegex("mean of all frames +9 "));
}

// Nothing moving, a joint is as far off as it has moved.
TEST_F(ReconstructionTest, BaselineOfTheMotionIsHowFarJointsMove) {
  const auto result = Evaluate();
  ASSERT_THAT(result, IsOk());
  ASSERT_TRUE(result->no_motion.has_value());
  const auto test = OpenSplit(folder_, "test", config_.data(), 0);
  ASSERT_THAT(test, IsOk());
  double sum = 0;
  int joints = 0, near = 0;
  for (const data::IndexedClip& clip : (*test)->clips()) {
    const auto truth = ReadClipTruth(clip, (*test)->image_size());
    ASSERT_THAT(truth, IsOk());
    const auto& frames = (**truth).frames;
    for (size_t frame = 1; frame < frames.size(); ++frame) {
      for (int joint = 0; joint < puppets::kNumJoints; ++joint) {
        const auto& from = frames[0].joints[joint];
        const auto& to = frames[frame].joints[joint];
        if (!from.visible || !to.visible) continue;
        const double moved = std::hypot(from.position.x - to.position.x,
                                        from.position.y - to.position.y);
        sum += moved;
        near += moved <= 0.1;
        ++joints;
      }
    }
  }
  EXPECT_EQ(result->no_motion->joints, joints);
  // The identity is looked up bilinearly in float32.
  EXPECT_NEAR(result->no_motion->JointTransferError(), sum / joints, 1e-6);
  EXPECT_NEAR(result->no_motion->Pck(), 1.0 * near / joints, 1e-6);
  EXPECT_GT(result->no_motion->FlowEndPointError(), 0);
}

TEST_F(ReconstructionTest, MotionIsTheModelsOwn) {
  const auto result = Evaluate();
  ASSERT_THAT(result, IsOk());
  ASSERT_TRUE(result->motion.has_value());
  EXPECT_EQ(result->motion->joints, result->no_motion->joints);
  EXPECT_EQ(result->motion->flow_pixels, result->no_motion->flow_pixels);
  EXPECT_NE(result->motion->FlowEndPointError(),
            result->no_motion->FlowEndPointError());
}

TEST_F(ReconstructionTest, HasNoMotionScoresWithoutGroundTruth) {
  const auto result = Evaluate(FolderWithoutTruth());
  ASSERT_THAT(result, IsOk());
  EXPECT_FALSE(result->motion.has_value());
  EXPECT_FALSE(result->clips[0].no_motion.has_value());
  EXPECT_THAT(EvaluationText(*result), Not(HasSubstr("PCK")));
  EXPECT_THAT(EvaluationJson(*result), Not(HasSubstr("pck")));
}

TEST_F(ReconstructionTest, DoesNotDependOnTheBatchSize) {
  const auto together = Evaluate();
  config_.mutable_evaluation()->set_batch_size(4);
  const auto apart = Evaluate();
  ASSERT_THAT(together, IsOk());
  ASSERT_THAT(apart, IsOk());
  EXPECT_EQ(together->model.l1, apart->model.l1);
  EXPECT_EQ(together->motion->JointTransferError(),
            apart->motion->JointTransferError());
}

TEST_F(ReconstructionTest, LooksAtEveryNthFrameOfTheFirstClips) {
  config_.mutable_evaluation()->set_frame_step(4);
  config_.mutable_evaluation()->set_max_clips(1);
  const auto result = Evaluate();
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->clips.size(), 1u);
  EXPECT_EQ(result->clips[0].frames, 2);  // of 0, ..., 5: 0 and 4
}

// Else a short clip would be its first frame alone, compared with itself.
TEST_F(ReconstructionTest, LooksAtTheLastFrameOfShortClips) {
  config_.mutable_evaluation()->set_frame_step(8);
  const auto result = Evaluate();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->clips[0].frames, 2);  // of 0, ..., 5: 0 and 5
  EXPECT_GT(result->first_frame.l1, 0);
  EXPECT_EQ(ScoredFrameStep(4, 1), 1);
  EXPECT_EQ(ScoredFrameStep(4, 2), 1);
  EXPECT_EQ(ScoredFrameStep(4, 4), 3);
  EXPECT_EQ(ScoredFrameStep(4, 5), 4);
  EXPECT_EQ(ScoredFrameStep(4, 100), 4);
}

void FillWithNan(torch::nn::Module& module) {
  const torch::NoGradGuard no_grad;
  for (torch::Tensor& parameter : module.parameters()) {
    parameter.fill_(std::numeric_limits<float>::quiet_NaN());
  }
}

TEST_F(ReconstructionTest, MotionThatIsNotFiniteIsAnErrorNamingTheFrame) {
  FillWithNan(*model_->parts().dense_motion);
  for (const std::string& folder : {folder_, FolderWithoutTruth()}) {
    EXPECT_THAT(
        Evaluate(folder),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("00000: the model's motion of frame 0 is not")));
  }
}

TEST_F(ReconstructionTest, APredictionThatIsNotFiniteIsAnErrorToo) {
  FillWithNan(*model_->parts().inpainting);
  EXPECT_THAT(
      Evaluate(),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("00000: the model's prediction of frame 0 is not")));
}

EvaluationResult ResultOf(const std::vector<double>& errors) {
  EvaluationResult result;
  for (const double l1 : errors) {
    ClipResult clip;
    clip.name = absl::StrCat("clip", result.clips.size());
    clip.model.l1 = l1;
    result.clips.push_back(clip);
  }
  return result;
}

class ReconstructionDeviceTest : public networks::test_util::DeviceTest {
 protected:
  const ScopedCacheFolder cache_;
};

INSTANTIATE_ON_DEVICES(ReconstructionDeviceTest);

// Rounding puts some of a frame's values on the next of 255 levels.
TEST_P(ReconstructionDeviceTest, ScoresAsOnTheCpu) {
  const Config config = *TinyConfig();
  const auto test = OpenSplit(*DataFolder(config.data()), "test", config.data(),
                              /*seed=*/0);
  ASSERT_THAT(test, IsOk());
  std::vector<EvaluationResult> results;
  for (const torch::Device where : {torch::Device(torch::kCPU), device()}) {
    torch::manual_seed(3);
    const auto model = *AnimationModel::Create(config.model());
    model->eval();
    model->to(where);
    ReconstructionTools tools;
    tools.lpips = networks::Lpips(networks::LpipsBackbone::kAlexNet);
    tools.lpips->to(where);
    const auto result = EvaluateReconstruction(*model, where, **test,
                                               config.evaluation(), tools);
    ASSERT_THAT(result, IsOk());
    results.push_back(*result);
  }
  const EvaluationResult &expected = results[0], &actual = results[1];
  EXPECT_NEAR(actual.model.l1, expected.model.l1, 1e-3);
  EXPECT_NEAR(actual.model.psnr, expected.model.psnr, 0.1);
  EXPECT_NEAR(actual.model.ssim, expected.model.ssim, 1e-2);
  EXPECT_NEAR(actual.model.lpips.value(), expected.model.lpips.value(),
              0.02 * expected.model.lpips.value());
  EXPECT_NEAR(actual.motion.value().FlowEndPointError(),
              expected.motion.value().FlowEndPointError(), 1e-3);
}

TEST(WorstFirst, PutsNotANumberInFront) {
  const auto clips = WorstFirst(ResultOf({0.1, NAN, 0.3, 0.2, NAN}));
  std::vector<std::string> names;
  for (const ClipResult& clip : clips) names.push_back(clip.name);
  EXPECT_THAT(
      names, testing::ElementsAre("clip1", "clip4", "clip2", "clip3", "clip0"));
}

TEST(EvaluationText, HasAMotionColumnWhereAnyClipHasTruth) {
  EvaluationResult result = ResultOf({0.1, 0.2});
  result.clips[1].motion.emplace();
  result.clips[1].motion->joints = 4;
  result.clips[1].motion->correct_joints = 3;
  result.clips[1].motion->joint_error_sum = 0.5;
  result.motion = result.clips[1].motion;
  EXPECT_THAT(EvaluationText(result), HasSubstr("PCK"));
  EXPECT_THAT(EvaluationText(result), HasSubstr("0.1250  0.7500"));
  EXPECT_THAT(EvaluationJson(result), HasSubstr("\"pck\": 0.75"));
}

TEST(EvaluationJson, TellsNamesThatAreNotUtf8Apart) {
  EvaluationResult result;
  result.clips.resize(3);
  result.clips[0].name = "caf\xe9";
  result.clips[1].name = "caf\xe8";
  result.clips[2].name = "caf\u00e9";
  EvaluationSetting setting;
  setting.set_data("/x/caf\xe9");
  const std::string json = EvaluationJson(result, setting);
  for (const char* text : {R"("caf\\xe9")", R"("caf\\xe8")", "\"caf\u00e9\"",
                           R"("/x/caf\\xe9")"}) {
    EXPECT_THAT(json, HasSubstr(text));
  }
}

TEST_F(ReconstructionTest, StopsBetweenBatches) {
  const auto test = OpenSplit(folder_, "test", config_.data(), /*seed=*/0);
  ASSERT_THAT(test, IsOk());
  int asked = 0, clips = 0;
  ReconstructionTools tools;
  tools.hooks.stop = [&] { return ++asked == 3; };
  tools.hooks.progress = [&](const WorkProgress& progress) {
    EXPECT_EQ(progress.done, clips++);
    EXPECT_EQ(progress.total, 2);
  };
  // Each clip of 6 frames in two batches.
  config_.mutable_evaluation()->set_batch_size(4);
  EXPECT_THAT(EvaluateReconstruction(*model_, torch::kCPU, **test,
                                     config_.evaluation(), tools),
              StatusIs(absl::StatusCode::kCancelled, testing::_));
  EXPECT_EQ(clips, 2);  // the beginning and one clip
}

}  // namespace
}  // namespace pipelines
