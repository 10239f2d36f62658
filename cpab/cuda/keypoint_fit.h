// Keypoint inference: Gauss-Newton on one problem, for the processor and for a
// block of GPU threads.
//
// The objective, the step and what ends the iteration are those of
// cpab/fit/fit.h and cpab/fit/gauss_newton.h, whose comments derive them; so
// are the names. The unknowns are forces at the vertices: u = C force are
// the vertex velocities, C = W Sigma W^T, and theta = Sigma W^T force.
//
// A Team spreads loops: ForEach(n, f) calls f(i) for i in [0, n), in any order
// and from any of its threads, after all threads have come to it and before any
// goes on. All else is done by every thread for itself, from the same memory:
// scalars are sums of at most a few hundred numbers, and threads that agree on
// every bit take the same branches without a word between them. So a result
// does not depend on the number of threads, nor on the rest of the batch.
//
// Private to //cpab/cuda.
#ifndef CPAB_CUDA_KEYPOINT_FIT_H_
#define CPAB_CUDA_KEYPOINT_FIT_H_

#include <cstddef>
#include <cstdint>

#include "cpab/cuda/cell_flow.h"
#include "cpab/cuda/grid.h"
#include "cpab/cuda/host_device.h"
#include "cpab/cuda/point_path.h"

namespace cpab::kernels {

// Of FitOptions in cpab/fit/fit_problem.h.
struct FitSettings {
  double tension, noise, tolerance, trust_region, max_gradient;
  int max_iterations;
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

struct FitOutcome {
  double residual, cost, tension, max_gradient;
  int iterations;
  bool converged;
};

// The memory that a problem of K pairs on a grid needs.
struct FitMemory {
  CPAB_HOST_DEVICE FitMemory(Grid grid, int pairs)
      : rows(2 * static_cast<size_t>(pairs)),
        columns(2 * static_cast<size_t>(grid.num_vertices())) {}

  CPAB_HOST_DEVICE size_t num_doubles() const {
    return 2 * (2 * columns + rows + rows * columns)  // Two states.
           + rows * columns + rows * rows             // D C, D C D^T.
           + rows * rows + 2 * columns + 4 * rows;
  }
  CPAB_HOST_DEVICE size_t num_ints() const {
    return rows / 2 * (columns + 2);  // Two lists of vertices for each pair.
  }

  size_t rows, columns;
};

template <typename Team>
class KeypointFit {
 public:
  // memory: FitMemory(model.grid, pairs.count)'s numbers of doubles and ints.
  CPAB_HOST_DEVICE KeypointFit(const Team& team, const FitModel& model,
                               const FitSettings& settings,
                               const FitPairs& pairs, double* doubles,
                               int* ints)
      : team_(team),
        model_(model),
        settings_(settings),
        pairs_(pairs),
        columns_(2 * model.grid.num_vertices()),
        tension_(settings.tension) {
    const FitMemory memory(model.grid, pairs.count);
    const auto take = [&doubles](size_t n) {
      double* const taken = doubles;
      doubles += n;
      return taken;
    };
    const size_t list_size = memory.rows / 2 * (memory.columns / 2 + 1);
    const auto make_state = [&](int* lists) {
      return State{take(memory.columns), take(memory.columns),
                   take(memory.rows), take(memory.rows * memory.columns),
                   lists};
    };
    current_ = make_state(ints);
    next_ = make_state(ints + list_size);
    product_ = take(memory.rows * memory.columns);
    gram_ = take(memory.rows * memory.rows);
    system_ = take(memory.rows * memory.rows);
    target_ = take(memory.columns);
    target_velocities_ = take(memory.columns);
    alpha_ = take(memory.rows);
    from_ = take(memory.rows);
    to_ = take(memory.rows);
    weights_ = take(memory.rows);
  }

