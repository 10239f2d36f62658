// Keypoint inference of one problem: the pairs, and the objective E with its
// first derivatives at given fields, for the processor and for a block of GPU
// threads.
//
// The objective is that of cpab/fit/fit.h and cpab/fit/keypoint_objective.h,
// whose comments derive it; so are the names. The unknowns are forces at the
// vertices: u = C force are the vertex velocities, C = W Sigma W^T, and
// theta = Sigma W^T force.
//
// A Team spreads loops: ForEach(n, f) calls f(i) for i in [0, n), in any order
// and from any of its threads, after all threads have come to it and before any
// goes on. All else is done by every thread for itself, from the same memory:
// scalars are sums of at most a few hundred numbers, and threads that agree on
// every bit take the same branches without a word between them. So a result
// does not depend on the number of threads, nor on the rest of the batch.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_KEYPOINT_PROBLEM_H_
#define CPAB_CUDA_KEYPOINT_PROBLEM_H_

#include <cstddef>

#include "cpab/cuda/cell_flow.h"
#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "cpab/cuda/point_path.h"
#include "cpab/fit/solver_constants.h"

namespace cpab::kernels {

// The Team of one thread of the processor.
struct OneThread {
  template <typename Body>
  void ForEach(int count, Body body) const {
    for (int i = 0; i < count; ++i) body(i);
  }
};

// What the fits of one tessellation share.
struct FitModel {
  Grid grid;
  const double* covariance;  // C, [2 vertices, 2 vertices], symmetric.
};

// One problem: T(from_k) = to_k, k = 1..K.
struct FitPairs {
  int count;              // K
  const double* from;     // [K, 2]
  const double* to;       // [K, 2]
  const double* weights;  // [K], at least 0, or null: all 1.
};

// What a problem of K pairs on a grid takes of memory.
struct FitSizes {
  CPAB_HOST_DEVICE FitSizes(Grid grid, int pairs)
      : rows(2 * static_cast<size_t>(pairs)),
        columns(2 * static_cast<size_t>(grid.num_vertices())) {}

  CPAB_HOST_DEVICE size_t doubles_of_problem() const { return 3 * rows; }
  CPAB_HOST_DEVICE size_t ints_of_problem() const { return rows / 2; }
  CPAB_HOST_DEVICE size_t doubles_of_state() const {
    return 2 * columns + rows + rows * columns;
  }
  // A list of vertices for each pair.
  CPAB_HOST_DEVICE size_t ints_of_state() const {
    return rows / 2 * (columns / 2 + 1);
  }

  size_t rows, columns;
};

// Memory that is handed out piece by piece.
struct FitArena {
  double* doubles;
  int* ints;

  CPAB_HOST_DEVICE double* Doubles(size_t n) {
    double* const taken = doubles;
    doubles += n;
    return taken;
  }
  CPAB_HOST_DEVICE int* Ints(size_t n) {
    int* const taken = ints;
    ints += n;
    return taken;
  }
};

// One field and what the next step needs of it.
struct FitState {
  double* force;
  double* velocities;  // u
  double* residual;    // q - T(p), [K, 2]
  double* jacobian;    // D = dT/du, [2 K, 2 vertices]
  int* lists;          // For each pair: how many vertices, and which.
};

template <typename Team>
class KeypointProblem {
 public:
  CPAB_HOST_DEVICE KeypointProblem(const Team& team, const FitModel& model,
                                   double noise, const FitPairs& pairs,
                                   FitArena* arena)
      : team_(team),
        model_(model),
        noise_(noise),
        pairs_(pairs),
        columns_(2 * model.grid.num_vertices()) {
    const FitSizes sizes(model.grid, pairs.count);
    // sizes.doubles_of_problem() and ints_of_problem().
    from_ = arena->Doubles(sizes.rows);
    to_ = arena->Doubles(sizes.rows);
    weights_ = arena->Doubles(sizes.rows);
    index_ = arena->Ints(sizes.rows / 2);
  }

  CPAB_HOST_DEVICE FitState MakeState(FitArena* arena) const {
    const FitSizes sizes(model_.grid, pairs_.count);
    return {arena->Doubles(sizes.columns), arena->Doubles(sizes.columns),
            arena->Doubles(sizes.rows),
            arena->Doubles(sizes.rows * sizes.columns),
            arena->Ints(sizes.ints_of_state())};
  }

