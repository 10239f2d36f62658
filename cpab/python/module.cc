// The Python extension pycpab._core: the library's calls on NumPy arrays.
//
// Private to the package pycpab, whose Python sources convert arguments,
// broadcast batches and say in docstrings what each call does. What this file
// adds is checked here too, so that no call of it can read out of bounds. The
// interpreter's lock is released while the library computes.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cpab/batch/interpolate.h"
#include "cpab/field/smoothness_prior.h"
#include "cpab/field/sparse_prior.h"
#include "cpab/fit/fit_problem.h"
#include "cpab/landmark/landmark_fit.h"
#include "cpab/python/arrays.h"
#include "cpab/python/fitter.h"
#include "cpab/python/space.h"
#include "cpab/python/thread_pool.h"
#include "cpab/registration/sampled_volume.h"
#include "cpab/registration/volume_registration.h"

namespace cpab::python {
namespace {

template <typename T>
T ValueOrThrow(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  throw py::value_error(std::string(result.status().message()));
}

std::shared_ptr<const Space> MakeSpace(const std::vector<int>& cells,
                                       bool zero_boundary,
                                       bool volume_preserving,
                                       bool sparse_basis) {
  const py::gil_scoped_release release;
  return ValueOrThrow(
      Space::Create(cells, zero_boundary, volume_preserving, sparse_basis));
}

// ValueError unless theta is [B, stages * d] and points are [B, D, N]; N.
int64_t CheckedNumPoints(const Space& space, const ThetaArray& theta,
                         const py::array& points, int num_stages = 1) {
  if (num_stages < 1 || num_stages > 4096) {
    throw py::value_error(absl::StrCat("the number of stages is ", num_stages,
                                       "; use 1 to 4096"));
  }
  RequireShape("theta", theta,
               {-1, py::ssize_t{num_stages} * space.theta_size()});
  RequireShape("points", points, {theta.shape(0), space.dimensions(), -1});
  return points.shape(2);
}

py::array Transform(const Space& space, const ThetaArray& theta,
                    const py::array& points, int num_stages) {
  const int64_t count = CheckedNumPoints(space, theta, points, num_stages);
  return WithScalarOf("points", points, [&](auto zero) -> py::array {
    using Scalar = decltype(zero);
    const PointArray<const Scalar> x = PointsOf<Scalar>("points", points);
    py::array_t<Scalar> y(ShapeOf(points));
    const PointArray<Scalar> out = MutablePointsOf(&y);
    const auto values = MatrixOf(theta);
    {
      const py::gil_scoped_release release;
      space.Transform(values, num_stages, count, x, out, SharedThreads());
    }
    return py::array(std::move(y));
  });
}

py::tuple Pullback(const Space& space, const ThetaArray& theta,
                   const py::array& points, const py::array& dl_dy,
                   int num_stages) {
  const int64_t count = CheckedNumPoints(space, theta, points, num_stages);
  RequireShape("the gradient", dl_dy, ShapeOf(points));
  return WithScalarOf("points", points, [&](auto zero) {
    using Scalar = decltype(zero);
    const PointArray<const Scalar> x = PointsOf<Scalar>("points", points);
    const PointArray<const Scalar> pull =
        PointsOf<Scalar>("the gradient", dl_dy);
    py::array_t<Scalar> dl_dpoints(ShapeOf(points));
    ThetaArray dl_dtheta(ShapeOf(theta));
    {
      const PointArray<Scalar> out = MutablePointsOf(&dl_dpoints);
      const auto values = MatrixOf(theta);
      auto gradient = MutableMatrixOf(&dl_dtheta);
      const py::gil_scoped_release release;
      space.Pullback(values, num_stages, count, x, pull, gradient, out,
                     SharedThreads());
    }
    return py::make_tuple(dl_dtheta, dl_dpoints);
  });
}

py::array_t<double> Velocity(const Space& space, const ThetaArray& theta,
                             const py::array& points) {
  const int64_t count = CheckedNumPoints(space, theta, points);
  const PointArray<const double> x = PointsOf<double>("points", points);
  py::array_t<double> velocity(ShapeOf(points));
  const PointArray<double> out = MutablePointsOf(&velocity);
  const auto values = MatrixOf(theta);
  {
    const py::gil_scoped_release release;
    space.Velocity(values, count, x, out, SharedThreads());
  }
  return velocity;
}

py::array_t<double> LogDet(const Space& space, const ThetaArray& theta,
                           const py::array& points, int num_stages) {
  const int64_t count = CheckedNumPoints(space, theta, points, num_stages);
  const PointArray<const double> x = PointsOf<double>("points", points);
  py::array_t<double> log_det(Shape{theta.shape(0), count});
  double* const out = log_det.mutable_data();
  const auto values = MatrixOf(theta);
  {
    const py::gil_scoped_release release;
    space.LogDet(values, num_stages, count, x, out, SharedThreads());
  }
  return log_det;
}

py::tuple LogDetPullback(const Space& space, const ThetaArray& theta,
                         const py::array& points, const ThetaArray& dl_dlog_det,
                         int num_stages) {
  const int64_t count = CheckedNumPoints(space, theta, points, num_stages);
  RequireShape("the gradient", dl_dlog_det, {theta.shape(0), points.shape(2)});
  const PointArray<const double> x = PointsOf<double>("points", points);
  py::array_t<double> dl_dpoints(ShapeOf(points));
  ThetaArray dl_dtheta(ShapeOf(theta));
  {
    const PointArray<double> out = MutablePointsOf(&dl_dpoints);
    const auto values = MatrixOf(theta);
    auto gradient = MutableMatrixOf(&dl_dtheta);
    const double* const pull = dl_dlog_det.data();
    const py::gil_scoped_release release;
    space.LogDetPullback(values, num_stages, count, x, pull, gradient, out,
                         SharedThreads());
  }
  return py::make_tuple(dl_dtheta, dl_dpoints);
}

py::tuple Jacobian(const Space& space, const ThetaArray& theta,
                   const py::array& points, bool with_theta) {
  const int64_t count = CheckedNumPoints(space, theta, points);
  const PointArray<const double> x = PointsOf<double>("points", points);
  const py::ssize_t batch = theta.shape(0), dimensions = space.dimensions();
  const py::ssize_t d = with_theta ? space.theta_size() : 0;
  py::array_t<double> y(Shape{batch, count, dimensions});
  py::array_t<double> dy_dx(Shape{batch, count, dimensions, dimensions});
  py::array_t<double> log_det(Shape{batch, count});
  py::array_t<double> dy_dtheta(Shape{batch, count, dimensions, d});
  {
    const JacobianOutputs outputs = {
        y.mutable_data(), dy_dx.mutable_data(), log_det.mutable_data(),
        with_theta ? dy_dtheta.mutable_data() : nullptr};
    const auto values = MatrixOf(theta);
    const py::gil_scoped_release release;
    space.Jacobians(values, count, x, outputs, SharedThreads());
  }
  return py::make_tuple(y, dy_dx, log_det, dy_dtheta);
}

// The matrix that compute(MatrixOf(array)) gives.
template <typename Compute>
ThetaArray Computed(const ThetaArray& array, Compute compute) {
  const auto values = MatrixOf(array);
  RowMajorMatrix result;
  {
    const py::gil_scoped_release release;
    result = compute(values);
  }
  return ArrayOf(result);
}

ThetaArray CellsFromTheta(const Space& space, const ThetaArray& theta) {
  RequireShape("theta", theta, {-1, space.theta_size()});
  return Computed(theta, [&space](const auto& values) {
    return space.CellsFromTheta(values);
  });
}

ThetaArray ThetaFromCells(const Space& space, const ThetaArray& cells) {
  const int dimensions = space.dimensions();
  RequireShape("cells", cells,
               {-1, space.num_cells() * dimensions * (dimensions + 1)});
  return Computed(cells, [&space](const auto& values) {
    return space.ThetaFromCells(values);
  });
}

ThetaArray ThetaFromVertices(const Space& space, const ThetaArray& velocities) {
  RequireShape("velocities", velocities, {-1, space.Vertices().size()});
  return Computed(velocities, [&space](const auto& values) {
    return space.ThetaFromVertices(values);
  });
}

// What Interpolate and its pullback are called with, checked.
InterpolationShape CheckedInterpolation(
    const py::array& data, const py::array& points,
    const std::optional<py::array_t<int64_t, py::array::c_style>>& lengths,
    bool zero_beyond) {
  InterpolationShape shape;
  shape.dimensions = static_cast<int>(data.ndim()) - 2;
  if (shape.dimensions < 1 || shape.dimensions > 3) {
    throw py::value_error(absl::StrCat("data has shape ",
                                       ShapeName(ShapeOf(data)),
                                       "; use [B, C, ...] with 1 to 3 axes"));
  }
  shape.batch = data.shape(0);
  shape.channels = data.shape(1);
  for (int a = 0; a < shape.dimensions; ++a) {
    shape.size[a] = data.shape(a + 2);
    if (shape.size[a] < 1) throw py::value_error("data has no samples");
  }
  RequireShape("points", points, {data.shape(0), shape.dimensions, -1});
  shape.num_points = points.shape(2);
  shape.beyond = zero_beyond ? Beyond::kZero : Beyond::kNearest;
  if (!lengths) return shape;
  if (shape.dimensions != 1) {
    throw py::value_error("lengths are for signals, of one axis");
  }
  RequireShape("lengths", *lengths, {data.shape(0)});
  for (int64_t b = 0; b < shape.batch; ++b) {
    const int64_t length = lengths->data()[b];
    if (length < 1 || length > shape.size[0]) {
      throw py::value_error(absl::StrCat("lengths[", b, "] is ", length,
                                         "; use 1 to ", shape.size[0]));
    }
  }
  shape.lengths = lengths->data();
  return shape;
}

using Lengths = std::optional<py::array_t<int64_t, py::array::c_style>>;

py::array InterpolateArrays(const py::array& data, const py::array& points,
                            const Lengths& lengths, bool zero_beyond) {
  const InterpolationShape shape =
      CheckedInterpolation(data, points, lengths, zero_beyond);
  return WithScalarOf("data", data, [&](auto zero) -> py::array {
    using Scalar = decltype(zero);
    const SampleArray<const Scalar> samples = SamplesOf<Scalar>("data", data);
    const PointArray<const Scalar> x = PointsOf<Scalar>("points", points);
    py::array_t<Scalar> values(
        Shape{data.shape(0), data.shape(1), points.shape(2)});
    const PointArray<Scalar> out = MutablePointsOf(&values);
    {
      const py::gil_scoped_release release;
      Interpolate<Scalar>(shape, samples, x, out, SharedThreads());
    }
    return py::array(std::move(values));
  });
}

py::tuple InterpolatePullbackArrays(const py::array& data,
                                    const py::array& points,
                                    const py::array& dl_dvalues,
                                    const Lengths& lengths, bool zero_beyond) {
  const InterpolationShape shape =
      CheckedInterpolation(data, points, lengths, zero_beyond);
  RequireShape("the gradient", dl_dvalues,
               {data.shape(0), data.shape(1), points.shape(2)});
  return WithScalarOf("data", data, [&](auto zero) {
    using Scalar = decltype(zero);
    const SampleArray<const Scalar> samples = SamplesOf<Scalar>("data", data);
    const PointArray<const Scalar> x = PointsOf<Scalar>("points", points);
    const PointArray<const Scalar> pull =
        PointsOf<Scalar>("the gradient", dl_dvalues);
    py::array_t<Scalar> dl_ddata(ShapeOf(data));
    py::array_t<Scalar> dl_dpoints(ShapeOf(points));
    {
      std::fill_n(dl_ddata.mutable_data(), dl_ddata.size(), Scalar(0));
      const SampleArray<const Scalar> view =
          SamplesOf<Scalar>("the gradient of data", dl_ddata);
      const SampleArray<Scalar> to = {dl_ddata.mutable_data(),
                                      view.batch_stride, view.channel_stride,
                                      view.axis_strides};
      const PointArray<Scalar> out = MutablePointsOf(&dl_dpoints);
      const py::gil_scoped_release release;
      InterpolatePullback<Scalar>(shape, samples, x, pull, to, out,
                                  SharedThreads());
    }
    return py::make_tuple(dl_ddata, dl_dpoints);
  });
}

std::shared_ptr<const SmoothnessPrior> MakePrior(const Space& space,
                                                 double length_scale,
                                                 double speed,
                                                 double gradient) {
  const py::gil_scoped_release release;
  return ValueOrThrow(SmoothnessPrior::Create(
      space.Vertices(), space.VertexBasis(), {length_scale, speed, gradient}));
}

template <typename AnyPrior>
ThetaArray SamplePrior(const AnyPrior& prior, int64_t count, uint64_t seed) {
  if (count < 0) throw py::value_error("the number of samples is negative");
  std::mt19937_64 generator(seed);
  ThetaArray samples(Shape{count, prior.theta_size()});
  auto rows = MutableMatrixOf(&samples);
  {
    const py::gil_scoped_release release;
    for (int64_t b = 0; b < count; ++b) {
      rows.row(b) = prior.Sample(generator).transpose();
    }
  }
  return samples;
}

// One number for each theta, [B].
template <typename AnyPrior, typename Function>
py::array ForEachTheta(const AnyPrior& prior, const ThetaArray& theta,
                       Function function) {
  RequireShape("theta", theta, {-1, prior.theta_size()});
  return Computed(theta,
                  [&function](const auto& values) {
                    RowMajorMatrix result(values.rows(), 1);
                    for (Eigen::Index b = 0; b < values.rows(); ++b) {
                      result(b, 0) = function(values.row(b).transpose());
                    }
                    return result;
                  })
      .reshape({theta.shape(0)});
}

// A batch of fits with their pairs, for the way back.
class FitBatch {
 public:
  FitBatch(std::shared_ptr<const Fitter> fitter,
           std::vector<LandmarkPairs> pairs, py::ssize_t num_pairs)
      : fitter_(std::move(fitter)),
        pairs_(std::move(pairs)),
        num_pairs_(num_pairs),
        results_(fitter_->FitAll(pairs_, SharedThreads())) {}

