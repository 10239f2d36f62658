#include "cpab/field/sparse_prior.h"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "Eigen/Cholesky"
#include "Eigen/SparseCholesky"
#include "absl/status/status.h"
#include "cpab/field/nested_cholesky.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

double Square(double x) { return x * x; }

// Q, [vertices, vertices]: tau^2 (kappa^2 C + G) C^-1 (kappa^2 C + G).
SparseMatrix RoughPrecision(const FiniteElements& elements,
                            const PriorOptions& options) {
  const bool plane = elements.dimensions == 2;
  const double kappa = (plane ? std::sqrt(2.0) : 1.0) / options.length_scale;
  // The variance of the field is 1 / (4 pi kappa^2 tau^2) in the plane, and
  // 1 / (8 pi kappa tau^2) in space.
  const double tau_squared =
      1 / (Square(options.speed) *
           (plane ? 4 * M_PI * Square(kappa) : 8 * M_PI * kappa));
  SparseMatrix mass(elements.mass.size(), elements.mass.size());
  SparseMatrix inverse_mass = mass;
  for (Eigen::Index v = 0; v < elements.mass.size(); ++v) {
    mass.insert(v, v) = Square(kappa) * elements.mass[v];
    inverse_mass.insert(v, v) = tau_squared / elements.mass[v];
  }
  const SparseMatrix sum = mass + elements.stiffness;
  return sum * inverse_mass * sum;
}

// Q for each of the components.
SparseMatrix ForEachComponent(const SparseMatrix& precision, int dimensions) {
  std::vector<Eigen::Triplet<double>> triplets;
  triplets.reserve(precision.nonZeros() * dimensions);
  for (Eigen::Index q = 0; q < precision.cols(); ++q) {
    for (SparseMatrix::InnerIterator entry(precision, q); entry; ++entry) {
      for (int a = 0; a < dimensions; ++a) {
        triplets.emplace_back(dimensions * entry.row() + a, dimensions * q + a,
                              entry.value());
      }
    }
  }
  SparseMatrix result(dimensions * precision.rows(),
                      dimensions * precision.cols());
  result.setFromTriplets(triplets.begin(), triplets.end());
  return result;
}

// The affine fields: column D a + b moves component a by coordinate b.
Eigen::MatrixXd AffineFields(const Eigen::MatrixXd& vertices) {
  const Eigen::Index D = vertices.rows();
  Eigen::MatrixXd fields = Eigen::MatrixXd::Zero(vertices.size(), D * D);
  for (Eigen::Index v = 0; v < vertices.cols(); ++v) {
    for (Eigen::Index a = 0; a < D; ++a) {
      for (Eigen::Index b = 0; b < D; ++b) {
        fields(D * v + a, D * a + b) = vertices(b, v) - 0.5;
      }
    }
  }
  return fields;
}

// Where the columns of Z lie: at the vertex of their first unknown.
Eigen::MatrixXd FreePlaces(const SparseMatrix& z,
                           const Eigen::MatrixXd& vertices) {
  Eigen::MatrixXd places(vertices.rows(), z.cols());
  for (Eigen::Index k = 0; k < z.cols(); ++k) {
    const SparseMatrix::InnerIterator first(z, k);
    places.col(k) = vertices.col(first.row() / vertices.rows());
  }
  return places;
}

}  // namespace

// Cholesky factors of H, P^T L L^T P.
class SparsePrior::RoughFactor {
 public:
  // In space nested dissection; in the plane, where factors are small, the
  // library's order of least degree.
  static std::unique_ptr<const RoughFactor> Create(
      const SparseMatrix& rough, const Eigen::MatrixXd& places);

  virtual ~RoughFactor() = default;
  // H^-1 b for each column of b.
  virtual Eigen::MatrixXd Solve(const Eigen::MatrixXd& b) const = 0;
  // P^T L^-T white: of covariance H^-1.
  virtual Eigen::VectorXd Colour(const Eigen::VectorXd& white) const = 0;
  // Of L at each element of z; NaN if H is not positive definite.
  virtual Eigen::VectorXd Diagonal() const = 0;

 private:
  class InThePlane;
  class InSpace;
};

class SparsePrior::RoughFactor::InThePlane : public RoughFactor {
 public:
  explicit InThePlane(const SparseMatrix& rough) { factor_.compute(rough); }

  Eigen::MatrixXd Solve(const Eigen::MatrixXd& b) const override {
    return factor_.solve(b);
  }
  Eigen::VectorXd Colour(const Eigen::VectorXd& white) const override {
    const Eigen::VectorXd ordered = factor_.matrixU().solve(white);
    return factor_.permutationPinv() * ordered;
  }
  Eigen::VectorXd Diagonal() const override {
    if (factor_.info() != Eigen::Success) {  // Then L is not whole.
      return Eigen::VectorXd::Constant(
          factor_.cols(), std::numeric_limits<double>::quiet_NaN());
    }
    const Eigen::VectorXd ordered = SparseMatrix(factor_.matrixL()).diagonal();
    return factor_.permutationPinv() * ordered;
  }

 private:
  Eigen::SimplicialLLT<SparseMatrix> factor_;
};

class SparsePrior::RoughFactor::InSpace : public RoughFactor {
 public:
  InSpace(const SparseMatrix& rough, const Eigen::MatrixXd& places)
      : factor_(rough, places) {}

  Eigen::MatrixXd Solve(const Eigen::MatrixXd& b) const override {
    return factor_.Solve(b);
  }
  Eigen::VectorXd Colour(const Eigen::VectorXd& white) const override {
    return factor_.Colour(white);
  }
  Eigen::VectorXd Diagonal() const override { return factor_.Diagonal(); }

