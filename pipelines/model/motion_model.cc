// Tested by motion_test.cc.
#include "pipelines/model/motion_model.h"

#include <torch/types.h>

#include <functional>
#include <utility>

#include "pipelines/model/affine.h"
#include "pipelines/model/bspline.h"
#include "pipelines/model/cpab_motion.h"
#include "pipelines/model/model_options.h"
#include "pipelines/model/thin_plate.h"
#include "pipelines/model/thin_plate_original.h"

namespace pipelines {
namespace {

using torch::Tensor;

// A model that is a formula of its keypoints.
class ClosedFormMotion : public MotionModel {
 public:
  // (from, to, points [N, P, 2]) -> [N, P, 2].
  using Formula = std::function<Tensor(const Tensor& from, const Tensor& to,
                                       const Tensor& points)>;
  explicit ClosedFormMotion(Formula formula) : formula_(std::move(formula)) {}

  InferredMotion Infer(const Tensor& from, const Tensor& to,
                       const Tensor& points) const override {
    const int64_t problems = from.size(0), sampled = points.size(0);
    const Tensor moved = formula_(
        from, to, torch::cat({points.expand({problems, -1, -1}), from}, 1));
    const Tensor missed = (to - moved.slice(1, sampled)).detach();
    return {moved.slice(1, 0, sampled), missed.square().sum({1, 2}).sqrt(),
            torch::zeros({problems}, from.options().dtype(torch::kInt64))};
  }

 private:
  Formula formula_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const MotionModel>> MakeMotionModel(
    const MotionConfig& config) {
  switch (config.model_case()) {
    case MotionConfig::kAffine:
      return std::make_shared<ClosedFormMotion>(
          [ridge = config.affine().ridge()](
              const Tensor& from, const Tensor& to, const Tensor& points) {
            return AffineFromKeypoints(from, to, points, ridge);
          });
    case MotionConfig::kThinPlate:
      return std::make_shared<ClosedFormMotion>(
          [options = ThinPlateOptionsOf(config.thin_plate())](
              const Tensor& from, const Tensor& to, const Tensor& points) {
            return ThinPlateFromKeypoints(from, to, points, options);
          });
    case MotionConfig::kBspline:
      return std::make_shared<ClosedFormMotion>(
          BSplineFromKeypoints(BSplineOptionsOf(config.bspline())));
    case MotionConfig::kThinPlateOriginal:
      return std::make_shared<ClosedFormMotion>(
          [ridge = config.thin_plate_original().ridge()](
              const Tensor& from, const Tensor& to, const Tensor& points) {
            return SolveThinPlateOriginal(from, to, ridge).Apply(points);
          });
    case MotionConfig::kCpab:
    case MotionConfig::MODEL_NOT_SET:
      break;
  }
  return CpabMotion::Create(config.cpab());
}

}  // namespace pipelines
