// Mixed precision: what runs in bfloat16 and what does not.
#ifndef PIPELINES_MODEL_AUTOCAST_H_
#define PIPELINES_MODEL_AUTOCAST_H_

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "pipelines/config/config.pb.h"

namespace pipelines {

// While it lives, LibTorch's autocast is on for `device` with bfloat16 or
// float16: in forward passes of this thread, convolutions and matrix products
// run in it, with copies of the weights, which stay float32 as do their
// gradients. Off, if `precision` is FLOAT32, also inside another scope.
class AutocastScope {
 public:
  AutocastScope(TrainingConfig::Precision precision, c10::Device device);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  c10::Device device_;
  bool was_on_;
  c10::ScalarType dtype_before_;
};

// While it lives, matrix products on `device` are exact: neither by autocast
// nor in TF32, which is the process's choice. For what says where a pixel comes
// from; TF32 would move it by a quarter of a pixel, and bfloat16 tells 256
// coordinates apart. That is
//   - the fit of transforms to keypoints: AnimationModel::Move (model.h);
//   - the product of two background motions, which the background loss
//     compares with the identity (training/loss_terms.cc).
// AnimationModel returns keypoints and background motions in float32.
class ExactScope {
 public:
  explicit ExactScope(c10::Device device);
  ~ExactScope();
  ExactScope(const ExactScope&) = delete;
  ExactScope& operator=(const ExactScope&) = delete;

 private:
  AutocastScope no_autocast_;
  bool changes_tf32_;
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_AUTOCAST_H_