 private:
  NestedCholesky factor_;
};

std::unique_ptr<const SparsePrior::RoughFactor>
SparsePrior::RoughFactor::Create(const SparseMatrix& rough,
                                 const Eigen::MatrixXd& places) {
  if (places.rows() == 2) return std::make_unique<const InThePlane>(rough);
  return std::make_unique<const InSpace>(rough, places);
}

SparsePrior::~SparsePrior() = default;

absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePrior::Create(
    std::shared_ptr<const SparseBasis> basis, const Eigen::MatrixXd& vertices,
    const FiniteElements& elements, const PriorOptions& options) {
  RETURN_IF_ERROR(SmoothnessPrior::Validate(options));
  if (basis == nullptr) {
    return absl::InvalidArgumentError("the basis is not stored sparsely");
  }
  std::shared_ptr<SparsePrior> prior(
      new SparsePrior(std::move(basis), vertices));
  RETURN_IF_ERROR(prior->Factorise(vertices, elements, options));
  return prior;
}

SparsePrior::SparsePrior(std::shared_ptr<const SparseBasis> basis,
                         const Eigen::MatrixXd& vertices)
    : basis_(std::move(basis)),
      free_places_(FreePlaces(basis_->free_basis(), vertices)) {}

absl::Status SparsePrior::Factorise(const Eigen::MatrixXd& vertices,
                                    const FiniteElements& elements,
                                    const PriorOptions& options) {
  const SparseMatrix precision =
      ForEachComponent(RoughPrecision(elements, options), elements.dimensions);
  const SparseMatrix& Z = basis_->free_basis();
  const SparseMatrix precision_times_z = precision * Z;
  rough_ = Z.transpose() * precision_times_z;
  rough_factor_ = RoughFactor::Create(rough_, free_places_);
  const Eigen::VectorXd diagonal = rough_factor_->Diagonal();
  RETURN_IF_ERROR(
      SmoothnessPrior::CheckFactor(diagonal, rough_.diagonal(), options));
  const auto log_det = [](const Eigen::VectorXd& of_factor) {
    return 2 * of_factor.array().log().sum();
  };
  log_determinant_ = log_det(diagonal) - basis_->LogDeterminant();
  if (options.gradient == 0) return absl::OkStatus();
  const Eigen::MatrixXd X = AffineFields(vertices);
  affine_ = precision_times_z.transpose() * X;
  solved_affine_ = rough_factor_->Solve(affine_);
  const Eigen::Index size = X.cols();
  const Eigen::MatrixXd inverse_coupling =
      Eigen::MatrixXd::Identity(size, size) / Square(options.gradient) +
      X.transpose() * (precision * X);
  const Eigen::LLT<Eigen::MatrixXd> coupling_factor(inverse_coupling);
  coupling_ = coupling_factor.solve(Eigen::MatrixXd::Identity(size, size));
  const Eigen::MatrixXd left =
      inverse_coupling - affine_.transpose() * solved_affine_;
  const Eigen::LLT<Eigen::MatrixXd> factor(left);
  // Of what `left` is a difference of.
  RETURN_IF_ERROR(SmoothnessPrior::CheckFactor(
      factor, inverse_coupling.diagonal(), options));
  affine_deviation_ =
      factor.matrixU().solve(Eigen::MatrixXd::Identity(size, size));
  log_determinant_ += log_det(factor.matrixLLT().diagonal()) -
                      log_det(coupling_factor.matrixLLT().diagonal());
  return absl::OkStatus();
}

double SparsePrior::Energy(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  const Eigen::VectorXd z = basis_->FreeFromTheta(theta);
  double energy = z.dot(rough_ * z);
  if (affine_.size() > 0) {
    const Eigen::VectorXd along = affine_.transpose() * z;
    energy -= along.dot(coupling_ * along);
  }
  return energy;
}

Eigen::VectorXd SparsePrior::PrecisionTimes(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  const Eigen::VectorXd z = basis_->FreeFromTheta(theta);
  Eigen::VectorXd dual = rough_ * z;
  if (affine_.size() > 0) {
    dual -= affine_ * (coupling_ * (affine_.transpose() * z));
  }
  return basis_->ThetaDualFromFree(dual);
}

// As in Sample() below.
Eigen::MatrixXd SparsePrior::CovarianceTimes(
    const Eigen::Ref<const Eigen::MatrixXd>& duals) const {
  const Eigen::MatrixXd of_free = basis_->FreeDualFromTheta(duals);
  Eigen::MatrixXd z = rough_factor_->Solve(of_free);
  if (affine_.size() > 0) {
    z += solved_affine_ *
         (affine_deviation_ * (affine_deviation_.transpose() *
                               (solved_affine_.transpose() * of_free)));
  }
  return basis_->ThetasFromFree(z);
}

double SparsePrior::LogDensity(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  return 0.5 * (log_determinant_ - Energy(theta) -
                static_cast<double>(theta.size()) * std::log(2 * M_PI));
}

// (H - R M R^T)^-1 = H^-1 + H^-1 R (M^-1 - R^T H^-1 R)^-1 R^T H^-1.
Eigen::VectorXd SparsePrior::Sample(std::mt19937_64& generator) const {
  std::normal_distribution<double> normal;
  Eigen::VectorXd white(rough_.rows());
  for (double& w : white) w = normal(generator);
  Eigen::VectorXd z = rough_factor_->Colour(white);
  if (affine_.size() > 0) {
    Eigen::VectorXd few(affine_.cols());
    for (double& w : few) w = normal(generator);
    z += solved_affine_ * (affine_deviation_ * few);
  }
  return basis_->ThetaFromFree(z);
}

}  // namespace cpab
