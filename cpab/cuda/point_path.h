// The path of one point, forwards and backwards.
//
// A walk keeps the displacement apart from the position: a point that does not
// move comes out bit for bit as it was, and a point that does is rounded by an
// epsilon of its coordinates once and of its displacement for each arc.
//
// The adjoint needs the arcs in reverse order. A thread of a GPU has little
// memory, so PathTape keeps few: every arc of a short path, else each n-th,
// from which those in between are walked again, to the same bits.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_POINT_PATH_H_
#define CPAB_CUDA_POINT_PATH_H_

#include "cpab/cuda/cell_flow.h"
#include "cpab/cuda/exit_step.h"
#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "cpab/flow/max_arcs.h"

namespace cpab::kernels {

// A field: velocities at the vertices, [vertices, 2], by the axes of the square
// in units of its sides.
template <typename Real>
struct Field {
  Grid grid;
  const Real* velocities;
};

template <typename Real>
CPAB_HOST_DEVICE Real NotANumber() {
  return static_cast<Real>(NAN);
}

// A path at the beginning of an arc.
template <typename Real>
struct PathState {
  CPAB_HOST_DEVICE PathState(Grid grid, Vector<Real> x)
      : held(HeldAt(grid, x)),
        place(FindPlace(grid, held.Nearest(x))),
        time_left(1) {}
  CPAB_HOST_DEVICE PathState(Held coordinates, Place<Real> at, Real time)
      : held(coordinates), place(at), time_left(time) {}

  Held held;
  Place<Real> place;
  Real time_left;
};

template <typename Real>
CPAB_HOST_DEVICE Step<Real> Advance(const Field<Real>& field,
                                    PathState<Real>* path) {
  const CellFlow<Real> flow(field.grid, field.velocities, path->place.region);
  Step<Real> step = NextStep(field.grid, flow, path->place, path->time_left);
  // No rounding takes it off the border; NaN stays.
  if (path->held.sides != 0 && IsFinite(step.displacement)) {
    step.displacement = path->held.Others(step.displacement);
    step.place.offset = path->held.OnBorder(field.grid, step.place.offset);
  }
  path->place = step.place;
  path->time_left -= step.duration;
  return step;
}

// The same for paths that are walked more than once.
template <typename Real>
CPAB_ONE_COPY CPAB_HOST_DEVICE Step<Real> AdvanceAlike(const Field<Real>& field,
                                                       PathState<Real>* path) {
  return Advance(field, path);
}

// The end of a path from x. Where rounding takes it off the square, the next
// field would hold it there.
template <typename Real>
CPAB_HOST_DEVICE Vector<Real> EndOfPath(Grid grid, Held held, Vector<Real> x,
                                        Vector<Real> moved) {
  const Vector<Real> end = x + moved;
  if (!IsFinite(end)) return end;
  return Held{HeldAt(grid, end).sides & ~held.sides}.Nearest(end);
}

// T(x); NaN if x is not finite.
template <typename Real>
CPAB_HOST_DEVICE Vector<Real> TransformPoint(const Field<Real>& field,
                                             Vector<Real> x) {
  const Vector<Real> nan = {NotANumber<Real>(), NotANumber<Real>()};
  if (!IsFinite(x)) return nan;
  PathState<Real> path(field.grid, x);
  Vector<Real> moved = {0, 0};
  for (int arcs = 0; path.time_left > 0; ++arcs) {
    if (arcs == kMaxArcs) return nan;
    moved = moved + Advance(field, &path).displacement;
  }
  return EndOfPath(field.grid, path.held, x, moved);
}

// An arc to go back over.
template <typename Real>
struct Arc {
  Region region;
  Vector<Real> start;  // From the centre of the region's rectangle.
  Real duration;
};

// The arcs of one path.
template <typename Real>
class PathTape {
 public:
  // Walks the path from a finite x.
  CPAB_HOST_DEVICE PathTape(const Field<Real>& field, Vector<Real> x)
      : field_(field), held_(HeldAt(field.grid, x)) {
    PathState<Real> path(field.grid, x);
    Vector<Real> moved = {0, 0};
    while (path.time_left > 0) {
      if (size_ == kMaxArcs) {
        size_ = 0;
        end_ = {NotANumber<Real>(), NotANumber<Real>()};
        return;
      }
      if (size_ == kKept * spacing_) Thin();
      const PathState<Real> start = path;
      const Step<Real> step = AdvanceAlike(field, &path);
      moved = moved + step.displacement;
      if (size_ % spacing_ == 0) {
        kept_[size_ / spacing_] = {start.place.offset.x, start.place.offset.y,
                                   start.time_left, step.duration,
                                   Packed(field.grid, start.place.region)};
      }
      ++size_;
    }
    end_ = EndOfPath(field.grid, held_, x, moved);
  }

