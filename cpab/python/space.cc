#include "cpab/python/space.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "cpab/batch/basis_prior.h"
#include "cpab/batch/flow_batch.h"
#include "cpab/batch/flow_chain.h"
#include "cpab/batch/flow_kind.h"
#include "third_party/absl/status_macros.h"

namespace cpab::python {
namespace {

using Row = Eigen::Matrix<double, 1, Eigen::Dynamic>;

// The means of the cells' vertices.
template <typename Cells>
Eigen::MatrixXd MeansOfVertices(const Cells& cells,
                                const Eigen::MatrixXd& vertices) {
  Eigen::MatrixXd means = Eigen::MatrixXd::Zero(vertices.rows(), cells.size());
  for (size_t c = 0; c < cells.size(); ++c) {
    for (const int v : cells[c]) {
      means.col(c) += vertices.col(v) / static_cast<double>(cells[c].size());
    }
  }
  return means;
}

// In row-major order.
template <typename Matrix>
void Write(const Matrix& matrix, double* out) {
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    for (Eigen::Index j = 0; j < matrix.cols(); ++j) *out++ = matrix(i, j);
  }
}

template <int D>
class SpaceOf : public Space {
 public:
  using Kind = FlowKind<D>;
  using Coefficients = typename Kind::Coefficients;

  explicit SpaceOf(std::shared_ptr<const typename Kind::Basis> basis)
      : basis_(std::move(basis)) {}

  int dimensions() const override { return D; }
  int theta_size() const override { return basis_->theta_size(); }
  int num_cells() const override { return Kind::NumCells(*basis_); }
  Eigen::MatrixXd CellCenters() const override {
    if constexpr (D == 1) {
      const Eigen::RowVectorXd v = basis_->vertices();
      return 0.5 * (v.head(num_cells()) + v.tail(num_cells()));
    } else if constexpr (D == 2) {
      return MeansOfVertices(basis_->tessellation().cells(), Vertices());
    } else {
      return MeansOfVertices(basis_->cells(), Vertices());
    }
  }
  Eigen::MatrixXd Vertices() const override { return Kind::Vertices(*basis_); }
  RowMajorMatrix VertexBasis() const override { return basis_->vertex_basis(); }
  bool is_sparse() const override {
    if constexpr (D == 1) {
      return false;
    } else {
      return basis_->is_sparse();
    }
  }
  absl::StatusOr<std::shared_ptr<const SparsePrior>> CreateSparsePrior(
      const PriorOptions& options) const override {
    return SparsePriorOf(*basis_, options);
  }
  absl::StatusOr<std::shared_ptr<const Fitter>> CreateFitter(
      const FitOptions& options, int num_stages) const override {
    return Fitter::Create(basis_, options, num_stages);
  }

  RowMajorMatrix CellsFromTheta(const Thetas& theta) const override {
    RowMajorMatrix cells(theta.rows(), num_cells() * D * (D + 1));
    for (Eigen::Index b = 0; b < theta.rows(); ++b) {
      Eigen::Map<Coefficients>(cells.row(b).data(), num_cells(), D * (D + 1)) =
          basis_->CellsFromTheta(theta.row(b).transpose());
    }
    return cells;
  }

  RowMajorMatrix ThetaFromCells(const Thetas& cells) const override {
    RowMajorMatrix theta(cells.rows(), theta_size());
    for (Eigen::Index b = 0; b < cells.rows(); ++b) {
      const Row row = cells.row(b);
      theta.row(b) = basis_
                         ->ThetaFromCells(Eigen::Map<const Coefficients>(
                             row.data(), num_cells(), D * (D + 1)))
                         .transpose();
    }
    return theta;
  }

  RowMajorMatrix ThetaFromVertices(const Thetas& velocities) const override {
    RowMajorMatrix theta(velocities.rows(), theta_size());
    for (Eigen::Index b = 0; b < velocities.rows(); ++b) {
      const Row row = velocities.row(b);
      if constexpr (D == 1) {
        theta.row(b) = basis_->ThetaFromVertices(row.transpose()).transpose();
      } else {
        theta.row(b) =
            basis_
                ->ThetaFromVertices(Eigen::Map<const PointColumns<D>>(
                    row.data(), D, row.size() / D))
                .transpose();
      }
    }
    return theta;
  }

  void Transform(const Thetas& theta, int num_stages, int64_t num_points,
                 const PointArray<const float>& points,
                 const PointArray<float>& y,
                 const ParallelFor& parallel_for) const override {
    TransformBatch<D>(Chains(theta, num_stages), num_points, points, y,
                      parallel_for);
  }
  void Transform(const Thetas& theta, int num_stages, int64_t num_points,
                 const PointArray<const double>& points,
                 const PointArray<double>& y,
                 const ParallelFor& parallel_for) const override {
    TransformBatch<D>(Chains(theta, num_stages), num_points, points, y,
                      parallel_for);
  }
  void Pullback(const Thetas& theta, int num_stages, int64_t num_points,
                const PointArray<const float>& points,
                const PointArray<const float>& dl_dy,
                Eigen::Ref<RowMajorMatrix> dl_dtheta,
                const PointArray<float>& dl_dpoints,
                const ParallelFor& parallel_for) const override {
    PullbackBatch<D>(Chains(theta, num_stages), num_points, points, dl_dy,
                     dl_dtheta, dl_dpoints, parallel_for);
  }
  void Pullback(const Thetas& theta, int num_stages, int64_t num_points,
                const PointArray<const double>& points,
                const PointArray<const double>& dl_dy,
                Eigen::Ref<RowMajorMatrix> dl_dtheta,
                const PointArray<double>& dl_dpoints,
                const ParallelFor& parallel_for) const override {
    PullbackBatch<D>(Chains(theta, num_stages), num_points, points, dl_dy,
                     dl_dtheta, dl_dpoints, parallel_for);
  }

