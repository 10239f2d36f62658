// CPAB transformations as a motion model.
//
// Source: [CPABMM] Sec. 3.2, Eq. (6); CPABTransformation in
// modules/dense_motion.py of its code. How ours differs: cpab/fit/fit.h.
#ifndef PIPELINES_MODEL_CPAB_MOTION_H_
#define PIPELINES_MODEL_CPAB_MOTION_H_

#include "absl/status/statusor.h"
#include "cpab/torch/tensor_fit.h"
#include "cpab/torch/transform.h"
#include "pipelines/model/motion_model.h"

namespace pipelines {

class CpabMotion : public MotionModel {
 public:
  // InvalidArgument for a tessellation that CPAB does not have.
  static absl::StatusOr<std::shared_ptr<const MotionModel>> Create(
      const CpabConfig& config);

  InferredMotion Infer(const torch::Tensor& from, const torch::Tensor& to,
                       const torch::Tensor& points) const override;

 private:
  CpabMotion(cpab::Transform transform, cpab::KeypointFitter fitter);

  cpab::Transform transform_;
  cpab::KeypointFitter fitter_;
};

}  // namespace pipelines

#endif  // PIPELINES_MODEL_CPAB_MOTION_H_
