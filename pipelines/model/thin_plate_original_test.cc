// The predecessor's spline: its equations, its own numbers, and the guard where
// its matrix is singular. The laws of all motion models are in motion_test.cc.
#include "pipelines/model/thin_plate_original.h"

#include <torch/types.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "networks/sampling.h"
#include "networks/testing/fill.h"
#include "networks/testing/golden.h"
#include "networks/testing/tensor_near.h"
#include "pipelines/model/keypoints_test_util.h"

namespace pipelines {
namespace {

using networks::CoordinateGrid;
using networks::test_util::FillSigned;
using networks::test_util::Golden;
using networks::test_util::TensorNear;
using torch::Tensor;

constexpr double kRidge = 0.01;

Tensor Map(const Tensor& from, const Tensor& to) {
  return SolveThinPlateOriginal(from, to, kRidge)
      .Apply(Plane(1).to(from.scalar_type()).expand({from.size(0), -1, -1}));
}

// T(from_k) = to_k - ridge w_k, sum_k w_k = -ridge * (the constants) and
// sum_k w_k from_k = -ridge * (the linear part): the rows of the system.
TEST(ThinPlateOriginal, SolvesItsEquations) {
  const Tensor from = RandomKeypoints(6, 1), to = RandomKeypoints(6, 2);
  const ThinPlateOriginal spline = SolveThinPlateOriginal(from, to, kRidge);
  // Backward-stable LU of matrices of condition 1e3 and less.
  EXPECT_THAT(spline.Apply(from),
              TensorNear(to - kRidge * spline.weights, 1e-11));
  EXPECT_THAT(spline.weights.sum(1),
              TensorNear(-kRidge * spline.affine.select(2, 2), 1e-11));
  EXPECT_THAT(torch::matmul(spline.weights.transpose(1, 2), from),
              TensorNear(-kRidge * spline.affine.slice(2, 0, 2), 1e-11));
}

// The map is linear in `to`, and what it makes of equal keypoints is no
// identity: the predecessor's networks have learnt with that.
TEST(ThinPlateOriginal, IsNotTheIdentityForEqualKeypoints) {
  const Tensor from = RandomKeypoints(6, 3);
  const Tensor moved = Map(from, from);
  const Tensor off = (moved - Plane(1)).norm(2, -1).amax(1);
  EXPECT_GT(off.min().item<double>(), 0.01);
  EXPECT_THAT(Map(from, 2 * from), TensorNear(2 * moved, 1e-11));
}

// --- The predecessor's numbers, of its own float64 run.

Golden LoadGolden() {
  return *Golden::Load("pipelines/model/testdata/tps_transform.safetensors");
}

struct GoldenKind {
  Tensor from, to;  // [N, 5, 2]
  int64_t batch, sets;