  void Velocity(const Thetas& theta, int64_t num_points,
                const PointArray<const double>& points,
                const PointArray<double>& velocity,
                const ParallelFor& parallel_for) const override {
    const std::vector<typename Kind::Flow> flows = Flows(theta);
    ForEachBlock(
        theta.rows(), num_points, parallel_for,
        [&](int64_t b, int64_t begin, int64_t end) {
          for (int64_t n = begin; n < end; ++n) {
            Scatter<D, double>(
                Kind::Velocity(flows[b], Gather<D>(points, b, n, n + 1)), b, n,
                velocity);
          }
        });
  }

  void LogDet(const Thetas& theta, int num_stages, int64_t num_points,
              const PointArray<const double>& points, double* log_det,
              const ParallelFor& parallel_for) const override {
    const std::vector<Chain<D>> chains = Chains(theta, num_stages);
    ForEachBlock(theta.rows(), num_points, parallel_for,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   for (int64_t n = begin; n < end; ++n) {
                     log_det[b * num_points + n] = chains[b].LogDetJacobian(
                         Gather<D>(points, b, n, n + 1));
                   }
                 });
  }

  void LogDetPullback(const Thetas& theta, int num_stages, int64_t num_points,
                      const PointArray<const double>& points,
                      const double* dl_dlog_det,
                      Eigen::Ref<RowMajorMatrix> dl_dtheta,
                      const PointArray<double>& dl_dpoints,
                      const ParallelFor& parallel_for) const override {
    const std::vector<Chain<D>> chains = Chains(theta, num_stages);
    parallel_for(theta.rows(), [&](int64_t b) {
      const ChainGradient<D> gradient = chains[b].LogDetPullback(
          Gather<D>(points, b, 0, num_points),
          Eigen::Map<const Eigen::VectorXd>(dl_dlog_det + b * num_points,
                                            num_points));
      dl_dtheta.row(b) =
          Eigen::Map<const Row>(gradient.thetas.data(), gradient.thetas.size());
      Scatter<D>(gradient.points, b, 0, dl_dpoints);
    });
  }

  void Jacobians(const Thetas& theta, int64_t num_points,
                 const PointArray<const double>& points,
                 const JacobianOutputs& outputs,
                 const ParallelFor& parallel_for) const override {
    const std::vector<typename Kind::Flow> flows = Flows(theta);
    const int64_t d = theta_size();
    ForEachBlock(theta.rows(), num_points, parallel_for,
                 [&](int64_t b, int64_t begin, int64_t end) {
                   for (int64_t n = begin; n < end; ++n) {
                     const PointColumns<D> x = Gather<D>(points, b, n, n + 1);
                     const int64_t i = b * num_points + n;
                     const FlowDerivatives<D> at =
                         Kind::Differentiate(flows[b], x);
                     outputs.log_det[i] = at.log_det;
                     Write(at.y, outputs.y + i * D);
                     Write(at.dy_dx, outputs.dy_dx + i * D * D);
                     if (outputs.dy_dtheta == nullptr) continue;
                     Write(at.dy_dtheta, outputs.dy_dtheta + i * D * d);
                   }
                 });
  }

 private:
  std::vector<typename Kind::Flow> Flows(const Thetas& theta) const {
    std::vector<typename Kind::Flow> flows;
    flows.reserve(theta.rows());
    for (Eigen::Index b = 0; b < theta.rows(); ++b) {
      flows.emplace_back(basis_, theta.row(b).transpose());
    }
    return flows;
  }

  // Of [B, stages * d].
  std::vector<Chain<D>> Chains(const Thetas& theta, int num_stages) const {
    std::vector<Chain<D>> chains;
    chains.reserve(theta.rows());
    for (Eigen::Index b = 0; b < theta.rows(); ++b) {
      const Row row = theta.row(b);
      chains.emplace_back(basis_,
                          Eigen::Map<const Eigen::MatrixXd>(
                              row.data(), theta_size(), num_stages),
                          Chain<D>::Time::kUnitEach);
    }
    return chains;
  }

  std::shared_ptr<const typename Kind::Basis> basis_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Space>> Space::Create(
    const std::vector<int>& cells, bool zero_boundary, bool volume_preserving,
    bool sparse_basis) {
  switch (cells.size()) {
    case 1: {
      if (sparse_basis) {
        return absl::InvalidArgumentError(
            "sparse_basis is for 2 and 3 dimensions; this has 1");
      }
      ASSIGN_OR_RETURN(
          auto basis,
          IntervalBasis::Create({cells[0], zero_boundary, volume_preserving}));
      return std::make_shared<const SpaceOf<1>>(std::move(basis));
    }
    case 2: {
      ASSIGN_OR_RETURN(auto basis,
                       Basis::Create({cells[0], cells[1], zero_boundary,
                                      volume_preserving, sparse_basis}));
      return std::make_shared<const SpaceOf<2>>(std::move(basis));
    }
    case 3: {
      ASSIGN_OR_RETURN(
          auto basis,
          VolumeBasis::Create({cells[0], cells[1], cells[2], zero_boundary,
                               volume_preserving, sparse_basis}));
      return std::make_shared<const SpaceOf<3>>(std::move(basis));
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("the number of cells is given along ", cells.size(),
                       " axes; use 1, 2 or 3"));
  }
}

}  // namespace cpab::python
