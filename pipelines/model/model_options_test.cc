// The schema's defaults and those of the option structs are one: a struct that
// is made without a config means what a config without fields means.
//
// A structured binding has as many names as the struct has members: a new one
// does not compile here until it is compared.
#include "pipelines/model/model_options.h"

#include <tuple>

#include "gtest/gtest.h"
#include "networks/avd.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {
namespace {

auto Members(const cpab::TessellationOptions& options) {
  const auto& [nx, ny, zero_boundary, volume_preserving, sparse_basis] =
      options;
  return std::tuple(nx, ny, zero_boundary, volume_preserving, sparse_basis);
}

auto Members(const ThinPlateOptions& options) {
  const auto& [bending_ridge, affine_ridge] = options;
  return std::tuple(bending_ridge, affine_ridge);
}

auto Members(const BSplineOptions& options) {
  const auto& [cells_x, cells_y, bending_ridge, affine_ridge] = options;
  return std::tuple(cells_x, cells_y, bending_ridge, affine_ridge);
}

auto Members(const networks::DenseMotionOptions& options) {
  const auto& [num_transforms, keypoints_per_transform, block_expansion,
               max_features, num_blocks, scale_factor, multi_mask,
               blend_at_full_size, initial_visibility, global_transform] =
      options;
  return std::tuple(num_transforms, keypoints_per_transform, block_expansion,
                    max_features, num_blocks, scale_factor, multi_mask,
                    blend_at_full_size, initial_visibility, global_transform);
}

auto Members(const networks::InpaintingOptions& options) {
  const auto& [block_expansion, max_features, num_down_blocks, multi_mask] =
      options;
  return std::tuple(block_expansion, max_features, num_down_blocks, multi_mask);
}

TEST(ModelOptions, HaveTheDefaultsOfTheSchema) {
  EXPECT_EQ(Members(cpab::TessellationOptions()),
            Members(TessellationOptionsOf(CpabConfig())));
  EXPECT_EQ(Members(ThinPlateOptions()),
            Members(ThinPlateOptionsOf(ThinPlateConfig())));
  EXPECT_EQ(Members(BSplineOptions()),
            Members(BSplineOptionsOf(BSplineConfig())));
  EXPECT_EQ(Members(networks::DenseMotionOptions()),
            Members(DenseMotionOptionsOf(ModelConfig())));
  EXPECT_EQ(Members(networks::InpaintingOptions()),
            Members(InpaintingOptionsOf(ModelConfig())));
}

TEST(ModelOptions, OfTheAvdNetworkHaveTheDefaultsOfTheSchema) {
  const auto& [num_transforms, keypoints_per_transform, identity_bottleneck,
               pose_bottleneck] = networks::AvdOptions();
  EXPECT_EQ(num_transforms, ModelConfig().num_transforms());
  EXPECT_EQ(keypoints_per_transform, ModelConfig().keypoints_per_transform());
  EXPECT_EQ(identity_bottleneck, AvdConfig().identity_bottleneck());
  EXPECT_EQ(pose_bottleneck, AvdConfig().pose_bottleneck());
}

// Of the fit, what a config can say is the same but for two things. The prior:
// cpab's own suits points that are exact and a field that comes to rest beyond
// them, as in registration; a limb goes on as its keypoints move. And there is
// one number of iterations for both solvers, where cpab has two.
TEST(ModelOptions, OfTheFitHaveTheDefaultsOfTheSchema) {
  const cpab::FitOptions ours = FitOptionsOf(CpabConfig());
  cpab::FitOptions of_cpab;
  of_cpab.prior.length_scale = CpabConfig().prior_length();
  of_cpab.prior.gradient = CpabConfig().prior_gradient();
  of_cpab.adam_iterations = CpabConfig().max_iterations();
  const auto members = [](const cpab::FitOptions& options) {
    const auto& [solver, tension, noise, prior, max_iterations, tolerance,
                 trust_region, max_gradient, adam_iterations, adam_rate] =
        options;
    const auto& [length_scale, speed, gradient] = prior;
    return std::tuple(solver, tension, noise, length_scale, speed, gradient,
                      max_iterations, tolerance, trust_region, max_gradient,
                      adam_iterations, adam_rate);
  };
  EXPECT_EQ(members(of_cpab), members(ours));
}

}  // namespace
}  // namespace pipelines
