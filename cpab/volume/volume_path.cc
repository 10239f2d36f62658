#include "cpab/volume/volume_path.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "Eigen/Geometry"
#include "cpab/flow/max_arcs.h"
#include "cpab/flow/pack.h"
#include "cpab/volume/packed_exit.h"
#include "cpab/volume/volume_step.h"

namespace cpab {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A pack's step is shortened to a quarter at most this often.
constexpr int kMaxShortenings = 5;

// Four rows of four numbers, as their columns.
CPAB_INLINE void Transpose(const double* const rows[4], Pack columns[4]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) columns[i].Set(j, rows[j][i]);
  }
}

// All paths that are on their way.
class Paths {
 public:
  Paths(const VolumeWalker& walker, Eigen::Matrix3Xd* points,
        std::vector<VolumeArc>* arcs)
      : walker_(walker), basis_(walker.basis()), points_(points), arcs_(arcs) {
    states_.reserve(points->cols());
    for (Eigen::Index n = 0; n < points->cols(); ++n) {
      VolumeState state = {n, -1, 1, points->col(n), {}};
      if (state.x.allFinite()) {
        Locate(basis_, &state);
        states_.push_back(state);
      } else {
        points->col(n).setConstant(kNaN);
      }
    }
  }

  // Every round is one arc of every path that has time left.
  CPAB_INLINE void Run() {
    for (int arcs = 0; !states_.empty() && arcs < kMaxArcs; ++arcs) {
      if (arcs_ != nullptr && arcs_->size() > kMaxVolumeArcs) return;
      VolumeState* lanes[Pack::kSize];
      int count = 0;
      for (VolumeState& state : states_) {
        if (state.cell < 0) {
          Record(StepAlone(basis_, walker_.cells(), &state));
          continue;
        }
        lanes[count++] = &state;
        if (count < Pack::kSize) continue;
        StepPack(lanes, count);
        count = 0;
      }
      if (count > 0) StepPack(lanes, count);
      Retire();
    }
    for (const VolumeState& state : states_) {
      points_->col(state.point).setConstant(kNaN);
    }
  }

 private:
  void Record(const VolumeArc& arc) {
    if (arcs_ != nullptr) arcs_->push_back(arc);
  }

  // What began in the cube stays there, as WalkPath (cpab/flow/path.h) has it.
  void End(const VolumeState& state) {
    auto point = points_->col(state.point);  // where the path began
    for (int a = 0; a < 3; ++a) {
      const bool stays = basis_.options().zero_boundary && point[a] >= 0 &&
                         point[a] <= 1 && std::isfinite(state.x[a]);
      point[a] = stays ? std::clamp(state.x[a], 0.0, 1.0) : state.x[a];
    }
  }

  // Takes out the paths that are at their end.
  void Retire() {
    size_t kept = 0;
    for (const VolumeState& state : states_) {
      if (state.time_left > 0) {
        states_[kept++] = state;
      } else {
        End(state);
      }
    }
    states_.resize(kept);
  }

  __attribute__((noinline)) void StepOne(VolumeState* state) {
    Record(StepAlone(basis_, walker_.cells(), state));
  }

  CPAB_INLINE void StepPack(VolumeState* const given[], int count) {
    const VolumeState* lanes[Pack::kSize];
    const VolumeWalker::Frame* frames[Pack::kSize];
    Pack time_left, longest, coordinates[3];
    for (int i = 0; i < Pack::kSize; ++i) {
      lanes[i] = given[i < count ? i : 0];
      frames[i] = &walker_.frame(lanes[i]->cell);
      time_left.Set(i, lanes[i]->time_left);
      longest.Set(i, frames[i]->longest);
      for (int a = 0; a < 3; ++a) {
        coordinates[a].Set(i, lanes[i]->coordinates[a]);
      }
    }
    Pack rates[3][4];
    for (int a = 0; a < 3; ++a) {
      const double* const rows[] = {frames[0]->rates[a], frames[1]->rates[a],
                                    frames[2]->rates[a], frames[3]->rates[a]};
      Transpose(rows, rates[a]);
    }
    Pack h = Min(time_left, longest);
    PackedSeries series = SeriesOf(rates, coordinates, h);
    Outlook outlook = Judge(series);
    for (int i = 0; i < kMaxShortenings && Any(outlook.unsure); ++i) {
      const Pack factor = Select(outlook.unsure, 0.25, 1.0);
      h = h * factor;
      Shorten(factor, &series);
      outlook = Judge(series);
    }
    const FirstExit exit = SolveFirst(series, outlook.crosses);
    const Mask rare = outlook.unsure | outlook.bad | exit.failed;
    Pack moved[3];
    for (int a = 0; a < 3; ++a) {
      Pack sum = series.b[kPackTerms][a];
      for (int k = kPackTerms - 1; k >= 1; --k) {
        sum = sum * exit.time + series.b[k][a];
      }
      moved[a] = sum * exit.time;
    }
    // A whole step, or all of the time that is left, is exactly that.
    const Pack duration = exit.time * h;
    for (int i = 0; i < count; ++i) {
      if (rare.lanes[i]) {
        StepOne(given[i]);
      } else {
        Move(given[i], {moved[0][i], moved[1][i], moved[2][i]}, duration[i],
             static_cast<int>(exit.face[i]));
      }
    }
  }

