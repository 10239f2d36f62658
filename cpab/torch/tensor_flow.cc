#include "cpab/torch/tensor_flow.h"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <limits>

#include "cpab/flow/affine_flow.h"
#include "cpab/flow/exit_time.h"
#include "cpab/flow/max_arcs.h"
#include "cpab/torch/once_differentiable.h"
#include "cpab/torch/sparse_velocities.h"

namespace cpab {
namespace {

using torch::Tensor;

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr int kTerms = AffineFlow::kMaxTerms;

// ---- The tessellation and the basis as tensors.

struct Tables {
  Tensor region_cell;  // [regions] int64
  Tensor normals;      // [regions, 3, 2]
  Tensor offsets;      // [regions, 3]
  Tensor neighbours;   // [regions, 3] int64
  Tensor extension;    // [cells] int64: the region outside a border cell
};

Tables MakeTables(const Tessellation& tessellation, torch::Device device) {
  const int64_t num_regions = tessellation.num_regions();
  Tables tables = {torch::empty({num_regions}, torch::kInt64),
                   torch::empty({num_regions, 3, 2}, torch::kFloat64),
                   torch::empty({num_regions, 3}, torch::kFloat64),
                   torch::empty({num_regions, 3}, torch::kInt64),
                   torch::zeros({tessellation.num_cells()}, torch::kInt64)};
  auto region_cell = tables.region_cell.accessor<int64_t, 1>();
  auto normals = tables.normals.accessor<double, 3>();
  auto offsets = tables.offsets.accessor<double, 2>();
  auto neighbours = tables.neighbours.accessor<int64_t, 2>();
  auto extension = tables.extension.accessor<int64_t, 1>();
  for (int64_t r = 0; r < num_regions; ++r) {
    const Region& region = tessellation.regions()[r];
    region_cell[r] = region.cell;
    if (r >= tessellation.num_cells()) extension[region.cell] = r;
    for (int e = 0; e < 3; ++e) {
      for (int a = 0; a < 2; ++a) normals[r][e][a] = region.edges[e].normal[a];
      offsets[r][e] = region.edges[e].offset;
      neighbours[r][e] = region.edges[e].neighbour;
    }
  }
  for (Tensor* table : {&tables.region_cell, &tables.normals, &tables.offsets,
                        &tables.neighbours, &tables.extension}) {
    *table = table->to(device);
  }
  return tables;
}

// u = W theta, [B, 2 vertices], differentiable in theta [B, d].
Tensor Velocities(const Basis& basis, const Tensor& theta) {
  if (basis.is_sparse()) return DifferentiableVelocities(basis, theta);
  const RowMajorMatrix& w = basis.vertex_basis();
  // A copy: autograd keeps the tensor until backward(), perhaps for longer than
  // the basis lives.
  const Tensor vertex_basis =
      torch::from_blob(const_cast<double*>(w.data()), {w.rows(), w.cols()},
                       torch::kFloat64)
          .clone()
          .to(theta.device());
  return theta.matmul(vertex_basis.t());
}

// Coefficients of all cells, [B, cells, 2, 3], differentiable in theta [B, d].
Tensor CellsFromTheta(const Basis& basis, const Tensor& theta) {
  const Tessellation& tessellation = basis.tessellation();
  const int64_t num_cells = tessellation.num_cells();
  Tensor corners = torch::empty({num_cells, 3}, torch::kInt64);
  Tensor shapes = torch::empty({num_cells, 3, 3}, torch::kFloat64);
  auto corner = corners.accessor<int64_t, 2>();
  auto shape = shapes.accessor<double, 3>();
  for (int64_t c = 0; c < num_cells; ++c) {
    for (int n = 0; n < 3; ++n) {
      corner[c][n] = tessellation.cells()[c][n];
      for (int k = 0; k < 3; ++k) {
        shape[c][n][k] = basis.shape_matrix(static_cast<int>(c))(n, k);
      }
    }
  }
  const Tensor velocities =
      Velocities(basis, theta)
          .view({theta.size(0), tessellation.num_vertices(), 2});
  const Tensor of_cells =
      velocities.index_select(1, corners.flatten().to(theta.device()))
          .view({theta.size(0), num_cells, 3, 2});
  return of_cells.transpose(2, 3).matmul(shapes.to(theta.device()));
}

// ---- One affine flow for every point: see cpab/flow/affine_flow.h.

struct MatrixFunctions {
  Tensor identity, matrix;
};

// The affine maps at hand, each component [B, N].
struct AffineFlows {
  explicit AffineFlows(const Tensor& coefficients)  // [B, N, 6]
      : m00(coefficients.select(-1, 0)),
        m01(coefficients.select(-1, 1)),
        b0(coefficients.select(-1, 2)),
        m10(coefficients.select(-1, 3)),
        m11(coefficients.select(-1, 4)),
        b1(coefficients.select(-1, 5)),
        trace(m00 + m11),
        determinant(m00 * m11 - m01 * m10) {}