  // T(x); NaN where TransformPoint has it. Too long a path has no arcs.
  CPAB_HOST_DEVICE Vector<Real> end() const { return end_; }
  CPAB_HOST_DEVICE int size() const { return size_; }
  CPAB_HOST_DEVICE Held held() const { return held_; }

  CPAB_HOST_DEVICE Arc<Real> arc(int index) const {
    const Kept& kept = kept_[index / spacing_];
    const Region region = Unpacked(field_.grid, kept.region);
    const Vector<Real> offset = {kept.x, kept.y};
    int steps = index % spacing_;
    if (steps == 0) return {region, offset, kept.duration};
    PathState<Real> path(held_, {region, offset}, kept.time_left);
    for (; steps > 0; --steps) AdvanceAlike(field_, &path);
    const Place<Real> start = path.place;
    return {start.region, start.offset, AdvanceAlike(field_, &path).duration};
  }

 private:
  static constexpr int kKept = 16;
  struct Kept {
    Real x, y, time_left, duration;
    int region;
  };

  // Keeps every second one.
  CPAB_HOST_DEVICE void Thin() {
    for (int i = 1; i < kKept / 2; ++i) kept_[i] = kept_[2 * i];
    spacing_ *= 2;
  }

  const Field<Real> field_;
  const Held held_;
  Kept kept_[kKept];
  int spacing_ = 1;
  int size_ = 0;
  Vector<Real> end_;
};

// Pulls dL/dT(x) back to x, and calls add(vertex, Vector) with the shares of
// dL/d(velocity of a vertex).
template <typename Real, typename Add>
CPAB_HOST_DEVICE Vector<Real> PullbackPoint(const Field<Real>& field,
                                            Vector<Real> x, Vector<Real> dl_dy,
                                            Add add) {
  const Vector<Real> nan = {NotANumber<Real>(), NotANumber<Real>()};
  if (!IsFinite(x)) return nan;
  const PathTape<Real> tape(field, x);
  if (!IsFinite(tape.end())) {
    add(CellVertices(field.grid, FindPlace(field.grid, x).region).centre, nan);
    return nan;
  }
  const Held held = tape.held();
  Vector<Real> gradient = held.Others(dl_dy);
  for (int i = tape.size() - 1; i >= 0; --i) {
    const Arc<Real> arc = tape.arc(i);
    if (arc.duration == 0) continue;
    const int side = arc.region.side;
    const CellFlow<Real> flow(field.grid, field.velocities, arc.region);
    const ArcSensitivity<Real> sensitivity(flow, ToFrame(side, arc.start),
                                           arc.duration);
    const Vector<Real> direct = ToFrame(side, gradient);
    const Vector<Real> turned = flow.Transposed(direct);
    const CellVertices vertices(field.grid, arc.region);
    const auto add_to = [&](int vertex, MatrixFunction<Real> weight) {
      add(vertex,
          FromFrame(side, weight.identity * direct + weight.matrix * turned));
    };
    add_to(vertices.from, sensitivity.OfSideEnd(flow, -1));
    add_to(vertices.to, sensitivity.OfSideEnd(flow, 1));
    add_to(vertices.centre, sensitivity.OfCentre(flow));
    gradient = held.Others(
        FromFrame(side, sensitivity.exponential.identity * direct +
                            sensitivity.exponential.matrix * turned));
  }
  return {held.x() ? dl_dy.x : gradient.x, held.y() ? dl_dy.y : gradient.y};
}

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_POINT_PATH_H_