  // Copies the pairs whose weight is not 0. Returns their number; -1 for those
  // of which KeypointFitter::Fit() is NaN (cpab/fit/fit.h).
  CPAB_HOST_DEVICE int GatherPairs() {
    int count = 0;
    double of_from = 0, of_to = 0, of_way = 0;
    bool usable = true;
    for (int k = 0; k < pairs_.count; ++k) {
      const double w = pairs_.weights ? pairs_.weights[k] : 1;
      if (w == 0) continue;
      usable = usable && w > 0;
      for (int c = 2 * k; c < 2 * k + 2; ++c) {
        const double p = pairs_.from[c], q = pairs_.to[c];
        of_from += w * (p * p);
        of_to += w * (q * q);
        of_way += w * ((q - p) * (q - p));
        size_ = Max(size_, Max(Abs(p), Abs(q)));
      }
      weight_sum_ += w;
      ++count;
    }
    usable = usable && IsFinite(of_from) && IsFinite(of_to) &&
             IsFinite(of_way) && IsFinite(weight_sum_);
    if (!usable) return -1;
    count_ = count;
    floor_ = Max(noise_ * noise_ * weight_sum_, solver::kLeastFloor);
    team_.ForEach(1, [&](int) {
      int kept = 0;
      for (int k = 0; k < pairs_.count; ++k) {
        const double w = pairs_.weights ? pairs_.weights[k] : 1;
        if (w == 0) continue;
        for (int a = 0; a < 2; ++a) {
          from_[2 * kept + a] = pairs_.from[2 * k + a];
          to_[2 * kept + a] = pairs_.to[2 * k + a];
        }
        index_[kept] = k;
        weights_[kept++] = w;
      }
    });
    return count;
  }

  CPAB_HOST_DEVICE const Team& team() const { return team_; }
  CPAB_HOST_DEVICE Grid grid() const { return model_.grid; }
  // Of the pairs that count.
  CPAB_HOST_DEVICE int count() const { return count_; }
  CPAB_HOST_DEVICE int rows() const { return 2 * count_; }
  CPAB_HOST_DEVICE int columns() const { return columns_; }
  CPAB_HOST_DEVICE double weight(int k) const { return weights_[k]; }
  CPAB_HOST_DEVICE Vector<double> from(int k) const {
    return {from_[2 * k], from_[2 * k + 1]};
  }
  // Which of the caller's pairs it is.
  CPAB_HOST_DEVICE int index(int k) const { return index_[k]; }
  CPAB_HOST_DEVICE double floor() const { return floor_; }

  // ---- The field of state.force at the pairs.

  CPAB_HOST_DEVICE void Evaluate(const FitState& state) const {
    Covary(state.force, state.velocities);
    team_.ForEach(rows() * columns_, [&](int i) { state.jacobian[i] = 0; });
    team_.ForEach(count_, [&](int k) { EvaluateAt(state, k); });
  }

  // The residuals alone, at state.velocities.
  CPAB_HOST_DEVICE void EvaluateResidual(const FitState& state) const {
    team_.ForEach(count_, [&](int k) {
      const Vector<double> y =
          TransformPoint<double>({model_.grid, state.velocities}, from(k));
      state.residual[2 * k] = to_[2 * k] - y.x;
      state.residual[2 * k + 1] = to_[2 * k + 1] - y.y;
    });
  }

  // result = C x.
  CPAB_HOST_DEVICE void Covary(const double* x, double* result) const {
    const double* const covariance = model_.covariance;
    const int n = columns_;
    // By columns, as C is symmetric: neighbouring threads read neighbours.
    team_.ForEach(n, [=](int i) {
      double sum = 0;
      for (int j = 0; j < n; ++j) sum += covariance[size_t(j) * n + i] * x[j];
      result[i] = sum;
    });
  }

  // Row i of D times a vector [2 vertices].
  CPAB_HOST_DEVICE double RowTimes(const FitState& state, int i,
                                   const double* x) const {
    const int* const list = ListOf(state, i / 2);
    const double* const row = state.jacobian + size_t(i) * columns_;
    double sum = 0;
    for (int n = 1; n <= list[0]; ++n) {
      const int c = 2 * list[n];
      sum += row[c] * x[c] + row[c + 1] * x[c + 1];
    }
    return sum;
  }

