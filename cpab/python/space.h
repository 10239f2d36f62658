// The fields, flows, priors of one, two and three dimensions behind one
// interface, for arrays: what the Python module binds.
//
// Points are arrays of any strides (cpab/batch/point_array.h) of `batch`
// elements with `num_points` points each; theta is [B, d], or [B, stages * d]
// for a chain of flows that take unit time each (cpab/batch/flow_chain.h),
// stage by stage. float and double points are computed in double. Nothing here
// knows Python.
#ifndef CPAB_PYTHON_SPACE_H_
#define CPAB_PYTHON_SPACE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "absl/status/statusor.h"
#include "cpab/batch/point_array.h"
#include "cpab/field/basis.h"
#include "cpab/field/parallel.h"
#include "cpab/field/sparse_prior.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/python/fitter.h"

namespace cpab::python {

using Thetas = Eigen::Ref<const RowMajorMatrix>;  // [B, d]

// Where the derivatives of T at every point go. Row-major.
struct JacobianOutputs {
  double* y = nullptr;          // [B, N, D]
  double* dy_dx = nullptr;      // [B, N, D, D]
  double* log_det = nullptr;    // [B, N]
  double* dy_dtheta = nullptr;  // [B, N, D, d]; may be null.
};

// Immutable; safe to use from many threads.
class Space {
 public:
  // `cells` along each axis, 1 to 3 of them. InvalidArgument as the basis of
  // that number of dimensions, or if there is no such number.
  static absl::StatusOr<std::shared_ptr<const Space>> Create(
      const std::vector<int>& cells, bool zero_boundary, bool volume_preserving,
      bool sparse_basis);

  virtual ~Space() = default;

  virtual int dimensions() const = 0;
  virtual int theta_size() const = 0;
  virtual int num_cells() const = 0;
  virtual Eigen::MatrixXd CellCenters() const = 0;  // [D, cells]
  virtual Eigen::MatrixXd Vertices() const = 0;     // [D, V]
  // [D V, d]; empty if the basis is stored sparsely.
  virtual RowMajorMatrix VertexBasis() const = 0;
  virtual bool is_sparse() const = 0;
  // InvalidArgument if the basis is not stored sparsely, or an option is out of
  // range.
  virtual absl::StatusOr<std::shared_ptr<const SparsePrior>> CreateSparsePrior(
      const PriorOptions& options) const = 0;
  // InvalidArgument if an option or the number of stages is out of range.
  virtual absl::StatusOr<std::shared_ptr<const Fitter>> CreateFitter(
      const FitOptions& options, int num_stages) const = 0;

  // vec(A) = B theta of [B, d], as [B, cells * D * (D + 1)], and the nearest
  // theta to given coefficients.
  virtual RowMajorMatrix CellsFromTheta(const Thetas& theta) const = 0;
  virtual RowMajorMatrix ThetaFromCells(const Thetas& cells) const = 0;
  // From velocities at the vertices, [B, V D] with D running fastest.
  virtual RowMajorMatrix ThetaFromVertices(const Thetas& velocities) const = 0;

  virtual void Transform(const Thetas& theta, int num_stages,
                         int64_t num_points,
                         const PointArray<const float>& points,
                         const PointArray<float>& y,
                         const ParallelFor& parallel_for) const = 0;
  virtual void Transform(const Thetas& theta, int num_stages,
                         int64_t num_points,
                         const PointArray<const double>& points,
                         const PointArray<double>& y,
                         const ParallelFor& parallel_for) const = 0;
  virtual void Pullback(const Thetas& theta, int num_stages, int64_t num_points,
                        const PointArray<const float>& points,
                        const PointArray<const float>& dl_dy,
                        Eigen::Ref<RowMajorMatrix> dl_dtheta,
                        const PointArray<float>& dl_dpoints,
                        const ParallelFor& parallel_for) const = 0;
  virtual void Pullback(const Thetas& theta, int num_stages, int64_t num_points,
                        const PointArray<const double>& points,
                        const PointArray<const double>& dl_dy,
                        Eigen::Ref<RowMajorMatrix> dl_dtheta,
                        const PointArray<double>& dl_dpoints,
                        const ParallelFor& parallel_for) const = 0;
  virtual void Velocity(const Thetas& theta, int64_t num_points,
                        const PointArray<const double>& points,
                        const PointArray<double>& velocity,
                        const ParallelFor& parallel_for) const = 0;
  // log det dT/dx, [B, N].
  virtual void LogDet(const Thetas& theta, int num_stages, int64_t num_points,
                      const PointArray<const double>& points, double* log_det,
                      const ParallelFor& parallel_for) const = 0;
  // Pulls dL/d(log det) [B, N] back.
  virtual void LogDetPullback(const Thetas& theta, int num_stages,
                              int64_t num_points,
                              const PointArray<const double>& points,
                              const double* dl_dlog_det,
                              Eigen::Ref<RowMajorMatrix> dl_dtheta,
                              const PointArray<double>& dl_dpoints,
                              const ParallelFor& parallel_for) const = 0;
  virtual void Jacobians(const Thetas& theta, int64_t num_points,
                         const PointArray<const double>& points,
                         const JacobianOutputs& outputs,
                         const ParallelFor& parallel_for) const = 0;
};

}  // namespace cpab::python

#endif  // CPAB_PYTHON_SPACE_H_
