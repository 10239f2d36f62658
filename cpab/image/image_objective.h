// The objective of cpab/image/image_registration.h at one level.
//
// Private to //cpab/image.
#ifndef CPAB_IMAGE_IMAGE_OBJECTIVE_H_
#define CPAB_IMAGE_IMAGE_OBJECTIVE_H_

#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/batch/basis_prior.h"
#include "cpab/batch/flow_chain.h"
#include "cpab/field/basis.h"
#include "cpab/flow/vertex_jacobian.h"
#include "cpab/registration/normal_equations.h"
#include "opencv2/core/mat.hpp"

namespace cpab {

// Brightness, CV_32F, one channel, at least 2x2, and the size of the image that
// it was reduced from by averaging: 0 and 1 are the centres of that one's first
// and last pixels.
struct ReducedImage {
  cv::Mat pixels;
  cv::Size whole;
};

// What image registration minimises over theta, with its derivatives:
//
//   E(theta) = 64 mean over pixels |moving(T(x; theta)) - fixed(x)|^2
//              / (2 noise^2) + 1/2 mean over stages of theta_i^T Sigma^-1
//              theta_i,
//
// T the chain of the stages of theta [n d], which take unit time together.
class ImageObjective {
 public:
  ImageObjective(ReducedImage moving, ReducedImage fixed,
                 std::shared_ptr<const Basis> basis, BasisPrior prior,
                 int num_stages, double noise);

  double RootMeanSquare(const Eigen::VectorXd& theta) const;
  double Value(const Eigen::VectorXd& theta) const;

  // dE/dtheta, and a Gauss-Newton Hessian; over a dense basis.
  void Differentiate(const Eigen::VectorXd& theta, Eigen::VectorXd* gradient,
                     Eigen::MatrixXd* hessian) const;

  // The system of a step, over any basis.
  std::unique_ptr<const NormalEquations> Linearise(
      const Eigen::VectorXd& theta) const;

 private:
  // A pixel's value depends on a velocity by this.
  struct Slope {
    Eigen::Index unknown;  // The first of two: 2 (stage * vertices + vertex).
    Eigen::RowVector2d value;
  };

  FlowChain ChainOf(const Eigen::VectorXd& theta) const;
  double SumOfSquares(const Eigen::VectorXd& theta) const;
  double Fixed(Eigen::Index n) const;
  Eigen::Index NumUnknowns() const;  // Of one stage.
  // Calls body(n, residual, slopes) for all pixels.
  template <typename Body>
  void ForEachPixel(const Eigen::VectorXd& theta, Body body) const;
  std::vector<Slope> SlopesOf(const std::vector<PointSensitivity>& stages,
                              Eigen::RowVector2d rest) const;
  void ToTheta(const Eigen::VectorXd& theta, const Eigen::VectorXd& gradient_u,
               const Eigen::MatrixXd& hessian_u, Eigen::VectorXd* gradient,
               Eigen::MatrixXd* hessian) const;

  int num_stages_;
  ReducedImage moving_, fixed_;
  Eigen::Matrix2Xd points_;
  std::shared_ptr<const Basis> basis_;
  BasisPrior prior_;
  double weight_;
};

}  // namespace cpab

#endif  // CPAB_IMAGE_IMAGE_OBJECTIVE_H_
