#include "pipelines/animation/set_reach.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "gtest/gtest.h"
#include "pipelines/testing/testing_config.h"

namespace pipelines {
namespace {

// One candidate's contribution is taken to be the whole: the bias of a
// candidate's map is raised beyond all others.
std::shared_ptr<AnimationModel> ModelOfOneCandidate(int64_t candidate) {
  torch::manual_seed(1);
  const Config config =
      *TinyConfig({"model.global_transform=false", "model.local=affine {}"});
  auto model = *AnimationModel::Create(config.model());
  model->eval();
  const torch::NoGradGuard no_grad;
  torch::Tensor bias =
      model->named_parameters()["dense_motion_network.maps.bias"];
  bias[candidate] += 1000;
  return model;
}

torch::Tensor ReachWhere(int64_t candidate) {
  auto model = ModelOfOneCandidate(candidate);
  torch::manual_seed(2);
  const PreparedSource source =
      model->PrepareSource(torch::rand({1, 3, 32, 32}));
  return ReachOfSets(*model, source, 2).mean({1, 2});  // [2]
}

TEST(ReachOfSets, IsOneWhereASetMovesThePictureAndNoneElsewhere) {
  EXPECT_NEAR(ReachWhere(0).max().item<float>(), 0, 1e-5);  // the background
  for (int64_t set = 0; set < 2; ++set) {
    const torch::Tensor reach = ReachWhere(set + 1);
    EXPECT_NEAR(reach[set].item<float>(), 1, 0.02) << set;
    EXPECT_NEAR(reach[1 - set].item<float>(), 0, 1e-5) << set;
  }
}

TEST(ReachOfSets, HasTheSizeOfTheMotion) {
  auto model = ModelOfOneCandidate(1);
  const PreparedSource source =
      model->PrepareSource(torch::rand({1, 3, 32, 64}));
  const torch::Tensor reach = ReachOfSets(*model, source, 2);
  EXPECT_EQ(reach.size(0), 2);
  EXPECT_EQ(reach.size(2), 2 * reach.size(1));
}

}  // namespace
}  // namespace pipelines
