#include "pipelines/model/model.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "networks/sampling.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/model/autocast.h"
#include "pipelines/testing/testing_config.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

std::shared_ptr<AnimationModel> MakeModel(
    const std::vector<std::string>& overrides = {}) {
  torch::manual_seed(3);
  return *AnimationModel::Create(TinyConfig(overrides)->model());
}

torch::Tensor RandomImages(int64_t batch, int seed) {
  torch::manual_seed(seed);
  return torch::rand({batch, 3, 32, 32});
}

torch::Tensor RandomKeypoints(int64_t batch, int seed) {
  torch::manual_seed(seed);
  return torch::rand({batch, 10, 2}) * 1.6 - 0.8;
}

class CandidateMotionsTest : public testing::TestWithParam<std::string> {
 protected:
  absl::StatusOr<CandidateMotions> Create(
      std::vector<std::string> overrides = {}) const {
    for (const char* place : {"model.local", "model.global"}) {
      overrides.push_back(absl::StrCat(place, "=", GetParam(), " {}"));
    }
    return CandidateMotions::Create(TinyConfig(overrides)->model());
  }
};

INSTANTIATE_TEST_SUITE_P(All, CandidateMotionsTest,
                         testing::ValuesIn(MotionNames()),
                         [](const auto& name) { return name.param; });

// thin_plate_original is the one that it is not a law of: see there.
TEST_P(CandidateMotionsTest, EqualKeypointsGiveTheIdentity) {
  if (GetParam() == "thin_plate_original") GTEST_SKIP();
  const auto motions = Create();
  ASSERT_THAT(motions, IsOk());
  const torch::Tensor keypoints = RandomKeypoints(2, 5);
  const Candidates candidates = (*motions)(keypoints, keypoints, {}, 8, 8);
  const torch::Tensor identity =
      networks::CoordinateGrid(8, 8, torch::kFloat32).expand({2, 4, 8, 8, 2});
  // (x + 1) / 2 and back rounds once each way.
  EXPECT_THAT(candidates.fields,
              networks::test_util::TensorNear(identity, 2e-7));
  EXPECT_EQ(candidates.fit.residual.max().item<float>(), 0);
}

TEST(CandidateMotions, CarryDrivingKeypointsToSourceKeypoints) {
  const auto motions = CandidateMotions::Create(TinyConfig()->model());
  ASSERT_THAT(motions, IsOk());
  const torch::Tensor driving = RandomKeypoints(3, 6);
  torch::manual_seed(7);
  const torch::Tensor source = driving + 0.05 * torch::randn({3, 10, 2});
  const Candidates candidates = (*motions)(source, driving, {}, 8, 8);
  // Five points moved by 0.05 have a smooth fit; a residual of 0.02 would be a
  // tenth of the norm of their displacements.
  EXPECT_LT(candidates.fit.residual.slice(1, 0, 2).max().item<float>(), 0.02);
}

// As an arm turns about the shoulder, with keypoints in its middle: what lies
// two and a half times as far out goes along.
TEST(CandidateMotions, LocalOnesGoOnTurningBeyondTheirKeypoints) {
  const auto motions = CandidateMotions::Create(
      TinyConfig({"model.num_transforms=1", "model.global_transform=false"})
          ->model());
  ASSERT_THAT(motions, IsOk());
  constexpr double kTurn = M_PI / 3;
  const torch::Tensor turn = torch::tensor(
      {{std::cos(kTurn), std::sin(kTurn)}, {-std::sin(kTurn), std::cos(kTurn)}},
      torch::kFloat32);
  const torch::Tensor driving =
      torch::tensor(
          {{0.05, 0.1}, {0.3, 0.1}, {0.15, -0.1}, {0.25, 0.2}, {0., 0.}})
          .unsqueeze(0);
  const Candidates candidates =
      (*motions)(torch::matmul(driving, turn), driving, {}, 17, 17);
  // 0.75 to the right: pixel 14 of row 8.
  const torch::Tensor there = torch::tensor({0.75, 0.});
  const torch::Tensor moved = candidates.fields[0][1][8][14];
  const torch::Tensor expected = torch::matmul(there, turn);
  // At rest it would miss by its whole way, 0.75; with a prior of length and
  // gradient 0.3 by two thirds of it.
  EXPECT_LT((moved - expected).norm().item<float>(), 0.2);
}

TEST_P(CandidateMotionsTest, WithoutGlobalTransformHaveOneFieldLess) {
  const auto motions = Create({"model.global_transform=false"});
  ASSERT_THAT(motions, IsOk());
  const torch::Tensor keypoints = RandomKeypoints(2, 5);
  EXPECT_EQ((*motions)(keypoints, keypoints, {}, 8, 8).fields.size(1), 3);
}

TEST_P(CandidateMotionsTest, ImplicitGradientReachesTheKeypoints) {
  const torch::Tensor driving = RandomKeypoints(2, 8);
  for (const bool implicit : {false, true}) {
    const auto motions = Create(
        {implicit ? "model.gradient=IMPLICIT" : "model.gradient=DETACHED"});
    ASSERT_THAT(motions, IsOk());
    torch::Tensor source =
        (driving + 0.05 * torch::sin(9 * driving)).requires_grad_();
    const Candidates candidates = (*motions)(source, driving, {}, 8, 8);
    EXPECT_EQ(candidates.fields.requires_grad(), implicit);
    if (!implicit) continue;
    candidates.fields.square().sum().backward();
    EXPECT_GT(source.grad().abs().max().item<float>(), 0);
  }
}

