#include "pipelines/training/run_report.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/evaluation/evaluation.h"
#include "pipelines/media/image_io.h"
#include "pipelines/report/loss_log.h"
#include "pipelines/report/visualize.h"
#include "pipelines/testing/testing_config.h"
#include "pipelines/training/diagnostics.h"
#include "pipelines/training/run_folder.h"
#include "pipelines/training/step_report.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

using ::networks::files::FreshTestFolder;
using ::networks::files::ReadText;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class WriteStripTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(3);
    config_ = TinyConfig()->model();
    model_ = *AnimationModel::Create(config_);
    source_ = torch::rand({2, 3, 32, 32});
    driving_ = torch::rand({2, 3, 32, 32});
  }

  // The strip of the model's own frames in eval mode.
  cv::Mat Expected() {
    const torch::NoGradGuard no_grad;
    model_->eval();
    const PreparedSource source = model_->PrepareSource(source_);
    StripInput strip;
    strip.source = source_;
    strip.driving = driving_;
    strip.source_keypoints = source.keypoints;
    strip.driving_keypoints = model_->DetectKeypoints(driving_);
    MoveOptions options;
    options.background = model_->PredictBackground(source_, driving_);
    const Motion motion =
        model_->Move(source, strip.driving_keypoints, options);
    const networks::InpaintingOutput painted = model_->Paint(source, motion);
    strip.prediction = painted.prediction;
    strip.deformed_source = painted.deformed_source;
    strip.source_from_driving = motion.blend.source_from_driving;
    strip.occlusion_maps = motion.blend.occlusion_maps;
    strip.contribution_maps = motion.blend.contribution_maps;
    StripOptions look;
    look.keypoints_per_transform = config_.keypoints_per_transform();
    return DrawStrip(strip, look);
  }

  ModelConfig config_;
  std::shared_ptr<AnimationModel> model_;
  torch::Tensor source_, driving_;
};

TEST_F(WriteStripTest, ShowsTheFramesOfTheModelInEvalMode) {
  const auto folder = RunFolder::Open(FreshTestFolder());
  ASSERT_THAT(folder, IsOk());
  model_->train();
  const auto path =
      WriteStrip(*folder, *model_, config_, source_, driving_, /*epoch=*/7);
  ASSERT_THAT(path, IsOk());
  EXPECT_EQ(*path, folder->path() + "/pictures/epoch-00007.png");
  const auto strip = media::ReadImage(*path);
  ASSERT_THAT(strip, IsOk());
  const cv::Mat expected = Expected();
  ASSERT_EQ(strip->size(), expected.size());
  EXPECT_EQ(cv::norm(*strip, expected, cv::NORM_INF), 0);
}

TEST_F(WriteStripTest, LeavesTheModelAsItWas) {
  const auto folder = RunFolder::Open(FreshTestFolder());
  ASSERT_THAT(folder, IsOk());
  for (const bool training : {true, false}) {
    model_->train(training);
    std::vector<torch::Tensor> before;
    for (const torch::Tensor& buffer : model_->buffers()) {
      before.push_back(buffer.clone());
    }
    ASSERT_THAT(
        WriteStrip(*folder, *model_, config_, source_, driving_, /*epoch=*/0),
        IsOk());
    EXPECT_EQ(model_->is_training(), training);
    const std::vector<torch::Tensor> after = model_->buffers();
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(torch::equal(after[i], before[i])) << "buffer " << i;
    }
  }
}

// A run after 600 steps, with two loss terms and all diagnostics.
class WriteRunIndexTest : public testing::Test {
 protected:
  WriteRunIndexTest() : folder_(*RunFolder::Open(FreshTestFolder())) {
    *state_.mutable_config() = *TinyConfig();
    state_.set_step(600);
    state_.set_epoch(3);
    state_.set_trained_seconds(120);
    index_.device = "a processor";
    index_.layout.Add(kTotalLoss, StepValueKind::kLoss);
    index_.layout.Add("perceptual", StepValueKind::kLoss);
    index_.layout.Add("learning_rate", StepValueKind::kOptimizer);
    for (const Diagnostic& diagnostic : Diagnostics()) {
      index_.layout.Add(diagnostic.name, StepValueKind::kDiagnostic);
    }
    std::vector<std::string> columns;
    for (const StepValue& value : index_.layout.values()) {
      columns.push_back(value.name);
    }
    LossLog log = *LossLog::Open(folder_.losses(), columns);
    for (const int step : {1, 2}) {
      EXPECT_THAT(log.Add(step, std::vector<double>(columns.size(), step)),
                  IsOk());
    }
  }

  std::string Page() const {
    EXPECT_THAT(WriteRunIndex(folder_, state_, index_), IsOk());
    return ReadText(folder_.path() + "/index.html");
  }

  void Touch(const std::string& name) const {
    std::ofstream(absl::StrCat(folder_.path(), "/", name)) << "x";
  }

  RunFolder folder_;
  CheckpointState state_;
  RunIndex index_;
};

