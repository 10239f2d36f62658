#include "cpab/fit/adam_fit.h"

#include <cmath>

#include "cpab/field/velocity_field.h"
#include "cpab/flow/vertex_jacobian.h"

namespace cpab {
namespace {

// [Adam] Alg. 1, with the authors' constants and PyTorch's placing of epsilon.
class Adam {
 public:
  Adam(int size, double rate)
      : rate_(rate),
        mean_(Eigen::ArrayXd::Zero(size)),
        square_(Eigen::ArrayXd::Zero(size)) {}

  // What to add to the parameters, given the loss's gradient there.
  Eigen::ArrayXd Step(const Eigen::ArrayXd& gradient) {
    mean_power_ *= kMeanDecay;
    square_power_ *= kSquareDecay;
    mean_ = kMeanDecay * mean_ + (1 - kMeanDecay) * gradient;
    square_ = kSquareDecay * square_ + (1 - kSquareDecay) * gradient.square();
    const Eigen::ArrayXd scale =
        (square_ / (1 - square_power_)).sqrt() + kEpsilon;
    return -rate_ / (1 - mean_power_) * mean_ / scale;
  }

 private:
  static constexpr double kMeanDecay = 0.9;
  static constexpr double kSquareDecay = 0.999;
  static constexpr double kEpsilon = 1e-8;

  double rate_;
  double mean_power_ = 1, square_power_ = 1;
  Eigen::ArrayXd mean_, square_;
};

double Norm(const FlowAtPairs& flow, const WeightedPairs& pairs) {
  return std::sqrt(WeightedSquaredNorm(flow.residual, pairs.weights));
}

// Of Norm with respect to theta; zero where Norm is, as torch.norm has it.
Eigen::VectorXd NormGradient(const Basis& basis, const FlowAtPairs& flow,
                             const WeightedPairs& pairs) {
  const double norm = Norm(flow, pairs);
  if (norm == 0) return Eigen::VectorXd::Zero(basis.theta_size());
  const Eigen::Matrix2Xd dl_dy =
      (flow.residual.array().rowwise() * pairs.weights.array()) / -norm;
  return basis.vertex_basis().transpose() * flow.jacobian.TransposeTimes(dl_dy);
}

}  // namespace

FitResult FitByAdam(const std::shared_ptr<const Basis>& basis,
                    const FitOptions& options, const WeightedPairs& pairs) {
  Adam adam(basis->theta_size(), options.adam_rate);
  FitResult result;
  result.theta = Eigen::VectorXd::Constant(basis->theta_size(), 1e-6);
  for (; result.iterations < options.adam_iterations; ++result.iterations) {
    const FlowAtPairs flow(VelocityField(basis, result.theta), pairs);
    // Residuals in [-1, 1] are twice ours.
    const Eigen::VectorXd gradient = 2 * NormGradient(*basis, flow, pairs);
    result.theta += adam.Step(gradient.array()).matrix();
  }
  const VelocityField field(basis, result.theta);
  result.residual = Norm(FlowAtPairs(field, pairs), pairs);
  result.cost = 2 * result.residual;
  result.tension = options.tension;
  result.max_gradient = MaxGradient(field.cells());
  return result;
}

}  // namespace cpab
