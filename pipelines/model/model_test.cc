#include "pipelines/model/model.h"

#include <torch/torch.h>

#include <cmath>
#include <string>

#include "gtest/gtest.h"
#include "keypoints/coordinates.h"
#include "networks/sampling.h"
#include "networks/testing/tensor_near.h"
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

class CandidateMotionsTest : public testing::TestWithParam<const char*> {
 protected:
  absl::StatusOr<CandidateMotions> Create(
      std::vector<std::string> overrides = {}) const {
    overrides.push_back(std::string("model.motion=") + GetParam());
    return CandidateMotions::Create(TinyConfig(overrides)->model());
  }
};

INSTANTIATE_TEST_SUITE_P(All, CandidateMotionsTest,
                         testing::Values("CPAB", "THIN_PLATE", "AFFINE"));

TEST_P(CandidateMotionsTest, EqualKeypointsGiveTheIdentityExactly) {
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
  // At rest it would miss by its whole way, 0.75; with the former prior by two
  // thirds of it.
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

TEST(AnimationModel, AnimatesInTwoPartsAsInOne) {
  auto model = MakeModel();
  model->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor source = RandomImages(1, 1);
  const torch::Tensor driving = RandomImages(2, 2);
  const PreparedSource prepared = model->PrepareSource(source);
  const torch::Tensor keypoints = model->DetectKeypoints(driving);
  const torch::Tensor small = model->dense_motion()->Downsample(source);
  for (int64_t i = 0; i < 2; ++i) {
    const torch::Tensor kd = keypoints.slice(0, i, i + 1);
    const auto motion = model->BlendCandidates(
        small, prepared.keypoints, kd,
        model->InferCandidates(small, prepared.keypoints, kd));
    const torch::Tensor expected =
        model
            ->inpainting()(source, motion.deformation, motion.occlusion_maps,
                           false)
            .prediction;
    EXPECT_THAT(model->Animate(prepared, keypoints)[i],
                networks::test_util::TensorNear(expected[0], 1e-5));
  }
}

}  // namespace
}  // namespace pipelines
