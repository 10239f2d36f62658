#include "cpab/registration/volume_objective.h"

#include <algorithm>
#include <utility>

namespace cpab {
namespace {

// As in cpab/image/image_objective.cc: what is not motion covers patches of
// about an eighth of the sides.
constexpr double kIndependentPatches = 512;

// Voxels whose sensitivities are kept at a time.
constexpr int64_t kBlock = 512;
// Partial sums: a Hessian each.
constexpr int64_t kParts = 4;

}  // namespace

VolumeObjective::VolumeObjective(SampledVolume moving,
                                 const SampledVolume& fixed,
                                 std::unique_ptr<VolumeSimilarity> similarity,
                                 std::shared_ptr<const VolumeBasis> basis,
                                 BasisPrior prior, int num_stages, double noise,
                                 const ParallelFor& parallel_for)
    : moving_(std::move(moving)),
      similarity_(std::move(similarity)),
      basis_(std::move(basis)),
      prior_(std::move(prior)),
      points_(VoxelCentres(fixed)),
      num_stages_(num_stages),
      weight_(kIndependentPatches / (2 * noise * noise)),
      parallel_for_(parallel_for) {}

VolumeChain VolumeObjective::ChainOf(const Eigen::VectorXd& theta) const {
  return VolumeChain(basis_,
                     Eigen::Map<const Eigen::MatrixXd>(
                         theta.data(), basis_->theta_size(), num_stages_),
                     VolumeChain::Time::kUnitTogether);
}

Eigen::VectorXd VolumeObjective::Warped(const Eigen::Matrix3Xd& images) const {
  Eigen::VectorXd values(images.cols());
  for (Eigen::Index n = 0; n < images.cols(); ++n) {
    values[n] = SampleAt(moving_, images.col(n)).value;
  }
  return values;
}

double VolumeObjective::Mismatch(const Eigen::VectorXd& theta) const {
  return similarity_->Mismatch(
      Warped(ChainOf(theta).Transform(points_, parallel_for_)));
}

double VolumeObjective::Value(const Eigen::VectorXd& theta) const {
  double energy = 0;
  const Eigen::Index d = basis_->theta_size();
  for (int i = 0; i < num_stages_; ++i) {
    energy += prior_.Energy(theta.segment(i * d, d));
  }
  return weight_ * Mismatch(theta) + 0.5 * energy / num_stages_;
}

VolumeSimilarity::Derivatives VolumeObjective::DifferentiateSimilarity(
    const VolumeChain& chain) const {
  return similarity_->Differentiate(
      Warped(chain.Transform(points_, parallel_for_)));
}

void VolumeObjective::Differentiate(const Eigen::VectorXd& theta,
                                    Eigen::VectorXd* gradient,
                                    Eigen::MatrixXd* hessian) const {
  const VolumeChain chain = ChainOf(theta);
  const VolumeSimilarity::Derivatives derivatives =
      DifferentiateSimilarity(chain);
  const Eigen::Index size = NumUnknowns();
  std::vector<Sums> parts(
      kParts, {Eigen::VectorXd::Zero(size), Eigen::MatrixXd::Zero(size, size)});
  const int64_t count = points_.cols();
  parallel_for_(kParts, [&](int64_t part) {
    ForEachVoxel(chain, count * part / kParts, count * (part + 1) / kParts,
                 [&](int64_t n, const std::vector<Slope>& slopes) {
                   AddVoxel(slopes, derivatives.gradient[n],
                            derivatives.curvature[n], &parts[part]);
                 });
  });
  for (int64_t part = 1; part < kParts; ++part) {
    parts[0].gradient += parts[part].gradient;
    parts[0].hessian += parts[part].hessian;
  }
  ToTheta(parts[0], gradient, hessian);
  const Eigen::Index d = basis_->theta_size();
  const Eigen::MatrixXd& precision = prior_.dense->precision();
  for (int i = 0; i < num_stages_; ++i) {
    gradient->segment(i * d, d) +=
        precision * theta.segment(i * d, d) / num_stages_;
    hessian->block(i * d, i * d, d, d) += precision / num_stages_;
  }
}

std::unique_ptr<const NormalEquations> VolumeObjective::Linearise(
    const Eigen::VectorXd& theta) const {
  if (!basis_->is_sparse()) {
    Eigen::VectorXd gradient;
    Eigen::MatrixXd hessian;
    Differentiate(theta, &gradient, &hessian);
    return std::make_unique<const DenseNormalEquations>(std::move(gradient),
                                                        std::move(hessian));
  }
  const VolumeChain chain = ChainOf(theta);
  const VolumeSimilarity::Derivatives derivatives =
      DifferentiateSimilarity(chain);
  const int64_t count = points_.cols();
  std::vector<ValueSlopes> parts(kParts);
  parallel_for_(kParts, [&](int64_t part) {
    parts[part] = SlopesOfPart(chain, derivatives, count * part / kParts,
                               count * (part + 1) / kParts);
  });
  return std::make_unique<const SparseNormalEquations>(
      prior_.sparse, num_stages_, weight_ / static_cast<double>(count), parts,
      theta, parallel_for_);
}

Eigen::Index VolumeObjective::NumUnknowns() const {
  return 3 * basis_->vertices().cols() * num_stages_;
}

template <typename Body>
void VolumeObjective::ForEachVoxel(const VolumeChain& chain, int64_t begin,
                                   int64_t end, Body body) const {
  for (int64_t first = begin; first < end; first += kBlock) {
    const int64_t count = std::min(kBlock, end - first);
    Eigen::Matrix3Xd x = points_.middleCols(first, count);
    std::vector<std::vector<VolumeSensitivity>> stages;
    for (const VolumeFlow& flow : chain.flows()) {
      stages.push_back(SensitivitiesOf(flow.walker(), x));
      for (int64_t n = 0; n < count; ++n) x.col(n) = stages.back()[n].y;
    }
    for (int64_t n = 0; n < count; ++n) body(first + n, SlopesOf(stages, n));
  }
}

ValueSlopes VolumeObjective::SlopesOfPart(
    const VolumeChain& chain, const VolumeSimilarity::Derivatives& derivatives,
    int64_t begin, int64_t end) const {
  ValueSlopes part;
  part.rows.resize(end - begin, NumUnknowns());
  part.gradient = derivatives.gradient.segment(begin, end - begin);
  part.curvature = derivatives.curvature.segment(begin, end - begin);
  ForEachVoxel(chain, begin, end, [&](int64_t n, std::vector<Slope> slopes) {
    AppendRow(n - begin, std::move(slopes), &part.rows);
  });
  part.rows.finalize();
  return part;
}

// Back through the stages: with `rest` how the value depends on where the
// point is after a stage.
std::vector<VolumeObjective::Slope> VolumeObjective::SlopesOf(
    const std::vector<std::vector<VolumeSensitivity>>& stages,
    Eigen::Index n) const {
  std::vector<Slope> slopes;
  Eigen::RowVector3d rest = SampleAt(moving_, stages.back()[n].y).gradient;
  const int vertices = static_cast<int>(basis_->vertices().cols());
  for (int i = num_stages_; i-- > 0;) {
    const VolumeSensitivity& stage = stages[i][n];
    for (const VolumeSensitivity::Block& block : stage.blocks) {
      slopes.push_back({3 * (i * vertices + block.vertex),
                        rest * block.dy_du / num_stages_});
    }
    rest = (rest * stage.dy_dx).eval();
  }
  return slopes;
}

void VolumeObjective::AddVoxel(const std::vector<Slope>& slopes,
                               double gradient, double curvature, Sums* sums) {
  for (const Slope& a : slopes) {
    sums->gradient.segment<3>(a.unknown) += gradient * a.value.transpose();
    const Eigen::Vector3d column = curvature * a.value.transpose();
    for (const Slope& b : slopes) {
      if (b.unknown < a.unknown) continue;
      sums->hessian.block<3, 3>(a.unknown, b.unknown) += column * b.value;
    }
  }
}

// u = W theta in every stage.
void VolumeObjective::ToTheta(const Sums& sums, Eigen::VectorXd* gradient,
                              Eigen::MatrixXd* hessian) const {
  const double scale = weight_ / static_cast<double>(points_.cols());
  const Eigen::MatrixXd& W = basis_->vertex_basis();
  const Eigen::Index d = W.cols(), u = W.rows();
  gradient->resize(num_stages_ * d);
  *hessian = scale * HessianByTheta(W, sums.hessian, num_stages_);
  for (int i = 0; i < num_stages_; ++i) {
    gradient->segment(i * d, d) =
        scale * (W.transpose() * sums.gradient.segment(i * u, u));
  }
}

}  // namespace cpab
