#include "cpab/field/refine.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace cpab {
namespace {

bool Refines(const TessellationOptions& fine,
             const TessellationOptions& coarse) {
  const int factor = fine.nx / coarse.nx;
  return fine.nx == factor * coarse.nx && fine.ny == factor * coarse.ny &&
         fine.zero_boundary == coarse.zero_boundary &&
         fine.volume_preserving == coarse.volume_preserving;
}

}  // namespace

absl::StatusOr<Eigen::VectorXd> RefineTheta(
    const Basis& coarse, const Eigen::Ref<const Eigen::VectorXd>& theta,
    const Basis& fine) {
  const TessellationOptions& from = coarse.tessellation().options();
  const TessellationOptions& to = fine.tessellation().options();
  if (!Refines(to, from)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a field on ", from.nx, "x", from.ny, " cells cannot be had on ", to.nx,
        "x", to.ny,
        "; use the same multiple of both and the same constraints"));
  }
  const CellCoefficients cells = coarse.CellsFromTheta(theta);
  const Eigen::Matrix2Xd& vertices = fine.tessellation().vertices();
  Eigen::Matrix2Xd velocities(2, vertices.cols());
  for (int v = 0; v < vertices.cols(); ++v) {
    const Eigen::Vector2d x = vertices.col(v);
    const auto A = cells.row(coarse.tessellation().FindCell(x));  // [CPAB]
    velocities.col(v) << A[0] * x.x() + A[1] * x.y() + A[2],
        A[3] * x.x() + A[4] * x.y() + A[5];
  }
  return fine.ThetaFromVertices(velocities);
}

}  // namespace cpab
