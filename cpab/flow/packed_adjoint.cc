#include "cpab/flow/packed_adjoint.h"

#include "cpab/flow/exit_time.h"
#include "cpab/flow/pack.h"

namespace cpab {
namespace {

class Adjoint {
 public:
  Adjoint(const PathWalker& walker,
          const std::vector<SensitivitySeries>& series,
          const std::vector<PackedArc>& arcs, Eigen::Matrix2Xd* gradients,
          CellCoefficients* cells)
      : walker_(walker),
        series_(series),
        arcs_(arcs),
        gradients_(gradients->data()),
        cells_(cells) {}

  // Arcs in one cell mostly follow each other: their shares of its gradient are
  // summed lane by lane, and over the lanes where the cell ends.
  CPAB_INLINE void Run() {
    Pack sums[6];
    for (size_t end = arcs_.size(); end > 0;) {
      const int cell = arcs_[end - 1].cell;
      for (Pack& sum : sums) sum = 0.0;
      for (; end > 0 && arcs_[end - 1].cell == cell; --end) {
        AddArc(arcs_[end - 1], walker_.flow(cell), series_[cell], sums);
      }
      for (int i = 0; i < 6; ++i) (*cells_)(cell, i) += Sum(sums[i]);
    }
  }

 private:
  CPAB_INLINE void AddArc(const PackedArc& arc, const AffineFlow& flow,
                          const SensitivitySeries& series, Pack* sums) {
    Vector<Pack> lambda = {0.0, 0.0};
    for (int i = 0; i < arc.count; ++i) {
      lambda.x.Set(i, gradients_[2 * arc.lanes[i]]);
      lambda.y.Set(i, gradients_[2 * arc.lanes[i] + 1]);
    }
    const Vector<Pack> turned = {flow.m00() * lambda.x + flow.m10() * lambda.y,
                                 flow.m01() * lambda.x + flow.m11() * lambda.y};
    const MatrixFunctionOf<Pack> f = flow.Integral(arc.duration);
    const SensitivitySeries::Integrals k = series.At(arc.duration);
    const Start<Pack> start(flow, arc.start);
    const Vector<Pack> v = start.velocity, a = start.acceleration;
    const Vector<Pack> X = {f.identity * start.x.x + k.K00 * v.x + k.K01 * a.x,
                            f.identity * start.x.y + k.K00 * v.y + k.K01 * a.y};
    const Vector<Pack> Y = {f.matrix * start.x.x + k.K01 * v.x + k.K11 * a.x,
                            f.matrix * start.x.y + k.K01 * v.y + k.K11 * a.y};
    sums[0] = sums[0] + lambda.x * X.x + turned.x * Y.x;
    sums[1] = sums[1] + lambda.x * X.y + turned.x * Y.y;
    sums[2] = sums[2] + lambda.x * f.identity + turned.x * f.matrix;
    sums[3] = sums[3] + lambda.y * X.x + turned.y * Y.x;
    sums[4] = sums[4] + lambda.y * X.y + turned.y * Y.y;
    sums[5] = sums[5] + lambda.y * f.identity + turned.y * f.matrix;
    const MatrixFunctionOf<Pack> e = flow.Exponential(f);
    const Vector<Pack> before = {e.identity * lambda.x + e.matrix * turned.x,
                                 e.identity * lambda.y + e.matrix * turned.y};
    for (int i = 0; i < arc.count; ++i) {
      gradients_[2 * arc.lanes[i]] = before.x[i];
      gradients_[2 * arc.lanes[i] + 1] = before.y[i];
    }
  }

  const PathWalker& walker_;
  const std::vector<SensitivitySeries>& series_;
  const std::vector<PackedArc>& arcs_;
  double* gradients_;  // [2, N]
  CellCoefficients* cells_;
};

}  // namespace

std::vector<SensitivitySeries> SeriesOfCells(const PathWalker& walker) {
  const int num_cells = walker.tessellation().num_cells();
  std::vector<SensitivitySeries> series;
  series.reserve(num_cells);
  for (int cell = 0; cell < num_cells; ++cell) {
    series.emplace_back(walker.flow(cell));
  }
  return series;
}

void PullBackTogether(const PathWalker& walker,
                      const std::vector<SensitivitySeries>& series,
                      const std::vector<PackedArc>& arcs,
                      Eigen::Matrix2Xd* gradients, CellCoefficients* cells) {
  Adjoint adjoint(walker, series, arcs, gradients, cells);
  RunVectorised(&adjoint);
}

}  // namespace cpab
