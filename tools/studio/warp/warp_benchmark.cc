// Time of one answer of the Warp page's engine: fit, picture, facts and grid.
//
//   tools/bazelw run -c opt //tools/studio/warp:warp_benchmark
//
// A drag is a series of requests that differ in one point, so inputs rotate
// over 16 positions of it. Counters: milliseconds of the fit and of the pixels
// alone. BM_NewCells makes basis and fitter anew, as the first request after a
// change of cells does.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "cpab/testing/draws.h"
#include "nlohmann/json.hpp"
#include "tools/studio/warp/warp_engine.h"

namespace studio {
namespace {

using nlohmann::json;

constexpr int kPositions = 16;

std::shared_ptr<const RgbaImage> Picture(int size) {
  auto picture = std::make_shared<RgbaImage>();
  picture->width = picture->height = size;
  for (int n = 0; n < 4 * size * size; ++n) {
    picture->pixels.push_back(
        n % 4 == 3 ? 255 : static_cast<uint8_t>(n * 2654435761U >> 24));
  }
  return picture;
}

// Points that moved a little; the first one goes around in a circle.
std::vector<json> Drag(int count, json request) {
  const Eigen::Matrix2Xd from = cpab::test_util::DrawPoints(count, 0.2, 0.8, 1);
  const Eigen::Matrix2Xd to =
      from + cpab::test_util::DrawPoints(count, -0.03, 0.03, 2);
  json points = json::array();
  for (int k = 0; k < count; ++k) {
    points.push_back(
        {{"from", {from(0, k), from(1, k)}}, {"to", {to(0, k), to(1, k)}}});
  }
  std::vector<json> requests;
  for (int i = 0; i < kPositions; ++i) {
    const double angle = 2 * M_PI * i / kPositions;
    points[0]["to"] = {from(0, 0) + 0.1 * std::cos(angle),
                       from(1, 0) + 0.1 * std::sin(angle)};
    request["points"] = points;
    requests.push_back(request);
  }
  return requests;
}

json Facts(const std::string& bytes) {
  const auto byte = [&](int i) { return static_cast<uint8_t>(bytes[i]); };
  return json::parse(
      bytes.substr(4, byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24));
}

void Run(benchmark::State& state, const std::vector<json>& requests, int size) {
  WarpEngine engine;
  const std::shared_ptr<const RgbaImage> picture = Picture(size);
  std::vector<std::string> answers;
  for (const json& request : requests) {
    answers.push_back(engine.Warp(request, picture).value());
  }
  size_t i = 0;
  for (auto _ : state) {
    answers[i % requests.size()] =
        engine.Warp(requests[i % requests.size()], picture).value();
    ++i;
  }
  double fit = 0, warp = 0;
  for (const std::string& answer : answers) {
    const json milliseconds = Facts(answer)["milliseconds"];
    fit += milliseconds["fit"].get<double>();
    warp += milliseconds["warp"].get<double>();
  }
  state.counters["fit_ms"] = fit / static_cast<double>(answers.size());
  state.counters["warp_ms"] = warp / static_cast<double>(answers.size());
}

void BM_Cpab(benchmark::State& state) {
  const auto cells = state.range(0), points = state.range(1),
             size = state.range(2);
  Run(state,
      Drag(static_cast<int>(points), {{"cells", {cells, cells}},
                                      {"size", size},
                                      {"overlays", {"grid", "velocity"}}}),
      static_cast<int>(size));
}
BENCHMARK(BM_Cpab)
    ->ArgNames({"cells", "points", "size"})
    ->Args({4, 5, 256})
    ->Args({4, 64, 256})
    ->Args({8, 5, 256})
    ->Args({12, 16, 256})
    ->Args({4, 5, 512})
    ->Args({4, 5, 1024})
    ->Unit(benchmark::kMillisecond);

void BM_Det(benchmark::State& state) {
  Run(state, Drag(5, {{"view", "det"}}), 256);
}
BENCHMARK(BM_Det)->Unit(benchmark::kMillisecond);

void BM_ThinPlate(benchmark::State& state) {
  Run(state,
      Drag(static_cast<int>(state.range(0)),
           {{"model", "thin_plate"}, {"overlays", {"grid"}}}),
      256);
}
BENCHMARK(BM_ThinPlate)
    ->ArgName("points")
    ->Arg(5)
    ->Arg(64)
    ->Unit(benchmark::kMillisecond);

void BM_Affine(benchmark::State& state) {
  Run(state, Drag(5, {{"model", "affine"}, {"overlays", {"grid"}}}), 256);
}
BENCHMARK(BM_Affine)->Unit(benchmark::kMillisecond);

void BM_NewCells(benchmark::State& state) {
  const auto cells = state.range(0);
  const std::shared_ptr<const RgbaImage> picture = Picture(32);
  const json request = Drag(5, {{"cells", {cells, cells}}, {"size", 32}})[0];
  for (auto _ : state) {
    WarpEngine engine;
    benchmark::DoNotOptimize(engine.Warp(request, picture).value());
  }
}
BENCHMARK(BM_NewCells)
    ->ArgName("cells")
    ->Arg(4)
    ->Arg(8)
    ->Arg(12)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace studio
