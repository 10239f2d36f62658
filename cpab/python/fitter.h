// Fits of points in one, two and three dimensions behind one interface.
#ifndef CPAB_PYTHON_FITTER_H_
#define CPAB_PYTHON_FITTER_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/interval/interval_flow.h"
#include "cpab/landmark/landmark_fit.h"
#include "cpab/volume/volume_basis.h"

namespace cpab::python {

// KeypointFitter for one field of the plane over a dense basis, LandmarkFitter
// elsewhere.
// Immutable; safe to use from many threads.
class Fitter {
 public:
  // The errors of KeypointFitter::Create and LandmarkFitter::Create.
  static absl::StatusOr<std::shared_ptr<const Fitter>> Create(
      std::shared_ptr<const IntervalBasis> basis, const FitOptions& options,
      int num_stages);
  static absl::StatusOr<std::shared_ptr<const Fitter>> Create(
      std::shared_ptr<const Basis> basis, const FitOptions& options,
      int num_stages);
  static absl::StatusOr<std::shared_ptr<const Fitter>> Create(
      std::shared_ptr<const VolumeBasis> basis, const FitOptions& options,
      int num_stages);

  virtual ~Fitter() = default;

  virtual int dimensions() const = 0;
  virtual int theta_size() const = 0;  // Of all stages.
  virtual std::vector<FitResult> FitAll(
      const std::vector<LandmarkPairs>& problems,
      const ParallelFor& parallel_for) const = 0;
  virtual LandmarkGradient Pullback(const LandmarkPairs& pairs,
                                    const FitResult& result,
                                    const Eigen::VectorXd& dl_dtheta) const = 0;
};

}  // namespace cpab::python

#endif  // CPAB_PYTHON_FITTER_H_
