// A study small enough for tests.
#ifndef PIPELINES_STUDY_STUDY_TEST_UTIL_H_
#define PIPELINES_STUDY_STUDY_TEST_UTIL_H_

#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace pipelines {

// Two variants, one seed, two steps each, thin networks.
inline constexpr char kTiny[] = R"pb(
  question: "Is <affine> enough?"
  config: "demo"
  set: "data.puppets.num_train=4"
  set: "data.puppets.num_test=2"
  set: "data.puppets.frames_per_clip=6"
  set: "data.height=32"
  set: "data.width=32"
  set: "model.num_transforms=2"
  set: "model.detector.width=4"
  set: "model.dense_motion.block_expansion=4"
  set: "model.dense_motion.max_features=8"
  set: "model.dense_motion.num_blocks=3"
  set: "model.inpainting.block_expansion=4"
  set: "model.inpainting.max_features=8"
  set: "losses.perceptual.width=4"
  set: "losses.perceptual.scales=[1, 0.5]"
  set: "training.batch_size=2"
  set: "training.motion_steps=1"
  steps: 2
  variants { name: "affine" set: "model.local=affine {}" }
  variants { name: "cpab" }
)pb";

inline std::string WriteStudy(const std::string& text) {
  const std::string path = testing::TempDir() + "/tiny.textproto";
  std::ofstream(path) << text;
  return path;
}

}  // namespace pipelines

#endif  // PIPELINES_STUDY_STUDY_TEST_UTIL_H_
