// What the tests of animations share: a tiny model, a still and a video.
#ifndef PIPELINES_ANIMATION_ANIMATE_TEST_UTIL_H_
#define PIPELINES_ANIMATION_ANIMATE_TEST_UTIL_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/texture_test_util.h"
#include "pipelines/media/image_io.h"
#include "pipelines/media/video_writer.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {

class AnimateTest : public networks::files::FolderTest {
 protected:
  void SetUp() override {
    torch::set_num_threads(1);
    torch::manual_seed(1);
    // Frames that are plainly painted, since untrained keypoints hardly move.
    const Config config =
        *TinyConfig({"model.dense_motion.initial_visibility=0.05"});
    auto model = *AnimationModel::Create(config.model());
    model->eval();
    trained_ = {config, model};
    animator_ = *Animator::Create(trained_, torch::kCPU);
    options_.overwrite = true;
  }

  std::string WriteStill(int width = 40, int height = 40) {
    EXPECT_THAT(media::WriteImage(Path("still.png"), Texture(width, height, 1)),
                IsOk());
    return Path("still.png");
  }

  std::string WriteDriving(int frames, media::Rational rate = {25, 1}) {
    media::VideoWriterOptions options;
    options.width = 48;
    options.height = 32;
    options.frame_rate = rate;
    auto writer = *media::VideoWriter::Create(Path("driving.mp4"), options);
    for (int i = 0; i < frames; ++i) {
      EXPECT_THAT(writer->Write(Texture(48, 32, i)), IsOk());
    }
    EXPECT_THAT(writer->Finish(), IsOk());
    return Path("driving.mp4");
  }

  absl::StatusOr<AnimateVideoReport> Run(const std::string& source,
                                         const std::string& driving) {
    return AnimateVideo(*animator_, source, driving, Path("out.mp4"), options_);
  }

  absl::StatusOr<AnimateVideoReport> RunTo(const std::string& output) {
    return AnimateVideo(*animator_, Path("still.png"), Path("driving.mp4"),
                        Path(output), options_);
  }

  AnimateVideoOptions options_;
  TrainedModel trained_;
  std::unique_ptr<Animator> animator_;
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_ANIMATE_TEST_UTIL_H_