  GoldenKind(const Golden& golden, const std::string& kind) {
    const Tensor driving = golden.tensor(kind + ".kp_driving");
    batch = driving.size(0);
    sets = driving.size(1);
    from = driving.view({-1, 5, 2});
    to = golden.tensor(kind + ".kp_source").view({-1, 5, 2});
  }
  // [N, ...] as golden data have it, [b, sets, ...].
  Tensor Grouped(const Tensor& x) const {
    std::vector<int64_t> sizes = {batch, sets};
    for (int64_t i = 1; i < x.dim(); ++i) sizes.push_back(x.size(i));
    return x.reshape(sizes);
  }
  Tensor Grid(const ThinPlateOriginal& spline, int64_t height, int64_t width,
              torch::Dtype dtype) const {
    const Tensor grid = CoordinateGrid(height, width, dtype);
    return spline.Apply(grid.view({1, -1, 2}).expand({from.size(0), -1, -1}))
        .view({batch, sets, height, width, 2});
  }
};

std::vector<std::string> Kinds() {
  return absl::StrSplit(
      "identity small medium translation scale rotation affine crossing "
      "contradictory collinear coincident cluster near_singular outside random",
      ' ');
}

class ThinPlateOriginalGolden : public testing::TestWithParam<std::string> {
 protected:
  std::string Name(const std::string& name) const {
    return absl::StrCat(GetParam(), ".", name);
  }
  const Golden golden_ = LoadGolden();
  const GoldenKind kind_{golden_, GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Kinds, ThinPlateOriginalGolden,
                         testing::ValuesIn(Kinds()),
                         [](const auto& info) { return info.param; });

// Theirs multiplies by an explicit inverse. Two float64 programs differ by
// 1e-16 times the condition, at most 2.4e5 here, and some rounding errors.
constexpr double kFloat64Tol = 1e-9;

TEST_P(ThinPlateOriginalGolden, InFloat64) {
  const ThinPlateOriginal spline = SolveThinPlateOriginal(
      kind_.from.to(torch::kFloat64), kind_.to.to(torch::kFloat64), kRidge);
  EXPECT_TRUE(golden_.Matches(Name("theta_f64"), kind_.Grouped(spline.affine),
                              kFloat64Tol));
  EXPECT_TRUE(golden_.Matches(Name("control_params_f64"),
                              kind_.Grouped(spline.weights), kFloat64Tol));
  for (const auto& [height, width] :
       {std::pair(16, 16), std::pair(64, 64), std::pair(24, 40)}) {
    const std::string name =
        Name(absl::StrCat("grid_", height, "x", width, "_f64"));
    if (!golden_.has(name + ".slice")) continue;
    EXPECT_TRUE(golden_.Matches(
        name, kind_.Grid(spline, height, width, torch::kFloat64), kFloat64Tol));
  }
}

// Float32 keypoints and points cost one rounding of the result.
TEST_P(ThinPlateOriginalGolden, InFloat32) {
  const ThinPlateOriginal spline =
      SolveThinPlateOriginal(kind_.from, kind_.to, kRidge);
  const Tensor grid = kind_.Grid(spline, 64, 64, torch::kFloat32);
  EXPECT_EQ(grid.scalar_type(), torch::kFloat32);
  EXPECT_TRUE(
      golden_.Matches(Name("grid_64x64_f64"), grid.to(torch::kFloat64), 1e-6));
}

// Of sum(grid_16x16 * cotangent). A gradient has the condition squared.
TEST_P(ThinPlateOriginalGolden, Gradients) {
  const Tensor from = kind_.from.to(torch::kFloat64).requires_grad_();
  const Tensor to = kind_.to.to(torch::kFloat64).requires_grad_();
  const Tensor grid = kind_.Grid(SolveThinPlateOriginal(from, to, kRidge), 16,
                                 16, torch::kFloat64);
  (grid * FillSigned(absl::StrCat("cot/tps_", GetParam()), grid.sizes()))
      .sum()
      .backward();
  EXPECT_TRUE(golden_.Matches(Name("grad_kp_driving_f64"),
                              kind_.Grouped(from.grad()), 1e-6));
  EXPECT_TRUE(golden_.Matches(Name("grad_kp_source_f64"),
                              kind_.Grouped(to.grad()), 1e-6));
}

// --- Where the matrix is singular.

// Keypoints of the shape of the golden kind near_singular, at its `item`,
// scaled by s around their centre.
Tensor Scaled(const Tensor& keypoints, double s) {
  const Tensor centre = keypoints.mean(1, /*keepdim=*/true);
  return centre + s * (keypoints - centre);
}

// The determinant of the system with these keypoints [1, 5, 2].
double Determinant(const Tensor& p) {
  const auto kernel = [](const Tensor& s) { return s * torch::log(s + 1e-9); };
  Tensor system = kRidge * torch::eye(8, torch::kFloat64);
  const Tensor rows =
      torch::cat({p[0], torch::ones({5, 1}, torch::kFloat64)}, 1);
  system.slice(0, 0, 5).slice(1, 0, 5) +=
      kernel((p[0].unsqueeze(1) - p[0].unsqueeze(0)).square().sum(-1));
  system.slice(0, 0, 5).slice(1, 5) += rows;
  system.slice(0, 5).slice(1, 0, 5) += rows.t();
  return torch::linalg_det(system).item<double>();
}

// Between two sizes at which the determinant has different signs there is one
// at which the matrix is singular; bisection ends within a rounding of it.
Tensor SingularKeypoints() {
  const Tensor shape =
      LoadGolden().tensor("near_singular.kp_driving")[0][0].unsqueeze(0).to(
          torch::kFloat64);
  double low = 0.9, high = 1.1;
  EXPECT_LT(Determinant(Scaled(shape, low)) * Determinant(Scaled(shape, high)),
            0);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    const bool below =
        Determinant(Scaled(shape, low)) * Determinant(Scaled(shape, middle)) >
        0;
    (below ? low : high) = middle;
  }
  return Scaled(shape, low);
}

TEST(ThinPlateOriginal, IsFiniteWhereItsMatrixIsSingular) {
  const Tensor singular = SingularKeypoints();
  // A few last digits around it, too: any of them may be the worst.
  for (int i = -8; i <= 8; ++i) {
    Tensor from = Scaled(singular, 1 + i * 1e-16).requires_grad_();
    Tensor to = (from + 0.1 * torch::sin(40 * from)).detach().requires_grad_();
    const Tensor moved = Map(from, to);
    EXPECT_TRUE(moved.isfinite().all().item<bool>()) << i;
    EXPECT_TRUE(Map(from.to(torch::kFloat32), to.to(torch::kFloat32))
                    .isfinite()
                    .all()
                    .item<bool>());
    moved.square().sum().backward();
    EXPECT_TRUE(from.grad().isfinite().all().item<bool>()) << i;
    EXPECT_TRUE(to.grad().isfinite().all().item<bool>()) << i;
  }
}

// Without the ridge, keypoints in one place make equal rows.
TEST(ThinPlateOriginal, IsFiniteForAZeroPivot) {
  const Tensor from = torch::zeros({1, 5, 2}, torch::kFloat64);
  const ThinPlateOriginal spline =
      SolveThinPlateOriginal(from, from + 0.3, /*ridge=*/0);
  // Five equations w = .. that say the same: the least of all solutions has no
  // weights, and the constant carries the points.
  EXPECT_THAT(spline.Apply(from), TensorNear(from + 0.3, 1e-6));
  EXPECT_THAT(spline.weights, TensorNear(torch::zeros_like(from), 1e-6));
}

TEST(ThinPlateOriginal, IsFiniteForKeypointsOfAnySize) {
  for (const double size : {0., 1e-30, 1e-6, 1e-3, 1., 1e3, 1e6}) {
    const Tensor from = (size * RandomKeypoints(50, 4)).to(torch::kFloat32);
    const Tensor to = (size * RandomKeypoints(50, 5)).to(torch::kFloat32);
    EXPECT_TRUE(Map(from, to).isfinite().all().item<bool>()) << size;
  }
}

// The guard does not touch other problems of the batch, nor this one until the
// last digits: 1e-9 beside the singular size the equations still hold.
TEST(ThinPlateOriginal, KeepsItsEquationsBesideTheSingularMatrix) {
  const Tensor singular = SingularKeypoints();
  const Tensor from = Scaled(singular, 1 + 1e-9);
  const Tensor to = from + 0.1 * torch::sin(40 * from);
  const ThinPlateOriginal spline = SolveThinPlateOriginal(from, to, kRidge);
  const double weight = spline.weights.abs().max().item<double>();
  EXPECT_GT(weight, 1e5);
  // LU leaves a residual of some roundings of the largest unknown.
  EXPECT_THAT(spline.Apply(from),
              TensorNear(to - kRidge * spline.weights, 1e-13 * weight));
  const Tensor good = RandomKeypoints(1, 6);
  const Tensor both =
      Map(torch::cat({singular, good}), torch::cat({singular, good + 0.1}));
  EXPECT_TRUE(torch::equal(both[1], Map(good, good + 0.1)[0]));
}

TEST(ThinPlateOriginal, GivesNanForKeypointsThatAreNotFinite) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(),
                             std::numeric_limits<double>::infinity()}) {
    Tensor from = RandomKeypoints(2, 7);
    from[0][2][1] = value;
    const Tensor moved = Map(from, RandomKeypoints(2, 8));
    EXPECT_TRUE(moved[0].isnan().all().item<bool>());
    EXPECT_TRUE(moved[1].isfinite().all().item<bool>());
  }
}

}  // namespace
}  // namespace pipelines