  Tensor Linear(const Tensor& v) const {
    const Tensor x = v.select(-1, 0), y = v.select(-1, 1);
    return torch::stack({m00 * x + m01 * y, m10 * x + m11 * y}, -1);
  }
  Tensor Transposed(const Tensor& v) const {
    const Tensor x = v.select(-1, 0), y = v.select(-1, 1);
    return torch::stack({m00 * x + m10 * y, m01 * x + m11 * y}, -1);
  }
  Tensor Velocity(const Tensor& x) const {
    return Linear(x) + torch::stack({b0, b1}, -1);
  }
  Tensor MaxDuration() const {
    const Tensor discriminant = (trace / 2).square() - determinant;
    const Tensor radius =
        torch::where(discriminant < 0, determinant.clamp_min(0).sqrt(),
                     (trace / 2).abs() + discriminant.clamp_min(0).sqrt());
    return 1 / radius;
  }

  Tensor m00, m01, b0, m10, m11, b1, trace, determinant;
};

// (f0, f1) at t; trace and determinant broadcast against t.
MatrixFunctions Integral(const Tensor& trace, const Tensor& determinant,
                         const Tensor& t) {
  Tensor previous = torch::zeros_like(trace), current = torch::ones_like(trace);
  Tensor power = t;  // t^k / k!
  Tensor e1 = torch::zeros_like(t), f1 = torch::zeros_like(t);
  for (int k = 1; k <= kTerms; ++k) {
    e1 = e1 + current * power;
    f1 = f1 + previous * power;
    const Tensor next = trace * current - determinant * previous;
    previous = current;
    current = next;
    power = power * t / (k + 1);
  }
  return {e1 - trace * f1, f1};
}

MatrixFunctions Exponential(const Tensor& trace, const Tensor& determinant,
                            const MatrixFunctions& f) {
  return {1 - determinant * f.matrix, f.identity + trace * f.matrix};
}

// ---- Exits.

// Signed distances from the three edges along the arcs, each [B, N, 3].
struct EdgeDistances {
  Tensor distance, slope, curvature;