TEST_P(CandidateMotionsTest, AreBitForBitTheSameAloneAndInAnyBatch) {
  const auto motions = Create();
  ASSERT_THAT(motions, IsOk());
  const torch::Tensor source = RandomKeypoints(8, 1);
  const torch::Tensor driving = RandomKeypoints(8, 2);
  const torch::Tensor all = (*motions)(source, driving, {}, 8, 8).fields;
  for (int64_t i = 0; i < 8; ++i) {
    const torch::Tensor one = (*motions)(source.slice(0, i, i + 1),
                                         driving.slice(0, i, i + 1), {}, 8, 8)
                                  .fields;
    EXPECT_TRUE(torch::equal(one[0], all[i])) << i;
  }
}

// Images move them by little.
TEST(AnimationModel, BeginsWithKeypointsAsFarApartAsTheConfigSays) {
  const auto width = [](const char* spread) {
    const torch::NoGradGuard no_grad;
    auto model =
        MakeModel({absl::StrCat("model.detector.initial_spread=", spread)});
    model->eval();
    const torch::Tensor keypoints = model->DetectKeypoints(RandomImages(1, 1));
    return (keypoints.amax(1) - keypoints.amin(1)).max().item<double>();
  };
  EXPECT_GT(width("0.5"), 2 * width("0.1"));
}

// Law: a source prepared once, without gradients, moves to each frame as a
// source that is located and painted for this frame alone, as in training.
TEST(AnimationModel, PreparedSourceMakesTheFramesOfALocatedOne) {
  auto model = MakeModel();
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor source = RandomImages(1, 1);
  const PreparedSource prepared = model->PrepareSource(source);
  const torch::Tensor keypoints = RandomKeypoints(3, 2);
  const torch::Tensor frames =
      model->Paint(prepared, model->Move(prepared, keypoints)).prediction;
  for (int64_t i = 0; i < 3; ++i) {
    const PreparedSource located = model->LocateSource(source);
    EXPECT_FALSE(located.features.image.defined());
    const torch::Tensor frame =
        model
            ->Paint(located, model->Move(located, keypoints.slice(0, i, i + 1)))
            .prediction;
    EXPECT_TRUE(torch::equal(frame[0], frames[i])) << i;
  }
}

// Law: a batch of sources is moved and painted as each by itself.
TEST(AnimationModel, SourcesOfABatchDoNotMix) {
  auto model = MakeModel();
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor sources = RandomImages(3, 1);
  const torch::Tensor keypoints = RandomKeypoints(3, 2);
  const PreparedSource all = model->PrepareSource(sources);
  const torch::Tensor frames =
      model->Paint(all, model->Move(all, keypoints)).prediction;
  for (int64_t i = 0; i < 3; ++i) {
    const PreparedSource one = model->PrepareSource(sources.slice(0, i, i + 1));
    EXPECT_TRUE(torch::equal(one.keypoints[0], all.keypoints[i])) << i;
    const torch::Tensor frame =
        model->Paint(one, model->Move(one, keypoints.slice(0, i, i + 1)))
            .prediction;
    EXPECT_TRUE(torch::equal(frame[0], frames[i])) << i;
  }
}

// Law: where the driving keypoints are the source's, candidates and motion are
// the identity.
TEST(AnimationModel, EqualKeypointsMoveNothing) {
  auto model = MakeModel();
  model->eval();
  const torch::NoGradGuard no_grad;
  const PreparedSource source = model->PrepareSource(RandomImages(1, 1));
  const Motion motion = model->Move(source, source.keypoints);
  const int64_t height = source.small.size(2), width = source.small.size(3);
  // A weighted mean of equal values, each off by one rounding.
  EXPECT_THAT(motion.blend.source_from_driving,
              networks::test_util::TensorNear(
                  networks::CoordinateGrid(height, width, torch::kFloat32)
                      .expand({1, height, width, 2}),
                  1e-6));
}

// The fit has all digits where networks compute in bfloat16; keypoints:
// //keypoints:detector_test.
TEST(AnimationModel, FitsInFloat32UnderAutocast) {
  auto model = MakeModel();
  model->eval();
  const torch::NoGradGuard no_grad;
  const PreparedSource source = model->PrepareSource(RandomImages(1, 1));
  const torch::Tensor keypoints = RandomKeypoints(1, 2);
  const Motion exact = model->Move(source, keypoints);
  const AutocastScope autocast(TrainingConfig::BFLOAT16, torch::kCPU);
  const torch::Tensor one = torch::ones({1, 1});
  ASSERT_EQ(torch::mm(one, one).scalar_type(), torch::kBFloat16);
  const Motion motion = model->Move(source, keypoints);
  EXPECT_TRUE(torch::equal(motion.candidates.fields, exact.candidates.fields));
}

}  // namespace
}  // namespace pipelines