  ThetaArray Theta() const {
    ThetaArray theta(Shape{static_cast<py::ssize_t>(results_.size()),
                           fitter_->theta_size()});
    auto rows = MutableMatrixOf(&theta);
    for (size_t b = 0; b < results_.size(); ++b) {
      rows.row(b) = results_[b].theta.transpose();
    }
    return theta;
  }

  template <typename Value>
  using Member = Value FitResult::*;

  template <typename Value>
  py::array_t<Value> Each(Member<Value> member) const {
    py::array_t<Value> values(static_cast<py::ssize_t>(results_.size()));
    for (size_t b = 0; b < results_.size(); ++b) {
      values.mutable_at(b) = results_[b].*member;
    }
    return values;
  }

  // dL/dfrom, dL/dto [B, D, K], and whether they are exact [B].
  py::tuple Pullback(const ThetaArray& dl_dtheta) const {
    const py::ssize_t batch = static_cast<py::ssize_t>(pairs_.size());
    RequireShape("the gradient", dl_dtheta, {batch, fitter_->theta_size()});
    std::vector<LandmarkGradient> gradients(batch);
    {
      const auto rows = MatrixOf(dl_dtheta);
      const py::gil_scoped_release release;
      SharedThreads()(batch, [&](int64_t b) {
        gradients[b] =
            fitter_->Pullback(pairs_[b], results_[b], rows.row(b).transpose());
      });
    }
    const Shape shape = {batch, fitter_->dimensions(), num_pairs_};
    py::array_t<double> from(shape), to(shape);
    py::array_t<bool> exact(batch);
    for (py::ssize_t b = 0; b < batch; ++b) {
      ScatterPoints(gradients[b].from, b, MutablePointsOf(&from));
      ScatterPoints(gradients[b].to, b, MutablePointsOf(&to));
      exact.mutable_at(b) = gradients[b].exact;
    }
    return py::make_tuple(from, to, exact);
  }

