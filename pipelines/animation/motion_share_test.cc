#include "pipelines/animation/motion_share.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/model/model.h"
#include "pipelines/testing/testing_config.h"

namespace pipelines {
namespace {

using ::networks::test_util::TensorNear;

// Half a step of 255: pictures are equal.
constexpr double kPictureTol = 0.5 / 255;

class ShowShareTest : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(1);
    // Nearly all of a frame is painted, so that what is not is seen.
    const Config config =
        *TinyConfig({"model.dense_motion.initial_visibility=0.05"});
    model_ = *AnimationModel::Create(config.model());
    model_->eval();
    source_ = model_->PrepareSource(torch::rand({1, 3, 32, 32}));
    motion_ = model_->Move(source_,
                           source_.keypoints + 0.2 * torch::randn({3, 10, 2}));
  }

  torch::Tensor Frames(const torch::Tensor& share) {
    Motion motion = motion_;
    ShowShare(share, &motion.blend);
    return model_->Paint(source_, motion).prediction;
  }

  const torch::NoGradGuard no_grad_;
  std::shared_ptr<AnimationModel> model_;
  PreparedSource source_;
  Motion motion_;
};

TEST_F(ShowShareTest, OfAllChangesNothing) {
  EXPECT_THAT(Frames(torch::ones({1, 1, 32, 32})),
              TensorNear(model_->Paint(source_, motion_).prediction, 1e-5));
}

TEST_F(ShowShareTest, OfNothingIsTheSource) {
  EXPECT_THAT(Frames(torch::zeros({1, 1, 32, 32})),
              TensorNear(source_.image.expand({3, -1, -1, -1}), kPictureTol));
}

// The border of a pasted crop: whatever moves inside, it is the source's.
TEST_F(ShowShareTest, IsTheSourceAtABorderOfNoShare) {
  torch::Tensor share = torch::zeros({1, 1, 32, 32});
  share.slice(2, 10, 22).slice(3, 10, 22).fill_(1);
  const torch::Tensor frames = Frames(share);
  // The motion has 8 by 8 pixels, of which the two outermost are at rest.
  for (const int64_t dim : {2, 3}) {
    for (const int64_t begin : {0, 27}) {
      EXPECT_THAT(frames.slice(dim, begin, begin + 5),
                  TensorNear(source_.image.expand({3, -1, -1, -1})
                                 .slice(dim, begin, begin + 5),
                             kPictureTol))
          << dim << ", " << begin;
    }
  }
  const torch::Tensor inside =
      (frames - source_.image).slice(2, 12, 20).slice(3, 12, 20);
  EXPECT_GT(inside.abs().max().item<float>(), 0.1);
}

}  // namespace
}  // namespace pipelines
