#include "pipelines/model/model_options.h"

namespace pipelines {

cpab::TessellationOptions TessellationOptionsOf(const CpabConfig& config) {
  cpab::TessellationOptions options;
  options.nx = config.cells_x();
  options.ny = config.cells_y();
  options.zero_boundary = config.zero_boundary();
  options.volume_preserving = config.volume_preserving();
  return options;
}

cpab::FitOptions FitOptionsOf(const CpabConfig& config) {
  cpab::FitOptions options;
  options.solver = config.solver() == CpabConfig::ADAM
                       ? cpab::FitOptions::Solver::kAdam
                       : cpab::FitOptions::Solver::kGaussNewton;
  options.max_iterations = config.max_iterations();
  options.adam_iterations = config.max_iterations();
  options.tension = config.tension();
  options.noise = config.keypoint_noise();
  options.prior.length_scale = config.prior_length();
  options.prior.gradient = config.prior_gradient();
  return options;
}

ThinPlateOptions ThinPlateOptionsOf(const ThinPlateConfig& config) {
  ThinPlateOptions options;
  options.bending_ridge = config.bending_ridge();
  options.affine_ridge = config.affine_ridge();
  return options;
}

BSplineOptions BSplineOptionsOf(const BSplineConfig& config) {
  BSplineOptions options;
  options.cells_x = config.cells_x();
  options.cells_y = config.cells_y();
  options.bending_ridge = config.bending_ridge();
  options.affine_ridge = config.affine_ridge();
  return options;
}

networks::DenseMotionOptions DenseMotionOptionsOf(const ModelConfig& config) {
  networks::DenseMotionOptions options;
  options.num_transforms = config.num_transforms();
  options.keypoints_per_transform = config.keypoints_per_transform();
  options.global_transform = config.global_transform();
  options.block_expansion = config.dense_motion().block_expansion();
  options.max_features = config.dense_motion().max_features();
  options.num_blocks = config.dense_motion().num_blocks();
  options.scale_factor = config.dense_motion().scale_factor();
  options.multi_mask = config.dense_motion().multi_mask();
  options.blend_at_full_size = config.dense_motion().blend_at_full_size();
  options.initial_visibility = config.dense_motion().initial_visibility();
  return options;
}

networks::InpaintingOptions InpaintingOptionsOf(const ModelConfig& config) {
  networks::InpaintingOptions options;
  options.block_expansion = config.inpainting().block_expansion();
  options.max_features = config.inpainting().max_features();
  options.num_down_blocks = config.inpainting().num_down_blocks();
  options.multi_mask = config.dense_motion().multi_mask();
  return options;
}

networks::AvdOptions AvdOptionsOf(const ModelConfig& model,
                                  const AvdConfig& config) {
  networks::AvdOptions options;
  options.num_transforms = model.num_transforms();
  options.keypoints_per_transform = model.keypoints_per_transform();
  options.identity_bottleneck = config.identity_bottleneck();
  options.pose_bottleneck = config.pose_bottleneck();
  return options;
}

}  // namespace pipelines
