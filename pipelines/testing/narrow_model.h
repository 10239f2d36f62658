// The thin networks for which the golden data of the original code and of its
// predecessor were made; see the README.md of each testdata folder.
#ifndef PIPELINES_TESTING_NARROW_MODEL_H_
#define PIPELINES_TESTING_NARROW_MODEL_H_

#include "pipelines/config/config.pb.h"

namespace pipelines {

// Of the original code, with `num_transforms` local transforms.
inline ModelConfig NarrowModel(int num_transforms) {
  ModelConfig config;
  config.set_num_transforms(num_transforms);
  config.mutable_dense_motion()->set_block_expansion(8);
  config.mutable_dense_motion()->set_max_features(64);
  config.mutable_dense_motion()->set_num_blocks(3);
  config.mutable_inpainting()->set_block_expansion(8);
  config.mutable_inpainting()->set_max_features(32);
  return config;
}

// Of the thin-plate-spline predecessor.
inline ModelConfig NarrowPredecessor(int num_transforms) {
  ModelConfig config = NarrowModel(num_transforms);
  config.set_global_transform(false);
  config.mutable_local()->mutable_thin_plate_original();
  return config;
}

}  // namespace pipelines

#endif  // PIPELINES_TESTING_NARROW_MODEL_H_