// What stands between each `begin` and the next `end`.
std::vector<std::string> AllBetween(const std::string& text,
                                    const std::string& begin,
                                    const std::string& end) {
  std::vector<std::string> found;
  size_t at = 0;
  while ((at = text.find(begin, at)) != std::string::npos) {
    at += begin.size();
    found.push_back(text.substr(at, text.find(end, at) - at));
  }
  return found;
}

TEST_F(WriteRunIndexTest, PlotsTheLossesAndEachDiagnosticThatHasATitle) {
  const std::vector<std::string> plots = AllBetween(Page(), "<svg ", "</svg>");
  ASSERT_THAT(plots, Not(IsEmpty()));
  EXPECT_THAT(plots[0], HasSubstr("<title>Losses (weighted)</title>"));
  EXPECT_THAT(plots[0], HasSubstr(">total</text>"));
  EXPECT_THAT(plots[0], HasSubstr(">perceptual</text>"));
  EXPECT_THAT(plots[0], Not(HasSubstr("learning_rate")));
  size_t next = 1;
  for (const Diagnostic& diagnostic : Diagnostics()) {
    if (diagnostic.plot_title == nullptr) continue;
    ASSERT_LT(next, plots.size());
    EXPECT_THAT(
        plots[next],
        HasSubstr(absl::StrCat("<title>", diagnostic.plot_title, "</title>")));
    EXPECT_THAT(plots[next],
                HasSubstr(absl::StrCat(">", diagnostic.name, "</text>")));
    ++next;
  }
  EXPECT_EQ(plots.size(), next);
}

TEST_F(WriteRunIndexTest, ShowsTheStripsFromTheNewest) {
  for (const char* name :
       {"epoch-00002.png", "epoch-00010.png", "epoch-00001.png", "notes.txt",
        "._epoch-00001.png", "x.png"}) {
    Touch(absl::StrCat("pictures/", name));
  }
  const std::string page = Page();
  EXPECT_THAT(
      AllBetween(page, "<img src=\"", "\""),
      ElementsAre("pictures/epoch-00010.png", "pictures/epoch-00002.png",
                  "pictures/epoch-00001.png"));
  EXPECT_THAT(AllBetween(page, "<figcaption>", "<"),
              ElementsAre("epoch 10", "epoch 2", "epoch 1"));
}

TEST_F(WriteRunIndexTest, ShowsTheAnimationThatIsThere) {
  EXPECT_THAT(AllBetween(Page(), "<video src=\"", "\""), IsEmpty());
  Touch("animation.mp4");
  EXPECT_THAT(AllBetween(Page(), "<video src=\"", "\""),
              ElementsAre("animation.mp4"));
}

TEST_F(WriteRunIndexTest, ReloadsUntilThereIsAnEvaluation) {
  const std::string reload = "http-equiv=\"refresh\"";
  EXPECT_THAT(Page(), HasSubstr(reload));
  Evaluation evaluation;
  ClipResult clip;
  clip.name = "clip 7";
  evaluation.result.clips = {clip};
  evaluation.failures = {
      {folder_.path() + "/evaluation/worst.png", "clip 7, frame 4"}};
  index_.evaluation = evaluation;
  const std::string page = Page();
  EXPECT_THAT(page, Not(HasSubstr(reload)));
  EXPECT_THAT(page, HasSubstr("<td>clip 7</td>"));
  EXPECT_THAT(page, HasSubstr("<img src=\"evaluation/worst.png\""));
}

TEST_F(WriteRunIndexTest, SaysWhatTheRunIs) {
  index_.commands = {{"Animate an image", "bazel run animate"}};
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("<h1>SaysWhatTheRunIs</h1>"));
  EXPECT_THAT(page, HasSubstr("the bundled puppets at 32x32; a processor."));
  EXPECT_THAT(page, HasSubstr("<b>600</b><span>training steps</span>"));
  EXPECT_THAT(page, HasSubstr("<b>3</b><span>epochs</span>"));
  EXPECT_THAT(page, HasSubstr("<b>2.0 min</b><span>training time</span>"));
  EXPECT_THAT(page, HasSubstr("<b>0.200 s</b><span>time a step</span>"));
  EXPECT_THAT(page, HasSubstr("bazel run animate"));
  EXPECT_THAT(page, HasSubstr("num_transforms: 2"));
}

TEST_F(WriteRunIndexTest, NeedsTheLosses) {
  std::filesystem::remove(folder_.losses());
  EXPECT_THAT(WriteRunIndex(folder_, state_, index_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("losses.csv")));
}

TEST_F(WriteRunIndexTest, SaysThatTheModelDoesNotPaintUnlessItBeganSo) {
  TrainingConfig* training = state_.mutable_config()->mutable_training();
  training->set_motion_steps(800);
  EXPECT_THAT(Page(), HasSubstr("600 of 800 steps; not to paint yet"));
  training->set_initial_weights("tps-vox");
  EXPECT_THAT(Page(), AllOf(HasSubstr("motion alone, 600 of 800 steps"),
                            Not(HasSubstr("to paint yet"))));
}

}  // namespace
}  // namespace pipelines