  Tensor Value(const MatrixFunctions& f) const {
    return distance + f.identity * slope + f.matrix * curvature;
  }
  Tensor Slope(const MatrixFunctions& e) const {
    return e.identity * slope + e.matrix * curvature;
  }
};

Tensor TurningPoints(const EdgeDistances& s, const Tensor& trace,
                     const Tensor& determinant) {
  const Tensor discriminant = (trace / 2).square() - determinant;
  const Tensor ratio = -s.slope / (s.curvature - trace / 2 * s.slope);
  const Tensor omega = discriminant.abs().sqrt();
  const Tensor z = omega * ratio;
  const Tensor angle =
      torch::where(discriminant > 0, torch::atanh(z), torch::atan(z)) / omega;
  return torch::where(z.abs() < 1e-4, ratio, angle);
}

// The time of the first exit across each edge, infinite where there is none
// within h [B, N, 1]. See SolveExit in cpab/flow/path.cc.
Tensor ExitTimes(const EdgeDistances& s, const Tensor& trace,
                 const Tensor& determinant, const Tensor& h) {
  const MatrixFunctions f = Integral(trace, determinant, h);
  const MatrixFunctions e = Exponential(trace, determinant, f);
  const Tensor ends_outside = s.Value(f) < 0;
  const Tensor turn = TurningPoints(s, trace, determinant);
  const Tensor turns = ~ends_outside & (s.slope < 0) & (s.Slope(e) > 0) &
                       (turn > 0) & (turn < h);
  const Tensor turn_time = torch::where(turns, turn, torch::zeros_like(turn));
  const Tensor dips =
      turns & (s.Value(Integral(trace, determinant, turn_time)) < 0);
  const Tensor exits = ends_outside | dips;

  Tensor low = torch::zeros_like(s.distance);
  Tensor high = torch::where(dips, turn_time, h.expand_as(turn_time));
  const Tensor root = (s.slope.square() - 2 * s.curvature * s.distance).sqrt();
  const Tensor guess = 2 * s.distance / (root - s.slope);
  Tensor t = torch::where((guess >= 0) & (guess < high), guess, high / 2);
  // Bisection alone ends after some 60 halvings.
  for (int i = 0; i < 64; ++i) {
    const MatrixFunctions ft = Integral(trace, determinant, t);
    const MatrixFunctions et = Exponential(trace, determinant, ft);
    const Tensor value = s.Value(ft), slope = s.Slope(et);
    const Tensor curvature =
        et.identity * s.curvature +
        et.matrix * (trace * s.curvature - determinant * s.slope);
    low = torch::where(value >= 0, t, low);
    high = torch::where(value >= 0, high, t);
    const Tensor halley =
        t - 2 * value * slope / (2 * slope.square() - value * curvature);
    const Tensor next = torch::where((halley >= low) & (halley <= high), halley,
                                     low + (high - low) / 2);
    const Tensor moving = exits & ((next - t).abs() > 2 * kEpsilon * t);
    t = next;
    if (!moving.any().item<bool>()) break;
  }
  const Tensor never =
      torch::full_like(t, std::numeric_limits<double>::infinity());
  t = torch::where(exits, t, never);
  return torch::where(s.distance < 0, torch::zeros_like(t), t);
}

// ---- Paths.

Tensor FindRegions(const Tessellation& tessellation, const Tables& tables,
                   const Tensor& points) {
  const int nx = tessellation.options().nx, ny = tessellation.options().ny;
  const Tensor x = points.select(-1, 0), y = points.select(-1, 1);
  const Tensor X = x * nx, Y = y * ny;
  const Tensor i = X.floor().clamp(0, nx - 1), j = Y.floor().clamp(0, ny - 1);
  const Tensor u = X - i, v = Y - j;
  const auto side = [&x](int64_t k) {
    return torch::full_like(x, k, torch::kInt64);
  };
  const Tensor top = side(0), right = side(1), bottom = side(2), left = side(3);
  const Tensor above = y <= 0, below = y >= 1;
  Tensor sides = torch::where(u < v, torch::where(1 - u < v, bottom, left),
                              torch::where(1 - u < v, right, top));
  sides = torch::where(above, top, torch::where(below, bottom, sides));
  sides = torch::where(
      x <= 0,
      torch::where(above & (Y < X), top,
                   torch::where(below & (Y - ny > -X), bottom, left)),
      sides);
  sides = torch::where(
      x >= 1,
      torch::where(above & (-Y > X - nx), top,
                   torch::where(below & (Y - ny > X - nx), bottom, right)),
      sides);
  const Tensor cells = 4 * (i + j * nx).to(torch::kInt64) + sides;
  const Tensor outside = (x < 0) | (x > 1) | (y < 0) | (y > 1);
  return torch::where(outside, tables.extension.index({cells}), cells);
}

// The rows of [B, cells, 6] for cells [B, N]: [B, N, 6].
Tensor CoefficientsOf(const Tensor& coefficients, const Tensor& cells) {
  return coefficients.gather(1, cells.unsqueeze(-1).expand({-1, -1, 6}));
}

// One arc of every point, [B, N, ...]; zero duration for points at their end.
struct Arcs {
  Tensor cells, starts, durations;
};

// Moves x and region to the end of each point's next arc.
Arcs Advance(const Tables& tables, const Tensor& coefficients,
             const Tensor& time_left, Tensor* x, Tensor* region) {
  const Tensor cells = tables.region_cell.index({*region});
  const AffineFlows flows(CoefficientsOf(coefficients, cells));
  const Tensor velocity = flows.Velocity(*x);
  const Tensor acceleration = flows.Linear(velocity);
  // fmin: a field that is not finite ends its points' paths as NaN.
  const Tensor h = torch::fmin(time_left, flows.MaxDuration());

  const Tensor normals = tables.normals.index({*region});  // [B, N, 3, 2]
  const auto along_normals = [&normals](const Tensor& vector) {
    return (normals * vector.unsqueeze(-2)).sum(-1);
  };
  const Tensor overlap = kOverlap * (1 + x->abs().sum(-1, /*keepdim=*/true));
  const EdgeDistances s = {
      along_normals(*x) + tables.offsets.index({*region}) + overlap,
      along_normals(velocity), along_normals(acceleration)};
  const Tensor times =
      ExitTimes(s, flows.trace.unsqueeze(-1), flows.determinant.unsqueeze(-1),
                h.unsqueeze(-1));
  const auto [first, edge] = times.min(-1);
  const Tensor exits = (time_left > 0) & (first < h);

  const Arcs arcs = {cells, *x, torch::where(exits, first, h)};
  const MatrixFunctions f =
      Integral(flows.trace, flows.determinant, arcs.durations);
  *x = *x + f.identity.unsqueeze(-1) * velocity +
       f.matrix.unsqueeze(-1) * acceleration;
  const Tensor beyond = tables.neighbours.index({*region})
                            .gather(-1, edge.unsqueeze(-1))
                            .squeeze(-1);
  *region = torch::where(exits, beyond, *region);
  return arcs;
}

// dL/d(end of arcs) to dL/d(their starts); adds to dL/d(coefficients).
// See AffineFlow::SensitivityAt and ArcDerivative in cpab/flow/flow.cc.
Tensor PullbackArcs(const Tensor& coefficients, const Arcs& arcs,
                    const Tensor& dl_dend, Tensor* dl_dcoefficients) {
  const AffineFlows flows(CoefficientsOf(coefficients, arcs.cells));
  const Tensor &trace = flows.trace, &determinant = flows.determinant;
  const Tensor& t = arcs.durations;
  Tensor c0 = torch::zeros_like(t), c1 = torch::ones_like(t);
  Tensor q0 = torch::zeros_like(t), q1 = torch::zeros_like(t);
  Tensor Q2 = torch::zeros_like(t), Q3 = torch::zeros_like(t);
  Tensor Q4 = torch::zeros_like(t), power = t * t / 2;
  for (int k = 0; k < kTerms; ++k) {
    const Tensor q = c1 + trace * q1 - determinant * q0;
    const Tensor power3 = power * t / (k + 3);
    Q2 = Q2 + q * power;
    Q3 = Q3 + q * power3;
    Q4 = Q4 + q * power3 * t / (k + 4);
    power = power3;
    const Tensor c = trace * c1 - determinant * c0;
    c0 = c1, c1 = c;
    q0 = q1, q1 = q;
  }
  const auto as_weight = [](const Tensor& w) { return w.unsqueeze(-1); };
  const Tensor K11 = as_weight(Q4);
  const Tensor K01 = as_weight(Q3 - trace * Q4);
  const Tensor K00 = as_weight(Q2 - trace * (2 * Q3 - trace * Q4));
  const MatrixFunctions f = Integral(trace, determinant, t);
  const MatrixFunctions e = Exponential(trace, determinant, f);
  const Tensor f0 = as_weight(f.identity), f1 = as_weight(f.matrix);
  const Tensor v = flows.Velocity(arcs.starts), a = flows.Linear(v);
  const Tensor X = torch::cat({f0 * arcs.starts + K00 * v + K01 * a, f0}, -1);
  const Tensor Y = torch::cat({f1 * arcs.starts + K01 * v + K11 * a, f1}, -1);

  const Tensor turned = flows.Transposed(dl_dend);
  const Tensor outer = dl_dend.unsqueeze(-1) * X.unsqueeze(-2) +
                       turned.unsqueeze(-1) * Y.unsqueeze(-2);  // [B, N, 2, 3]
  dl_dcoefficients->scatter_add_(
      1, arcs.cells.unsqueeze(-1).expand({-1, -1, 6}), outer.flatten(-2));
  return as_weight(e.identity) * dl_dend + as_weight(e.matrix) * turned;
}

// T for coefficients [B, cells, 6] and points [B, N, 2], all float64.
class ArcsFunction : public torch::autograd::Function<ArcsFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context,
                        const Tensor& coefficients, const Tensor& points,
                        const Basis* basis) {
    const torch::NoGradGuard no_grad;
    const Tables tables = MakeTables(basis->tessellation(), points.device());
    const Tensor finite = points.isfinite().all(-1, /*keepdim=*/true);
    Tensor x = torch::where(finite, points, torch::zeros_like(points));
    const Tensor from = x;
    // As PathWalker::Moved(), and all of what is NaN; undefined if the paths of
    // all points move both coordinates.
    Tensor moved;
    if (basis->tessellation().options().zero_boundary) {
      x = from.clamp(0, 1);
      if (!x.equal(from)) moved = x == from;
    }
    const Tensor nearest = x;
    Tensor region = FindRegions(basis->tessellation(), tables, x);
    Tensor time_left = finite.squeeze(-1).to(torch::kFloat64);
    torch::autograd::variable_list saved = {coefficients};
    for (int arcs = 0; arcs < kMaxArcs; ++arcs) {
      if (!(time_left > 0).any().item<bool>()) break;
      const Arcs next = Advance(tables, coefficients, time_left, &x, &region);
      time_left = time_left - next.durations;
      if (moved.defined()) {
        moved = moved | x.isnan().any(-1, /*keepdim=*/true);
        x = torch::where(moved, x, nearest);
      }
      saved.insert(saved.end(), {next.cells, next.starts, next.durations});
    }
    const Tensor ended = finite & (time_left <= 0).unsqueeze(-1);
    saved.insert(saved.end(), {finite, ended, moved});
    context->save_for_backward(std::move(saved));
    if (basis->tessellation().options().zero_boundary) {
      // As WalkPath of cpab/flow/path.h at the end of a path.
      x = torch::where(x.isfinite(), x.clamp(0, 1), x);
    }
    if (moved.defined()) x = torch::where(moved, x, from);
    return torch::where(
        ended, x,
        torch::full_like(x, std::numeric_limits<double>::quiet_NaN()));
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      const torch::autograd::variable_list& gradients) {
    CheckDifferentiatedOnce("cpab::TensorFlow");
    const auto saved = context->get_saved_variables();
    const Tensor& coefficients = saved.front();
    const Tensor& finite = saved[saved.size() - 3];
    const Tensor& ended = saved[saved.size() - 2];
    const Tensor& moved = saved.back();
    Tensor dl_dcoefficients = torch::zeros_like(coefficients);
    const Tensor nan = torch::full_like(
        gradients[0], std::numeric_limits<double>::quiet_NaN());
    // Points that are not finite add nothing; paths without an end add NaN.
    Tensor gradient = torch::where(
        ended, gradients[0],
        torch::where(finite, nan, torch::zeros_like(gradients[0])));
    for (size_t end = saved.size() - 3; end > 1; end -= 3) {
      const Arcs arcs = {saved[end - 3], saved[end - 2], saved[end - 1]};
      if (moved.defined()) {
        gradient = torch::where(moved, gradient, torch::zeros_like(gradient));
      }
      gradient = PullbackArcs(coefficients, arcs, gradient, &dl_dcoefficients);
    }
    if (moved.defined()) gradient = torch::where(moved, gradient, gradients[0]);
    return {dl_dcoefficients, torch::where(ended, gradient, nan), Tensor()};
  }
};

}  // namespace

Tensor TensorFlow(const Basis& basis, const Tensor& theta,
                  const Tensor& points) {
  const Tensor coefficients =
      CellsFromTheta(basis, theta.to(torch::kFloat64)).flatten(-2);
  const Tensor x =
      points.to(torch::kFloat64).expand({theta.size(0), points.size(-2), 2});
  return ArcsFunction::apply(coefficients, x, &basis).to(points.scalar_type());
}

}  // namespace cpab