 private:
  static void ScatterPoints(const Eigen::MatrixXd& columns, int64_t b,
                            const PointArray<double>& points) {
    for (Eigen::Index n = 0; n < columns.cols(); ++n) {
      for (Eigen::Index a = 0; a < columns.rows(); ++a) {
        points.at(b, a, n) = columns(a, n);
      }
    }
  }

  std::shared_ptr<const Fitter> fitter_;
  std::vector<LandmarkPairs> pairs_;
  py::ssize_t num_pairs_;  // In each problem, also if there is none.
  std::vector<FitResult> results_;
};

std::shared_ptr<const Fitter> MakeFitter(const Space& space, double tension,
                                         double noise, double length_scale,
                                         double speed, double gradient,
                                         int max_iterations, double tolerance,
                                         double trust_region,
                                         double max_gradient, int num_stages) {
  FitOptions options;
  options.tension = tension;
  options.noise = noise;
  options.prior = {length_scale, speed, gradient};
  options.max_iterations = max_iterations;
  options.tolerance = tolerance;
  options.trust_region = trust_region;
  options.max_gradient = max_gradient;
  const py::gil_scoped_release release;
  return ValueOrThrow(space.CreateFitter(options, num_stages));
}

// Element b of [B, D, K] as columns.
Eigen::MatrixXd ColumnsOf(const PointArray<const double>& points, int64_t b,
                          const py::array& array) {
  Eigen::MatrixXd columns(array.shape(1), array.shape(2));
  for (Eigen::Index n = 0; n < columns.cols(); ++n) {
    for (Eigen::Index a = 0; a < columns.rows(); ++a) {
      columns(a, n) = points.at(b, a, n);
    }
  }
  return columns;
}

std::shared_ptr<FitBatch> Fit(std::shared_ptr<const Fitter> fitter,
                              const py::array& from, const py::array& to,
                              const ThetaArray& weights) {
  RequireShape("from", from, {-1, fitter->dimensions(), -1});
  RequireShape("to", to, ShapeOf(from));
  const bool weighted = weights.size() > 0;
  if (weighted) {
    RequireShape("weights", weights, {from.shape(0), from.shape(2)});
  }
  const auto p = PointsOf<double>("from", from), q = PointsOf<double>("to", to);
  std::vector<LandmarkPairs> pairs(from.shape(0));
  for (size_t b = 0; b < pairs.size(); ++b) {
    pairs[b].from = ColumnsOf(p, b, from);
    pairs[b].to = ColumnsOf(q, b, to);
    if (weighted) pairs[b].weights = MatrixOf(weights).row(b).transpose();
  }
  const py::ssize_t num_pairs = from.shape(2);
  const py::gil_scoped_release release;
  return std::make_shared<FitBatch>(std::move(fitter), std::move(pairs),
                                    num_pairs);
}

void BindSpace(py::module_* module) {
  py::class_<Space, std::shared_ptr<Space>>(*module, "Space")
      .def(py::init([](const std::vector<int>& cells, bool zero_boundary,
                       bool volume_preserving, bool sparse_basis) {
             return std::const_pointer_cast<Space>(MakeSpace(
                 cells, zero_boundary, volume_preserving, sparse_basis));
           }),
           py::arg("cells"), py::arg("zero_boundary"),
           py::arg("volume_preserving"), py::arg("sparse_basis") = false)
      .def_property_readonly("is_sparse", &Space::is_sparse)
      .def_property_readonly("dimensions", &Space::dimensions)
      .def_property_readonly("theta_size", &Space::theta_size)
      .def_property_readonly("num_cells", &Space::num_cells)
      .def("cell_centers",
           [](const Space& s) {
             return ArrayOf(RowMajorMatrix(s.CellCenters()));
           })
      .def("vertices",
           [](const Space& s) { return ArrayOf(RowMajorMatrix(s.Vertices())); })
      .def("vertex_basis",
           [](const Space& s) { return ArrayOf(s.VertexBasis()); })
      .def("cells_from_theta", &CellsFromTheta)
      .def("theta_from_cells", &ThetaFromCells)
      .def("theta_from_vertices", &ThetaFromVertices)
      .def("transform", &Transform, py::arg("theta"), py::arg("points"),
           py::arg("stages") = 1)
      .def("pullback", &Pullback, py::arg("theta"), py::arg("points"),
           py::arg("dl_dy"), py::arg("stages") = 1)
      .def("velocity", &Velocity)
      .def("log_det", &LogDet, py::arg("theta"), py::arg("points"),
           py::arg("stages") = 1)
      .def("log_det_pullback", &LogDetPullback, py::arg("theta"),
           py::arg("points"), py::arg("dl_dlog_det"), py::arg("stages") = 1)
      .def("jacobian", &Jacobian);
}

// What both kinds of prior have.
template <typename AnyPrior>
py::class_<AnyPrior, std::shared_ptr<AnyPrior>> BindAnyPrior(
    py::module_* module, const char* name) {
  return py::class_<AnyPrior, std::shared_ptr<AnyPrior>>(*module, name)
      .def("sample", &SamplePrior<AnyPrior>)
      .def("energy",
           [](const AnyPrior& p, const ThetaArray& theta) {
             return ForEachTheta(
                 p, theta, [&p](const auto& row) { return p.Energy(row); });
           })
      .def("log_density", [](const AnyPrior& p, const ThetaArray& theta) {
        return ForEachTheta(
            p, theta, [&p](const auto& row) { return p.LogDensity(row); });
      });
}

void BindPriors(py::module_* module) {
  BindAnyPrior<SmoothnessPrior>(module, "Prior")
      .def(py::init([](const Space& space, double length_scale, double speed,
                       double gradient) {
        return std::const_pointer_cast<SmoothnessPrior>(
            MakePrior(space, length_scale, speed, gradient));
      }))
      .def("covariance",
           [](const SmoothnessPrior& p) {
             return ArrayOf(RowMajorMatrix(p.covariance()));
           })
      .def("precision", [](const SmoothnessPrior& p) {
        return ArrayOf(RowMajorMatrix(p.precision()));
      });
  BindAnyPrior<SparsePrior>(module, "SparsePrior")
      .def(py::init([](const Space& space, double length_scale, double speed,
                       double gradient) {
        const py::gil_scoped_release release;
        return std::const_pointer_cast<SparsePrior>(ValueOrThrow(
            space.CreateSparsePrior({length_scale, speed, gradient})));
      }));
}

void BindFit(py::module_* module) {
  py::class_<FitBatch, std::shared_ptr<FitBatch>>(*module, "FitBatch")
      .def("theta", &FitBatch::Theta)
      .def("residual",
           [](const FitBatch& f) { return f.Each(&FitResult::residual); })
      .def("cost", [](const FitBatch& f) { return f.Each(&FitResult::cost); })
      .def("tension",
           [](const FitBatch& f) { return f.Each(&FitResult::tension); })
      .def("max_gradient",
           [](const FitBatch& f) { return f.Each(&FitResult::max_gradient); })
      .def("iterations",
           [](const FitBatch& f) { return f.Each(&FitResult::iterations); })
      .def("converged",
           [](const FitBatch& f) { return f.Each(&FitResult::converged); })
      .def("pullback", &FitBatch::Pullback);
  py::class_<Fitter, std::shared_ptr<Fitter>>(*module, "Fitter")
      .def(
          py::init([](const Space& space, double tension, double noise,
                      double length_scale, double speed, double gradient,
                      int max_iterations, double tolerance, double trust_region,
                      double max_gradient, int num_stages) {
            return std::const_pointer_cast<Fitter>(
                MakeFitter(space, tension, noise, length_scale, speed, gradient,
                           max_iterations, tolerance, trust_region,
                           max_gradient, num_stages));
          }),
          py::arg("space"), py::kw_only(), py::arg("tension"), py::arg("noise"),
          py::arg("length_scale"), py::arg("speed"), py::arg("gradient"),
          py::arg("max_iterations"), py::arg("tolerance"),
          py::arg("trust_region"), py::arg("max_gradient"),
          py::arg("num_stages"))
      .def("fit", [](std::shared_ptr<Fitter> fitter, const py::array& from,
                     const py::array& to, const ThetaArray& weights) {
        return Fit(std::move(fitter), from, to, weights);
      });
}

// A [nz, ny, nx] array.
SampledVolume VolumeOf(const char* name, const py::array& array) {
  RequireShape(name, array, {-1, -1, -1});
  if ((array.flags() & py::array::c_style) == 0) {
    throw py::value_error(absl::StrCat(name, " is not contiguous"));
  }
  const float* const values = DataOf<float>(name, array);
  return {{array.shape(2), array.shape(1), array.shape(0)},
          std::vector<float>(values, values + array.size())};
}

py::tuple RegisterVolumeArrays(
    const py::array& moving, const py::array& fixed,
    const std::vector<int>& boxes, bool zero_boundary, bool volume_preserving,
    bool sparse_basis, int num_stages, bool local_correlation,
    int window_radius, int largest_side, double noise, double length_scale,
    double speed, double gradient, int max_iterations, double tolerance) {
  using Similarity = VolumeRegistrationOptions::Similarity;
  VolumeRegistrationOptions options;
  options.similarity = local_correlation ? Similarity::kLocalCorrelation
                                         : Similarity::kSquaredDifferences;
  options.window_radius = window_radius;
  options.boxes = boxes;
  options.zero_boundary = zero_boundary;
  options.volume_preserving = volume_preserving;
  options.sparse_basis = sparse_basis;
  options.num_stages = num_stages;
  options.largest_side = largest_side;
  options.noise = noise;
  options.prior = {length_scale, speed, gradient};
  options.max_iterations = max_iterations;
  options.tolerance = tolerance;
  const SampledVolume from = VolumeOf("moving", moving);
  const SampledVolume to = VolumeOf("fixed", fixed);
  absl::StatusOr<VolumeRegistrationResult> registered;
  {
    const py::gil_scoped_release release;
    registered = RegisterVolumes(from, to, options, SharedThreads());
  }
  const VolumeRegistrationResult result = ValueOrThrow(std::move(registered));
  return py::make_tuple(ArrayOf(RowMajorMatrix(result.thetas.transpose())),
                        result.mismatch_before, result.mismatch_after,
                        result.iterations, result.converged,
                        result.folded_share, result.least_jacobian);
}

void BindRegistration(py::module_* module) {
  module->def("register_volumes", &RegisterVolumeArrays, py::arg("moving"),
              py::arg("fixed"), py::kw_only(), py::arg("boxes"),
              py::arg("zero_boundary"), py::arg("volume_preserving"),
              py::arg("sparse_basis"), py::arg("num_stages"),
              py::arg("local_correlation"), py::arg("window_radius"),
              py::arg("largest_side"), py::arg("noise"),
              py::arg("length_scale"), py::arg("speed"), py::arg("gradient"),
              py::arg("max_iterations"), py::arg("tolerance"));
}

PYBIND11_MODULE(_core, module) {
  module.doc() = "CPAB transforms on NumPy arrays; private to pycpab.";
  BindSpace(&module);
  BindPriors(&module);
  BindFit(&module);
  BindRegistration(&module);
  module.def("interpolate", &InterpolateArrays);
  module.def("interpolate_pullback", &InterpolatePullbackArrays);
  module.def("num_threads", &NumThreads);
  module.def("set_num_threads", [](int num_threads) {
    if (num_threads < 1 || num_threads > 1024) {
      throw py::value_error(absl::StrCat("the number of threads is ",
                                         num_threads, "; use 1 to 1024"));
    }
    SetNumThreads(num_threads);
  });
}

}  // namespace
}  // namespace cpab::python
