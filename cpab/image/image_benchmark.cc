// Time of warping and registering images.
//
//   tools/bazelw run //cpab/image:image_benchmark
//
// ns_per_pixel is the figure to read for warps: that of flow_benchmark's
// Transform and of OpenCV's remap. Registration: a smooth picture onto itself
// warped, on 1, 2, 4 and so on cells along each axis, up to `cells`.
#include <cmath>

#include "benchmark/benchmark.h"
#include "cpab/field/parallel.h"
#include "cpab/flow/flow.h"
#include "cpab/image/image_registration.h"
#include "cpab/image/warp.h"
#include "cpab/testing/draws.h"
#include "opencv2/core.hpp"

namespace cpab {
namespace {

cv::Mat SmoothImage(int side) {
  cv::Mat image(side, side, CV_8UC3);
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      const double x = 12.0 * j / side, y = 12.0 * i / side;
      image.at<cv::Vec3b>(i, j) =
          cv::Vec3b(static_cast<uchar>(127 + 120 * std::sin(x + y)),
                    static_cast<uchar>(127 + 120 * std::cos(2 * y)),
                    static_cast<uchar>(127 + 120 * std::sin(x * x / 9)));
    }
  }
  return image;
}

Flow SomeFlow(double magnitude) {
  const auto basis = Basis::Create({4, 4, true, false}).value();
  return Flow(basis, test_util::DrawTheta(*basis, magnitude, 5));
}

void BM_Warp(benchmark::State& state) {
  const int side = static_cast<int>(state.range(0));
  const cv::Mat image = SmoothImage(side);
  const ParallelFor parallel_for = OnThreads(static_cast<int>(state.range(1)));
  WarpOptions options;
  if (state.range(2)) {
    options.interpolation = WarpOptions::Interpolation::kNearest;
  }
  const Flow flow = SomeFlow(0.5);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Warp(image, flow, options, parallel_for));
  }
  state.counters["ns_per_pixel"] = benchmark::Counter(
      1e-9 * side * side * static_cast<double>(state.iterations()),
      benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Warp)
    ->ArgNames({"side", "threads", "nearest"})
    ->ArgsProduct({{256, 1024}, {1, 2}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void BM_Register(benchmark::State& state) {
  RegistrationOptions options;
  options.largest_side = static_cast<int>(state.range(0));
  options.cells.clear();
  for (int cells = 1; cells <= state.range(1); cells *= 2) {
    options.cells.push_back(cells);
  }
  options.sparse_basis = state.range(2) != 0;
  const cv::Mat fixed = SmoothImage(options.largest_side);
  const cv::Mat moving = Warp(fixed, SomeFlow(0.5)).value();
  double after = 0, iterations = 0;
  for (auto _ : state) {
    const auto result = Register(moving, fixed, options);
    after = result->rms_after;
    iterations = result->iterations;
  }
  state.counters["rms_after"] = after;
  state.counters["iterations"] = iterations;
}
BENCHMARK(BM_Register)
    ->ArgNames({"side", "cells", "sparse"})
    ->ArgsProduct({{64, 128}, {8}, {0}})
    ->ArgsProduct({{128}, {16}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace cpab
