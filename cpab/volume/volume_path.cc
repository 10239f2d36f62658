#include "cpab/volume/volume_path.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "Eigen/Geometry"
#include "Eigen/LU"
#include "cpab/flow/pack.h"
#include "cpab/volume/first_crossing.h"

namespace cpab {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Terms of the series of a point on its own, exact to rounding for |M| t <= 1:
// 1/19! = 8e-18.
constexpr int kTerms = 19;
// The same in a pack, for |M| t <= 0.5: 0.5^14 / 15! = 5e-17 of the first one.
constexpr int kPackTerms = 14;
constexpr double kPackReach = 0.5;
// As PathWalker::kMaxArcs.
constexpr int kMaxArcs = 4096;
// A path leaves a piece when it is this far outside, relative to the size of
// its coordinates, so that rounding does not throw it to and fro.
constexpr double kOverlap = 64 * kEpsilon;
// And it stays in a piece at least this long, so that it makes progress even
// where many pieces meet; by continuity the velocity is off by no more than
// that.
constexpr double kShortestArc = 1e-14;
// A pack's step is shortened to a quarter at most this often.
constexpr int kMaxShortenings = 5;
constexpr int kMaxNewtonSteps = 8;

OutsideOfCube OutsideAt(const Eigen::Vector3d& x) {
  OutsideOfCube outside;
  for (int a = 0; a < 3; ++a) {
    outside[a] = static_cast<int8_t>(x[a] < 0 ? -1 : x[a] > 1 ? 1 : 0);
  }
  return outside;
}

bool IsInside(const OutsideOfCube& outside) {
  return outside[0] == 0 && outside[1] == 0 && outside[2] == 0;
}

// How the nearest point of the cube depends on x, in homogeneous coordinates.
Eigen::Matrix4d NearestPoint(const OutsideOfCube& outside) {
  Eigen::Matrix4d nearest = Eigen::Matrix4d::Identity();
  for (int a = 0; a < 3; ++a) {
    if (outside[a] == 0) continue;
    nearest(a, a) = 0;
    nearest(a, 3) = outside[a] > 0;
  }
  return nearest;
}

// x(t) = sum of column k times t^k.
using Series = Eigen::Matrix<double, 3, kTerms>;

Series PathSeries(const AffineVelocity& A, const Eigen::Vector3d& x) {
  Series series;
  series.col(0) = x;
  series.col(1) = A * x.homogeneous();
  for (int k = 2; k < kTerms; ++k) {
    series.col(k) = A.leftCols<3>() * series.col(k - 1) / k;
  }
  return series;
}

Eigen::Vector3d Evaluate(const Series& series, double t) {
  Eigen::Vector3d x = series.col(kTerms - 1);
  for (int k = kTerms - 2; k >= 0; --k) x = x * t + series.col(k);
  return x;
}

// The sides of the part of space that an arc is in, as rows (normal, offset):
// normal . x + offset is positive inside. Those of length 0 are none.
Eigen::Matrix<double, 7, 4> FacesAround(const VolumeBasis& basis,
                                        const VolumeArc& arc) {
  Eigen::Matrix<double, 7, 4> faces = Eigen::Matrix<double, 7, 4>::Zero();
  faces.topRows<4>() = basis.shape_matrix(arc.cell) * NearestPoint(arc.outside);
  for (int a = 0; a < 3; ++a) {
    if (arc.outside[a] == 0) continue;
    faces(4 + a, a) = arc.outside[a];
    faces(4 + a, 3) = arc.outside[a] > 0 ? -1 : 0;
  }
  return faces;
}

// When the path with this series leaves, at most `longest`.
double ExitTime(const Eigen::Matrix<double, 7, 4>& faces, const Series& path,
                double longest) {
  const double scale = 1 + path.col(0).cwiseAbs().maxCoeff();
  // In units of `longest`, for FirstCrossing.
  Eigen::Matrix<double, kTerms, 1> powers;
  powers[0] = 1;
  for (int k = 1; k < kTerms; ++k) powers[k] = powers[k - 1] * longest;
  double first = 1;
  for (int f = 0; f < faces.rows(); ++f) {
    const auto normal = faces.row(f).head<3>();
    const double size = normal.norm();
    if (size == 0) continue;
    Eigen::Matrix<double, kTerms, 1> distance =
        (normal * path).transpose().cwiseProduct(powers);
    distance[0] += faces(f, 3) + size * scale * kOverlap;
    first = std::min(first, FirstCrossing(distance));
  }
  return std::max(first * longest, std::min(kShortestArc, longest));
}

// A path on its way.
struct State {
  int64_t point;
  int cell;  // -1: not known, the point is outside or new.
  double time_left;
  Eigen::Vector3d x;
  double coordinates[3];  // Barycentric, in the cell, without the last.
};

// The arc that begins at x, without its duration.
VolumeArc ArcAt(const VolumeBasis& basis, int64_t point,
                const Eigen::Vector3d& x) {
  return {point, basis.FindCell(x), OutsideAt(x), x, 0};
}

// Puts a state whose x has changed into its cell.
void Locate(const VolumeBasis& basis, State* state) {
  state->cell = -1;
  if (!IsInside(OutsideAt(state->x))) return;
  state->cell = basis.FindCell(state->x);
  Eigen::Map<Eigen::Vector3d>(state->coordinates) =
      basis.shape_matrix(state->cell).topRows<3>() * state->x.homogeneous();
}

// One arc of one path, anywhere.
VolumeArc StepAlone(const VolumeWalker& walker, State* state) {
  VolumeArc arc = ArcAt(walker.basis(), state->point, state->x);
  const AffineVelocity A = VelocityOfArc(walker.cells(), arc);
  const Series path = PathSeries(A, state->x);
  const double norm = A.leftCols<3>().norm();
  const double longest = std::min(state->time_left, norm > 1 ? 1 / norm : 1.0);
  arc.duration = ExitTime(FacesAround(walker.basis(), arc), path, longest);
  state->x = Evaluate(path, arc.duration);
  state->time_left -= arc.duration;
  Locate(walker.basis(), state);
  return arc;
}

// The four barycentric coordinates of four paths: coefficients of (t / h)^k.
struct PackedSeries {
  Pack b[kPackTerms + 1][4];
};

// What the coefficients of the coordinates say of the time up to h.
struct Outlook {
  Mask crosses[4];  // Falls to below 0, once.
  Mask unsure;      // Of some coordinate neither is known.
  Mask bad;         // Outside already.
};

CPAB_INLINE Outlook Judge(const PackedSeries& series) {
  Outlook outlook;
  outlook.unsure = outlook.bad = Pack(0.0) < 0.0;
  for (int f = 0; f < 4; ++f) {
    const Pack start = series.b[0][f] + kOverlap;
    const Pack first = series.b[1][f];
    Pack rises = 0.0, steepest = first, sum = 0.0;
    for (int k = kPackTerms; k >= 2; --k) {
      const Pack up = Max(series.b[k][f], 0.0);
      sum = sum + series.b[k][f];
      rises = rises + up;
      steepest = steepest + static_cast<double>(k) * up;
    }
    const Mask stays = start + first + (sum - rises) > 0.0;
    const Mask falls = steepest < 0.0;
    const Mask below = start + first + sum < 0.0;
    outlook.bad = outlook.bad | (start < 0.0);
    outlook.crosses[f] = ~stays & falls & below;
    outlook.unsure = outlook.unsure | (~stays & ~falls);
  }
  return outlook;
}

CPAB_INLINE PackedSeries SeriesOf(const Pack rates[3][4],
                                  const Pack coordinates[3], Pack h) {
  PackedSeries series;
  const Pack* l = coordinates;
  for (int a = 0; a < 3; ++a) {
    series.b[0][a] = l[a];
    series.b[1][a] = h * (rates[a][0] * l[0] + rates[a][1] * l[1] +
                          rates[a][2] * l[2] + rates[a][3]);
  }
  series.b[0][3] = 1.0 - l[0] - l[1] - l[2];
  series.b[1][3] = -(series.b[1][0] + series.b[1][1] + series.b[1][2]);
  for (int k = 2; k <= kPackTerms; ++k) {
    const Pack* before = series.b[k - 1];
    const Pack step = (1.0 / k) * h;
    for (int a = 0; a < 3; ++a) {
      series.b[k][a] =
          step * (rates[a][0] * before[0] + rates[a][1] * before[1] +
                  rates[a][2] * before[2]);
    }
    series.b[k][3] = -(series.b[k][0] + series.b[k][1] + series.b[k][2]);
  }
  return series;
}

// In units of `factor` times the time before.
CPAB_INLINE void Shorten(Pack factor, PackedSeries* series) {
  Pack power = factor;
  for (int k = 1; k <= kPackTerms; ++k) {
    for (int f = 0; f < 4; ++f) series->b[k][f] = power * series->b[k][f];
    power = power * factor;
  }
}

// The coordinate that is chosen[f] in each lane, and where it crosses 0 in
// [0, 1], by Newton's iteration from the quadratic that touches it at 0. It
// falls all the way. Clears the lanes of `wanted` whose iteration does not end.
CPAB_INLINE Pack SolveCrossing(const PackedSeries& series, const Mask chosen[4],
                               Mask* wanted) {
  Pack c[kPackTerms + 1];
  for (int k = 0; k <= kPackTerms; ++k) {
    c[k] = series.b[k][0];
    for (int f = 1; f < 4; ++f) {
      c[k] = Select(chosen[f], series.b[k][f], c[k]);
    }
  }
  c[0] = c[0] + kOverlap;
  const Pack root = Sqrt(Max(0.0, c[1] * c[1] - 4.0 * c[2] * c[0]));
  const Pack guess = 2.0 * c[0] / (root - c[1]);
  Pack u = Select((guess >= 0.0) & (guess <= 1.0), guess, 0.5);
  for (int i = 1;; ++i) {
    Pack value = c[kPackTerms], slope = 0.0;
    for (int k = kPackTerms - 1; k >= 0; --k) {
      slope = slope * u + value;
      value = value * u + c[k];
    }
    const Pack next = Max(0.0, Min(1.0, u - value / slope));
    const Mask done = Abs(next - u) <= 1e-8;
    if (i == kMaxNewtonSteps || !Any(*wanted & ~done)) {
      *wanted = *wanted & done;
      return next;
    }
    // Lanes that are done stay: their results must not depend on the company.
    u = Select(done, u, next);
  }
}

// Coordinate f at time u.
CPAB_INLINE Pack ValueAt(const PackedSeries& series, int f, Pack u) {
  Pack value = series.b[kPackTerms][f];
  for (int k = kPackTerms - 1; k >= 0; --k) value = value * u + series.b[k][f];
  return value;
}

// The first crossing of any coordinate. `time` is 1 and `face` -1 in lanes
// without one.
struct FirstExit {
  Pack time;
  Pack face;
  Mask failed;
};

CPAB_INLINE FirstExit SolveFirst(const PackedSeries& series,
                                 const Mask crosses[4]) {
  FirstExit exit;
  exit.time = 1.0;
  exit.face = -1.0;
  exit.failed = Pack(0.0) < 0.0;
  Mask open[4] = {crosses[0], crosses[1], crosses[2], crosses[3]};
  for (;;) {
    const Mask wanted = open[0] | open[1] | open[2] | open[3];
    if (!Any(wanted)) return exit;
    // One of each path's: the one that is nearest along its tangent.
    Mask chosen[4];
    Pack least = std::numeric_limits<double>::infinity();
    Pack face = -1.0;
    for (int f = 0; f < 4; ++f) {
      const Pack guess = series.b[0][f] / -series.b[1][f];
      const Mask better = open[f] & (guess < least);
      least = Select(better, guess, least);
      face = Select(better, static_cast<double>(f), face);
    }
    for (int f = 0; f < 4; ++f) {
      const Pack number = static_cast<double>(f);
      chosen[f] = wanted & (face >= number) & (face <= number);
    }
    Mask solved = wanted;
    const Pack time = SolveCrossing(series, chosen, &solved);
    exit.failed = exit.failed | (wanted & ~solved);
    const Mask earlier = solved & (time < exit.time);
    exit.time = Select(earlier, time, exit.time);
    exit.face = Select(earlier, face, exit.face);
    // Of the others those that are below 0 by then cross before.
    for (int f = 0; f < 4; ++f) {
      open[f] = open[f] & ~chosen[f] &
                (ValueAt(series, f, exit.time) + kOverlap < 0.0);
    }
  }
}

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
      State state = {n, -1, 1, points->col(n), {}};
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
      State* lanes[Pack::kSize];
      int count = 0;
      for (State& state : states_) {
        if (state.cell < 0) {
          Record(StepAlone(walker_, &state));
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
    for (const State& state : states_) {
      points_->col(state.point).setConstant(kNaN);
    }
  }

 private:
  void Record(const VolumeArc& arc) {
    if (arcs_ != nullptr) arcs_->push_back(arc);
  }

  // Takes out the paths that are at their end.
  void Retire() {
    size_t kept = 0;
    for (const State& state : states_) {
      if (state.time_left > 0) {
        states_[kept++] = state;
      } else {
        points_->col(state.point) = state.x;
      }
    }
    states_.resize(kept);
  }

  __attribute__((noinline)) void StepOne(State* state) {
    Record(StepAlone(walker_, state));
  }

  CPAB_INLINE void StepPack(State* const given[], int count) {
    const State* lanes[Pack::kSize];
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
  CPAB_INLINE void Move(State* state, const std::array<double, 3>& moved,
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
    const VolumeBasis::Neighbour& next = basis_.neighbour(state->cell, face);
    state->cell = next.cell;
    if (next.cell < 0) return;
    now[3] = 1 - now[0] - now[1] - now[2];
    now[face] = 0;
    double there[4];
    for (int n = 0; n < 4; ++n) there[next.place[n]] = now[n];
    for (int a = 0; a < 3; ++a) state->coordinates[a] = there[a];
  }

  const VolumeWalker& walker_;
  const VolumeBasis& basis_;
  Eigen::Matrix3Xd* points_;
  std::vector<VolumeArc>* arcs_;
  std::vector<State> states_;
};

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void RunWithAvx2(Paths* paths) {
  paths->Run();
}
bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

void RunPortably(Paths* paths) { paths->Run(); }

}  // namespace

AffineVelocity VelocityOfArc(const VolumeCoefficients& cells,
                             const VolumeArc& arc) {
  const Eigen::Map<const AffineVelocity> A(cells.row(arc.cell).data());
  if (IsInside(arc.outside)) return A;
  return A * NearestPoint(arc.outside);
}

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
  const double norm = A.leftCols<3>().norm();
  frame.longest = norm > kPackReach ? kPackReach / norm : 1;
  return frame;
}

Eigen::Vector3d VolumeWalker::Velocity(const Eigen::Vector3d& x) const {
  return VelocityOfArc(cells_, ArcAt(*basis_, 0, x)) * x.homogeneous();
}

void VolumeWalker::Walk(Eigen::Matrix3Xd* points,
                        std::vector<VolumeArc>* arcs) const {
  if (!finite_) {
    points->setConstant(kNaN);
    return;
  }
  Paths paths(*this, points, arcs);
#if defined(__x86_64__)
  static const bool has_avx2 = HasAvx2();
  if (has_avx2) return RunWithAvx2(&paths);
#endif
  RunPortably(&paths);
}

}  // namespace cpab