  // product = D C, [2 K, 2 vertices]; gram = D C D^T, [2 K, 2 K], all of it.
  CPAB_HOST_DEVICE void FormGram(const FitState& state, double* product,
                                 double* gram) const {
    const int n = rows();
    team_.ForEach(n * columns_, [&](int i) {
      const int row = i / columns_, c = i % columns_;
      const int* const list = ListOf(state, row / 2);
      const double* const d = state.jacobian + size_t(row) * columns_;
      double sum = 0;
      for (int m = 1; m <= list[0]; ++m) {
        const int v = 2 * list[m];
        sum += d[v] * model_.covariance[size_t(v) * columns_ + c] +
               d[v + 1] * model_.covariance[size_t(v + 1) * columns_ + c];
      }
      product[i] = sum;
    });
    team_.ForEach(n * n, [&](int i) {
      gram[i] = RowTimes(state, i % n, product + size_t(i / n) * columns_);
    });
  }

  // ---- The objective.

  CPAB_HOST_DEVICE double SumOfSquares(const double* r) const {
    double sum = 0;
    for (int k = 0; k < count_; ++k) {
      sum += weights_[k] * (r[2 * k] * r[2 * k] + r[2 * k + 1] * r[2 * k + 1]);
    }
    return sum;
  }

  CPAB_HOST_DEVICE double Rho(const FitState& state) const {
    return std::sqrt(SumOfSquares(state.residual) + floor_);
  }

  CPAB_HOST_DEVICE double Cost(const FitState& state, double tension) const {
    double energy = 0;
    for (int i = 0; i < columns_; ++i) {
      energy += state.force[i] * state.velocities[i];
    }
    // rho - rho_0 without cancellation.
    const double sum = Rho(state) + std::sqrt(floor_);
    return tension * SumOfSquares(state.residual) / sum + energy / 2;
  }

  // What rounding leaves uncertain of the cost.
  CPAB_HOST_DEVICE double Rounding(const FitState& state,
                                   double tension) const {
    const double unit = 8 * Precision<double>::kEpsilon * size_;
    const double scale = tension / Rho(state);
    double forces = 0;
    for (int k = 0; k < count_; ++k) {
      const double x = state.residual[2 * k], y = state.residual[2 * k + 1];
      forces += scale * weights_[k] * std::sqrt(x * x + y * y);
    }
    return unit * forces + unit * tension *
                               Min(unit * weight_sum_ / std::sqrt(floor_),
                                   std::sqrt(weight_sum_));
  }

  // The largest Frobenius norm of the velocity's gradient in any cell, of the
  // field u or of u - v. *steepest: that cell's number, if not null.
  CPAB_HOST_DEVICE double MaxGradient(const double* u, const double* v,
                                      int* steepest = nullptr) const {
    const Grid grid = model_.grid;
    double largest = 0;
    for (int cell = 0; cell < grid.num_cells(); ++cell) {
      const Region region = Unpacked(grid, 2 * cell);
      const CellVertices vertices(grid, region);
      const CellSize<double> size(grid, region.side);
      double squares = 0;
      for (int a = 0; a < 2; ++a) {
        const auto at = [&](int vertex) {
          const int i = 2 * vertex + a;
          return v ? u[i] - v[i] : u[i];
        };
        const double from = at(vertices.from), to = at(vertices.to);
        const double along = (to - from) / (2 * size.w);
        const double outwards =
            ((from + to) / 2 - at(vertices.centre)) / size.h;
        squares += along * along + outwards * outwards;
      }
      // NaN stays.
      if (squares > largest || squares != squares) {
        largest = squares;
        if (steepest) *steepest = cell;
      }
    }
    return std::sqrt(largest);
  }

  // ---- Systems of 2 K equations.