  // force: [vertices, 2]. All NaN where KeypointFitter::Fit has NaN.
  CPAB_HOST_DEVICE FitOutcome Solve(double* force) {
    const int usable = GatherPairs();
    if (usable < 0) return Fail(force);
    FitOutcome outcome = {0, 0, settings_.tension, 0, 0, true};
    if (usable == 0) {
      team_.ForEach(columns_, [&](int i) { force[i] = 0; });
      return outcome;
    }
    team_.ForEach(columns_, [&](int i) { current_.force[i] = 0; });
    Evaluate(current_);
    outcome.converged = Minimise(&outcome.iterations);
    outcome.tension = tension_;
    outcome.residual = std::sqrt(SumOfSquares(current_.residual));
    outcome.cost = Cost(current_);
    outcome.max_gradient = MaxGradient(current_.velocities, nullptr);
    team_.ForEach(columns_, [&](int i) { force[i] = current_.force[i]; });
    return outcome;
  }

 private:
  // One field and what the next step needs of it.
  struct State {
    double* force;
    double* velocities;  // u
    double* residual;    // q - T(p), [K, 2]
    double* jacobian;    // D = dT/du, [2 K, 2 vertices]
    int* lists;          // For each pair: how many vertices, and which.
  };

  static constexpr double kLowestDamping = 1e-2;
  static constexpr double kHighestDamping = 1e6;

  CPAB_HOST_DEVICE int rows() const { return 2 * count_; }
  CPAB_HOST_DEVICE int* ListOf(const State& state, int k) const {
    return state.lists + k * (columns_ / 2 + 1);
  }

  // Copies the pairs whose weight is not 0. Returns their number; -1 if one is
  // not finite, or so far away that squares overflow, or has a negative weight.
  CPAB_HOST_DEVICE int GatherPairs() {
    int count = 0;
    double norms = 0;
    bool usable = true;
    for (int k = 0; k < pairs_.count; ++k) {
      const double w = pairs_.weights ? pairs_.weights[k] : 1;
      if (w == 0) continue;
      usable = usable && w > 0;
      for (int c = 2 * k; c < 2 * k + 2; ++c) {
        const double p = pairs_.from[c], q = pairs_.to[c];
        norms += w * (p * p) + w * (q * q) + w * ((q - p) * (q - p));
        size_ = Max(size_, Max(Abs(p), Abs(q)));
      }
      weight_sum_ += w;
      ++count;
    }
    if (!usable || !IsFinite(norms)) return -1;
    count_ = count;
    floor_ = settings_.noise * settings_.noise * weight_sum_;
    team_.ForEach(1, [&](int) {
      int kept = 0;
      for (int k = 0; k < pairs_.count; ++k) {
        const double w = pairs_.weights ? pairs_.weights[k] : 1;
        if (w == 0) continue;
        for (int a = 0; a < 2; ++a) {
          from_[2 * kept + a] = pairs_.from[2 * k + a];
          to_[2 * kept + a] = pairs_.to[2 * k + a];
        }
        weights_[kept++] = w;
      }
    });
    return count;
  }

  CPAB_HOST_DEVICE FitOutcome Fail(double* force) const {
    const double nan = NotANumber<double>();
    team_.ForEach(columns_, [&](int i) { force[i] = nan; });
    return {nan, nan, nan, nan, 0, false};
  }

  // ---- The field of state.force at the pairs.

