// The objective of cpab/registration/volume_registration.h at one level.
//
// Private to //cpab/registration.
#ifndef CPAB_REGISTRATION_VOLUME_OBJECTIVE_H_
#define CPAB_REGISTRATION_VOLUME_OBJECTIVE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "Eigen/Core"
#include "cpab/batch/basis_prior.h"
#include "cpab/batch/flow_chain.h"
#include "cpab/field/parallel.h"
#include "cpab/registration/normal_equations.h"
#include "cpab/registration/sampled_volume.h"
#include "cpab/registration/sparse_normal_equations.h"
#include "cpab/registration/volume_similarity.h"
#include "cpab/volume/volume_basis.h"
#include "cpab/volume/volume_sensitivity.h"

namespace cpab {

//   E(theta) = patches / (2 noise^2) mismatch(moving o T(.; theta), fixed)
//              + 1/2 mean over stages of theta_i^T Sigma^-1 theta_i,
//
// T the chain of the stages of theta [n d], which take unit time together.
class VolumeObjective {
 public:
  // `parallel_for` must outlive it.
  VolumeObjective(SampledVolume moving, const SampledVolume& fixed,
                  std::unique_ptr<VolumeSimilarity> similarity,
                  std::shared_ptr<const VolumeBasis> basis, BasisPrior prior,
                  int num_stages, double noise,
                  const ParallelFor& parallel_for);

  double Mismatch(const Eigen::VectorXd& theta) const;
  double Value(const Eigen::VectorXd& theta) const;

  // dE/dtheta, and a Gauss-Newton Hessian; over a dense basis. Both are sums
  // over four parts of the voxels, and so the same on any number of threads.
  void Differentiate(const Eigen::VectorXd& theta, Eigen::VectorXd* gradient,
                     Eigen::MatrixXd* hessian) const;

  // The system of a step, over any basis.
  std::unique_ptr<const NormalEquations> Linearise(
      const Eigen::VectorXd& theta) const;

  VolumeChain ChainOf(const Eigen::VectorXd& theta) const;

 private:
  // A voxel's value depends on a velocity by this.
  struct Slope {
    int unknown;  // The first of three: 3 (stage * vertices + vertex).
    Eigen::RowVector3d value;
  };
  // Sums over a part of the voxels, in terms of the velocities at the vertices.
  struct Sums {
    Eigen::VectorXd gradient;
    Eigen::MatrixXd hessian;  // Upper triangle of blocks.
  };

  Eigen::VectorXd Warped(const Eigen::Matrix3Xd& images) const;
  // Velocities at the vertices of all stages.
  Eigen::Index NumUnknowns() const;
  VolumeSimilarity::Derivatives DifferentiateSimilarity(
      const VolumeChain& chain) const;
  // Calls body(n, slopes) for the voxels from begin to end.
  template <typename Body>
  void ForEachVoxel(const VolumeChain& chain, int64_t begin, int64_t end,
                    Body body) const;
  ValueSlopes SlopesOfPart(const VolumeChain& chain,
                           const VolumeSimilarity::Derivatives& derivatives,
                           int64_t begin, int64_t end) const;
  std::vector<Slope> SlopesOf(
      const std::vector<std::vector<VolumeSensitivity>>& stages,
      Eigen::Index n) const;
  static void AddVoxel(const std::vector<Slope>& slopes, double gradient,
                       double curvature, Sums* sums);
  void ToTheta(const Sums& sums, Eigen::VectorXd* gradient,
               Eigen::MatrixXd* hessian) const;

  SampledVolume moving_;
  std::unique_ptr<VolumeSimilarity> similarity_;
  std::shared_ptr<const VolumeBasis> basis_;
  BasisPrior prior_;
  Eigen::Matrix3Xd points_;
  int num_stages_;
  double weight_;  // Of the mean mismatch.
  const ParallelFor& parallel_for_;
};

}  // namespace cpab

#endif  // CPAB_REGISTRATION_VOLUME_OBJECTIVE_H_