  // `moved`: the change of the coordinates. `face`: that which the path
  // crosses, or -1.
  CPAB_INLINE void Move(VolumeState* state, const std::array<double, 3>& moved,
                        double duration, int face) {
    if (arcs_ != nullptr) {
      arcs_->push_back(
          {state->point, state->cell, {0, 0, 0}, state->x, duration});
    }
    const auto& edges = basis_.edges(state->cell);
    for (int a = 0; a < 3; ++a) {
      state->x[a] += edges(a, 0) * moved[0] + edges(a, 1) * moved[1] +
                     edges(a, 2) * moved[2];
    }
    state->time_left -= duration;
    double now[4];
    for (int a = 0; a < 3; ++a) now[a] = state->coordinates[a] + moved[a];
    if (face < 0) {
      for (int a = 0; a < 3; ++a) state->coordinates[a] = now[a];
      return;
    }
    now[3] = 1 - now[0] - now[1] - now[2];
    CrossFace(basis_, face, now, state);
  }

  const VolumeWalker& walker_;
  const VolumeBasis& basis_;
  Eigen::Matrix3Xd* points_;
  std::vector<VolumeArc>* arcs_;
  std::vector<VolumeState> states_;
};

}  // namespace

VolumeWalker::VolumeWalker(std::shared_ptr<const VolumeBasis> basis,
                           VolumeCoefficients cells)
    : basis_(std::move(basis)),
      cells_(std::move(cells)),
      finite_(cells_.allFinite()) {
  frames_.reserve(cells_.rows());
  for (int cell = 0; cell < cells_.rows(); ++cell) {
    frames_.push_back(FrameOf(cell));
  }
}

// A rate r with |M^k| <= r^k for even k, and up to a factor |M| / r for odd
// ones: the first term that the series leaves out has M^14. The root of |M^2|,
// which for most M is well below |M|; and at least |M| / 2, since the
// derivatives of volume_sensitivity.h take series to |M| t <= 1.
double GrowthOf(const Eigen::Matrix3d& M) {
  return std::max(std::sqrt((M * M).norm()), M.norm() / 2);
}

// With U the velocities at the vertices, l' = S (U l), S the linear part of the
// shape matrix, and the last coordinate is 1 less the others.
VolumeWalker::Frame VolumeWalker::FrameOf(int cell) const {
  const Eigen::Map<const AffineVelocity> A(cells_.row(cell).data());
  Eigen::Matrix<double, 3, 4> velocities;
  for (int n = 0; n < 4; ++n) {
    velocities.col(n) =
        A * basis_->vertices().col(basis_->cells()[cell][n]).homogeneous();
  }
  const Eigen::Matrix<double, 3, 4> rates =
      basis_->shape_matrix(cell).topLeftCorner<3, 3>() * velocities;
  Frame frame = {};
  for (int a = 0; a < 3; ++a) {
    for (int n = 0; n < 3; ++n) frame.rates[a][n] = rates(a, n) - rates(a, 3);
    frame.rates[a][3] = rates(a, 3);
  }
  frame.longest = std::min(1.0, kPackReach / GrowthOf(A.leftCols<3>()));
  return frame;
}

Eigen::Vector3d VolumeWalker::Velocity(const Eigen::Vector3d& x) const {
  return VelocityOfArc(cells_, ArcAt(*basis_, 0, x)) * x.homogeneous();
}

bool VolumeWalker::Walk(Eigen::Matrix3Xd* points,
                        std::vector<VolumeArc>* arcs) const {
  if (arcs != nullptr) arcs->clear();
  if (!finite_) {
    points->setConstant(kNaN);
    return true;
  }
  Paths paths(*this, points, arcs);
  RunVectorised(&paths);
  return arcs == nullptr || arcs->size() <= kMaxVolumeArcs;
}

void VolumeWalker::WalkAndRecord(
    const Eigen::Ref<const Eigen::Matrix3Xd>& points,
    const Visit& visit) const {
  Eigen::Matrix3Xd ends;
  std::vector<VolumeArc> arcs;
  int64_t size = kVolumeBlock;
  for (int64_t begin = 0; begin < points.cols(); begin += size) {
    size = std::min<int64_t>(size, points.cols() - begin);
    ends = points.middleCols(begin, size);
    // Ends: a few points have at most kMaxArcs each.
    while (!Walk(&ends, &arcs)) {
      size /= 2;
      ends = points.middleCols(begin, size);
    }
    visit(begin, ends, arcs);
  }
}

}  // namespace cpab