  CPAB_HOST_DEVICE void Evaluate(const State& state) const {
    Covary(state.force, state.velocities);
    team_.ForEach(rows() * columns_, [&](int i) { state.jacobian[i] = 0; });
    team_.ForEach(count_, [&](int k) { EvaluateAt(state, k); });
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

  // Where pair k's point goes, and how that depends on vertex velocities.
  CPAB_HOST_DEVICE void EvaluateAt(const State& state, int k) const {
    const Field<double> field = {model_.grid, state.velocities};
    const Vector<double> x = {from_[2 * k], from_[2 * k + 1]};
    const PathTape<double> tape(field, x);
    state.residual[2 * k] = to_[2 * k] - tape.end().x;
    state.residual[2 * k + 1] = to_[2 * k + 1] - tape.end().y;
    int* const list = ListOf(state, k);
    list[0] = 0;
    // The rows of dT/d(end of the arc at hand).
    Vector<double> rest[2] = {{1, 0}, {0, 1}};
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
        rest[a] = FromFrame(side, sensitivity.exponential.identity * direct +
                                      sensitivity.exponential.matrix * turned);
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

  // Row i of D times a vector [2 vertices].
  CPAB_HOST_DEVICE double RowTimes(const State& state, int i,
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

  // ---- The objective.

  CPAB_HOST_DEVICE double SumOfSquares(const double* r) const {
    double sum = 0;
    for (int k = 0; k < count_; ++k) {
      sum += weights_[k] * (r[2 * k] * r[2 * k] + r[2 * k + 1] * r[2 * k + 1]);
    }
    return sum;
  }

  CPAB_HOST_DEVICE double Rho(const State& state) const {
    return std::sqrt(SumOfSquares(state.residual) + floor_);
  }

  CPAB_HOST_DEVICE double Cost(const State& state) const {
    double energy = 0;
    for (int i = 0; i < columns_; ++i) {
      energy += state.force[i] * state.velocities[i];
    }
    // rho - rho_0 without cancellation.
    const double sum = Rho(state) + std::sqrt(floor_);
    return tension_ * SumOfSquares(state.residual) / sum + energy / 2;
  }

  // What rounding leaves uncertain of the cost.
  CPAB_HOST_DEVICE double Rounding(const State& state) const {
    const double unit = 8 * Precision<double>::kEpsilon * size_;
    const double scale = tension_ / Rho(state);
    double forces = 0;
    for (int k = 0; k < count_; ++k) {
      const double x = state.residual[2 * k], y = state.residual[2 * k + 1];
      forces += scale * weights_[k] * std::sqrt(x * x + y * y);
    }
    return unit * forces +
           unit * unit * tension_ * weight_sum_ / std::sqrt(floor_);
  }

  // The largest Frobenius norm of the velocity's gradient in any cell, of the
  // field u or of u - v.
  CPAB_HOST_DEVICE double MaxGradient(const double* u, const double* v) const {
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
      if (squares > largest || squares != squares) largest = squares;
    }
    return std::sqrt(largest);
  }

  // ---- Steps.

  // Returns whether it converged; *iterations counts the steps.
  CPAB_HOST_DEVICE bool Minimise(int* iterations) {
    if (SumOfSquares(current_.residual) == 0) return true;
    for (*iterations = 1; *iterations <= settings_.max_iterations;
         ++*iterations) {
      if (!TakeStep()) continue;
      const double gradient = MaxGradient(current_.velocities, nullptr);
      if (gradient <= settings_.max_gradient) return true;
      LowerTension(gradient);
    }
    *iterations = settings_.max_iterations;
    EnforceBounds();
    return false;
  }

  CPAB_HOST_DEVICE void LowerTension(double gradient) {
    const double excess = gradient / settings_.max_gradient;
    tension_ *= Max(0.98 / (excess * excess), 0.25);
    damping_ = 0;
  }

  // For problems that run out of iterations: shrinks the field.
  CPAB_HOST_DEVICE void EnforceBounds() {
    const double excess =
        MaxGradient(current_.velocities, nullptr) / settings_.max_gradient;
    if (!(excess > 1)) return;
    team_.ForEach(columns_, [&](int i) { current_.force[i] /= excess; });
    Evaluate(current_);
  }

  CPAB_HOST_DEVICE bool TakeStep() {
    FindModelMinimum();
    Covary(target_, target_velocities_);
    const double length = MaxGradient(target_velocities_, current_.velocities);
    const double fraction = Min(1.0, settings_.trust_region / length);
    team_.ForEach(columns_, [&](int i) {
      next_.force[i] =
          current_.force[i] + fraction * (target_[i] - current_.force[i]);
    });
    Evaluate(next_);
    const double before = Cost(current_), after = Cost(next_);
    const bool settled = Abs(before - after) <=
                         settings_.tolerance * before + Rounding(current_);
    if (after <= before) {
      const State swapped = current_;
      current_ = next_;
      next_ = swapped;
      has_gram_ = false;
      if (!rejected_) damping_ = damping_ > kLowestDamping ? damping_ / 10 : 0;
      rejected_ = false;
      return settled && fraction == 1;
    }
    rejected_ = true;
    damping_ = Max(10 * damping_, 1.0);
    return settled || damping_ > kHighestDamping;
  }

  // target = damping / (1 + damping) force + D^T alpha.
  CPAB_HOST_DEVICE void FindModelMinimum() {
    const double stiffness = 1 + damping_;
    const int n = rows();
    FormGram();
    const double compliance = stiffness * Rho(current_) / tension_;
    team_.ForEach(n * n, [&](int i) {
      system_[i] = gram_[i];
      if (i % (n + 1) == 0) system_[i] += compliance / weights_[i / n / 2];
    });
    team_.ForEach(n, [&](int i) {
      alpha_[i] = current_.residual[i] +
                  RowTimes(current_, i, current_.velocities) / stiffness;
    });
    SolveSystem();
    team_.ForEach(columns_, [&](int c) {
      double sum = 0;
      for (int i = 0; i < n; ++i) {
        sum += current_.jacobian[size_t(i) * columns_ + c] * alpha_[i];
      }
      target_[c] = damping_ / stiffness * current_.force[c] + sum;
    });
  }

  // D C D^T, all of it.
  CPAB_HOST_DEVICE void FormGram() {
    if (has_gram_) return;
    const int n = rows();
    team_.ForEach(n * columns_, [&](int i) {
      const int row = i / columns_, c = i % columns_;
      const int* const list = ListOf(current_, row / 2);
      const double* const d = current_.jacobian + size_t(row) * columns_;
      double sum = 0;
      for (int m = 1; m <= list[0]; ++m) {
        const int v = 2 * list[m];
        sum += d[v] * model_.covariance[size_t(v) * columns_ + c] +
               d[v + 1] * model_.covariance[size_t(v + 1) * columns_ + c];
      }
      product_[i] = sum;
    });
    team_.ForEach(n * n, [&](int i) {
      gram_[i] = RowTimes(current_, i % n, product_ + size_t(i / n) * columns_);
    });
    has_gram_ = true;
  }

  // alpha = system^-1 alpha by Cholesky's factors L L^T, L in the lower
  // triangle.
  CPAB_HOST_DEVICE void SolveSystem() const {
    const int n = rows();
    double* const L = system_;
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
    for (int j = 0; j < n; ++j) {
      const double x = alpha_[j] / L[j * n + j];
      team_.ForEach(n - j, [&](int m) {
        const int i = j + m;
        alpha_[i] = m == 0 ? x : alpha_[i] - x * L[i * n + j];
      });
    }
    for (int j = n - 1; j >= 0; --j) {
      const double x = alpha_[j] / L[j * n + j];
      team_.ForEach(j + 1, [&](int i) {
        alpha_[i] = i == j ? x : alpha_[i] - x * L[j * n + i];
      });
    }
  }

  const Team& team_;
  const FitModel model_;
  const FitSettings settings_;
  const FitPairs pairs_;
  const int columns_;
  State current_, next_;
  double* product_;  // D C
  double* gram_;     // D C D^T
  double* system_;
  double* target_;
  double* target_velocities_;
  double* alpha_;
  double* from_;
  double* to_;
  double* weights_;
  int count_ = 0;    // Pairs that count.
  double size_ = 1;  // The largest coordinate, at least 1.
  double weight_sum_ = 0;
  double floor_ = 0;  // rho^2 at residuals of 0.
  double tension_;
  double damping_ = 0;
  bool rejected_ = false;  // The last step.
  bool has_gram_ = false;
};

}  // namespace cpab::kernels

#endif  // CPAB_CUDA_KEYPOINT_FIT_H_