  // The lower triangle of `system` becomes L with L L^T = system.
  CPAB_HOST_DEVICE void Factor(double* system) const {
    const int n = rows();
    double* const L = system;
    for (int j = 0; j < n; ++j) {
      team_.ForEach(n - j, [&](int m) {
        const int i = j + m;
        double sum = L[i * n + j];
        for (int k = 0; k < j; ++k) sum -= L[i * n + k] * L[j * n + k];
        L[i * n + j] = sum;
      });
      const double pivot = std::sqrt(L[j * n + j]);
      team_.ForEach(n - j, [&](int m) { L[(j + m) * n + j] /= pivot; });
    }
  }

  // x = (L L^T)^-1 x.
  CPAB_HOST_DEVICE void Substitute(const double* L, double* x) const {
    const int n = rows();
    for (int j = 0; j < n; ++j) {
      const double value = x[j] / L[j * n + j];
      team_.ForEach(n - j, [&](int m) {
        const int i = j + m;
        x[i] = m == 0 ? value : x[i] - value * L[i * n + j];
      });
    }
    for (int j = n - 1; j >= 0; --j) {
      const double value = x[j] / L[j * n + j];
      team_.ForEach(j + 1, [&](int i) {
        x[i] = i == j ? value : x[i] - value * L[j * n + i];
      });
    }
  }

 private:
  CPAB_HOST_DEVICE int* ListOf(const FitState& state, int k) const {
    return state.lists + k * (columns_ / 2 + 1);
  }

  // Where pair k's point goes, and how that depends on vertex velocities.
  CPAB_HOST_DEVICE void EvaluateAt(const FitState& state, int k) const {
    const Field<double> field = {model_.grid, state.velocities};
    const PathTape<double> tape(field, from(k));
    state.residual[2 * k] = to_[2 * k] - tape.end().x;
    state.residual[2 * k + 1] = to_[2 * k + 1] - tape.end().y;
    int* const list = ListOf(state, k);
    list[0] = 0;
    // The rows of dT/d(end of the arc at hand).
    const Held held = tape.held();
    Vector<double> rest[2] = {held.Others(Vector<double>{1, 0}),
                              held.Others(Vector<double>{0, 1})};
    for (int i = tape.size() - 1; i >= 0; --i) {
      const Arc<double> arc = tape.arc(i);
      if (arc.duration == 0) continue;
      const int side = arc.region.side;
      const CellFlow<double> flow(field.grid, field.velocities, arc.region);
      const ArcSensitivity<double> sensitivity(flow, ToFrame(side, arc.start),
                                               arc.duration);
      const CellVertices vertices(field.grid, arc.region);
      Note(vertices.from, list);
      Note(vertices.to, list);
      Note(vertices.centre, list);
      for (int a = 0; a < 2; ++a) {
        double* const row = state.jacobian + size_t(2 * k + a) * columns_;
        const Vector<double> direct = ToFrame(side, rest[a]);
        const Vector<double> turned = flow.Transposed(direct);
        const auto add_to = [&](int vertex, MatrixFunction<double> weight) {
          const Vector<double> share = FromFrame(
              side, weight.identity * direct + weight.matrix * turned);
          row[2 * vertex] += share.x;
          row[2 * vertex + 1] += share.y;
        };
        add_to(vertices.from, sensitivity.OfSideEnd(flow, -1));
        add_to(vertices.to, sensitivity.OfSideEnd(flow, 1));
        add_to(vertices.centre, sensitivity.OfCentre(flow));
        rest[a] = held.Others(
            FromFrame(side, sensitivity.exponential.identity * direct +
                                sensitivity.exponential.matrix * turned));
      }
    }
  }

  // Puts a vertex on a list: a path meets so few that looking through them
  // beats any index.
  CPAB_HOST_DEVICE static void Note(int vertex, int* list) {
    for (int i = 1; i <= list[0]; ++i) {
      if (list[i] == vertex) return;
    }
    list[++list[0]] = vertex;
  }

  const Team& team_;
  const FitModel model_;
  const double noise_;
  const FitPairs pairs_;
  const int columns_;
  double* from_;
  double* to_;
  double* weights_;
  int* index_;
  int count_ = 0;    // Pairs that count.
  double size_ = 1;  // The largest coordinate, at least 1.
  double weight_sum_ = 0;
  double floor_ = 0;  // rho^2 at residuals of 0.
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_KEYPOINT_PROBLEM_H_
