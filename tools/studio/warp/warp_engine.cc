#include "tools/studio/warp/warp_engine.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include "Eigen/Core"
#include "cpab/field/basis.h"
#include "cpab/fit/fit.h"
#include "pipelines/base/stopwatch.h"
#include "third_party/absl/status_macros.h"
#include "tools/arrival.h"
#include "tools/studio/warp/det_colours.h"
#include "tools/studio/warp/point_map.h"
#include "tools/studio/warp/recent_values.h"
#include "tools/studio/warp/resample.h"
#include "tools/studio/warp/warp_maps.h"
#include "tools/studio/warp/warp_request.h"

namespace studio {
namespace {

using nlohmann::json;
using pipelines::Stopwatch;

// Fitters of 12x12 cells take 12 MB each, pictures of 1024x1024 pixels 4 MB.
constexpr size_t kNumFitters = 4;
constexpr size_t kNumPictures = 4;

constexpr int kGridLines = 16;     // intervals along an axis
constexpr int kGridPoints = 32;    // intervals of a line
constexpr int kVelocities = 16;    // samples along an axis
constexpr int kDeterminants = 33;  // samples along an axis
constexpr int kBandRows = 16;      // rows of pixels that are made at once

double Milliseconds(const Stopwatch& stopwatch) {
  return 1000 * stopwatch.Seconds();
}

// To 1/100000 of a side: what is drawn needs no more, and JSON stays short.
double Rounded(double value) { return std::round(value * 1e5) / 1e5; }

// JSON has no number for what is not finite.
json NumberOrNull(double value) {
  return std::isfinite(value) ? json(value) : json();
}

// Points n / last along an axis.
Eigen::Matrix2Xd Lattice(int columns, int rows) {
  Eigen::Matrix2Xd points(2, Eigen::Index{columns} * rows);
  for (int n = 0; n < points.cols(); ++n) {
    points(0, n) = static_cast<double>(n % columns) / (columns - 1);
    points(1, n) = static_cast<double>(n / columns) / (rows - 1);
  }
  return points;
}

// The images of straight lines: first those along x, then those along y.
json GridLines(const PointMap& forward) {
  Eigen::Matrix2Xd points = Lattice(kGridPoints + 1, kGridLines + 1);
  json lines = json::array();
  for (int axis = 0; axis < 2; ++axis) {
    const Eigen::Matrix2Xd moved = forward.Apply(points);
    for (int line = 0; line <= kGridLines; ++line) {
      json& coordinates = lines.emplace_back(json::array());
      for (int n = 0; n <= kGridPoints; ++n) {
        const auto point = moved.col(line * (kGridPoints + 1) + n);
        coordinates.push_back(NumberOrNull(Rounded(point.x())));
        coordinates.push_back(NumberOrNull(Rounded(point.y())));
      }
    }
    points.row(0).swap(points.row(1));
  }
  return lines;
}

json Velocities(const WarpMaps& maps) {
  json samples = json::array();
  if (!maps.field) return samples;
  const Eigen::Matrix2Xd points = Lattice(kVelocities + 1, kVelocities + 1);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    const Eigen::Vector2d x = points.col(n), v = (*maps.field)(x);
    samples.push_back({x.x(), x.y(), Rounded(v.x()), Rounded(v.y())});
  }
  return samples;
}

json Sources(const WarpMaps& maps, const Eigen::Matrix2Xd& places) {
  json sources = json::array();
  const Eigen::Matrix2Xd points = maps.backward->Apply(places);
  for (Eigen::Index n = 0; n < points.cols(); ++n) {
    sources.push_back({NumberOrNull(points(0, n)), NumberOrNull(points(1, n))});
  }
  return sources;
}

// The numbers, from 0, of points that T does not take to `to`.
json Missed(const WarpRequest& request, const WarpMaps& maps,
            const RgbaImage& picture) {
  json missed = json::array();
  if (request.points.from.cols() == 0) return missed;
  const bool is_inverse = request.view == WarpView::kInverse;
  const PointMap& map = is_inverse ? *maps.backward : *maps.forward;
  const Eigen::Matrix2Xd off =
      map.Apply(request.points.from) - request.points.to;
  const Eigen::Vector2d spans(picture.width - 1, picture.height - 1);
  for (int k = 0; k < off.cols(); ++k) {
    if (!tools::HasArrived(off.col(k).cwiseProduct(spans), spans)) {
      missed.push_back(k);
    }
  }
  return missed;
}

// The factors of areas at points of the result.
Eigen::VectorXd AreaFactors(const WarpMaps& maps,
                            const Eigen::Matrix2Xd& points) {
  return maps.backward->Determinants(points).cwiseInverse();
}

void AddDeterminants(const WarpMaps& maps, json* answer) {
  const Eigen::VectorXd factors =
      AreaFactors(maps, Lattice(kDeterminants, kDeterminants));
  double low = std::numeric_limits<double>::infinity(), high = -low;
  int folded = 0;
  for (const double factor : factors) {
    if (!(factor > 0) || !std::isfinite(factor)) {
      ++folded;
      continue;
    }
    low = std::min(low, factor);
    high = std::max(high, factor);
  }
  (*answer)["det"] = {{"min", NumberOrNull(low)}, {"max", NumberOrNull(high)}};
  (*answer)["folded"] =
      static_cast<double>(folded) / static_cast<double>(factors.size());
}

// Pixels of the result, band by band.
class Renderer {
 public:
  Renderer(const WarpMaps& maps, const RgbaImage& picture)
      : maps_(maps), picture_(picture) {}

  void Render(WarpView view, uint8_t* pixels) const {
    for (int begin = 0; begin < picture_.height; begin += kBandRows) {
      const int end = std::min(begin + kBandRows, picture_.height);
      const Eigen::Matrix2Xd places = Places(begin, end);
      if (view == WarpView::kDet) {
        WriteDetColours(AreaFactors(maps_, ToUnits(places)), pixels);
      } else {
        const Eigen::Matrix2Xd x = ToUnits(places);
        // By displacements: a pixel that does not move is met exactly.
        const Eigen::Matrix2Xd moved = maps_.backward->Apply(x) - x;
        SampleAt(picture_, places + ToPixels(moved), pixels);
      }
      pixels += 4 * places.cols();
    }
  }

 private:
  Eigen::Matrix2Xd Places(int begin, int end) const {
    Eigen::Matrix2Xd places(2, Eigen::Index{end - begin} * picture_.width);
    Eigen::Index n = 0;
    for (int y = begin; y < end; ++y) {
      for (int x = 0; x < picture_.width; ++x) places.col(n++) << x, y;
    }
    return places;
  }

  Eigen::Matrix2Xd ToUnits(const Eigen::Matrix2Xd& places) const {
    return Spans().cwiseInverse().asDiagonal() * places;
  }
  Eigen::Matrix2Xd ToPixels(const Eigen::Matrix2Xd& units) const {
    return Spans().asDiagonal() * units;
  }
  // Of one pixel 1, so that it is at 0.
  Eigen::Vector2d Spans() const {
    return {std::max(picture_.width - 1, 1), std::max(picture_.height - 1, 1)};
  }

  const WarpMaps& maps_;
  const RgbaImage& picture_;
};

// uint32 length, JSON, and room for the pixels.
std::string AnswerBytes(const json& answer, size_t num_pixel_bytes) {
  const std::string text = answer.dump();
  std::string bytes;
  bytes.reserve(sizeof(uint32_t) + text.size() + num_pixel_bytes);
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<char>(text.size() >> shift & 0xff));
  }
  bytes += text;
  return bytes;
}

// What determines a fitter.
using FitterKey =
    std::tuple<int, int, bool, bool, double, double, double, double>;

FitterKey KeyOf(const WarpRequest& request) {
  const cpab::TessellationOptions& cells = request.tessellation;
  const cpab::FitOptions& fit = request.fit;
  return {cells.nx,
          cells.ny,
          cells.zero_boundary,
          cells.volume_preserving,
          fit.tension,
          fit.prior.length_scale,
          fit.prior.speed,
          fit.prior.gradient};
}

absl::StatusOr<std::shared_ptr<const cpab::KeypointFitter>> MakeFitter(
    const WarpRequest& request) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const cpab::Basis> basis,
                   cpab::Basis::Create(request.tessellation));
  ASSIGN_OR_RETURN(cpab::KeypointFitter fitter,
                   cpab::KeypointFitter::Create(basis, request.fit));
  return std::make_shared<const cpab::KeypointFitter>(std::move(fitter));
}

}  // namespace

// Pictures are known by their address, so the cache keeps them alive.
class WarpEngine::Caches {
 public:
  absl::StatusOr<std::shared_ptr<const cpab::KeypointFitter>> Fitter(
      const WarpRequest& request) {
    if (request.model != WarpModel::kCpab) return nullptr;
    return fitters_.Get(KeyOf(request), [&] { return MakeFitter(request); });
  }

  absl::StatusOr<std::shared_ptr<const RgbaImage>> Scaled(
      const std::shared_ptr<const RgbaImage>& picture, int size) {
    return pictures_.Get({picture, size}, [&] {
      return std::make_shared<const RgbaImage>(ScaledTo(*picture, size));
    });
  }

 private:
  using PictureKey = std::pair<std::shared_ptr<const RgbaImage>, int>;

  RecentValues<FitterKey, cpab::KeypointFitter> fitters_{kNumFitters};
  RecentValues<PictureKey, RgbaImage> pictures_{kNumPictures};
};

WarpEngine::WarpEngine() : caches_(std::make_unique<Caches>()) {}
WarpEngine::~WarpEngine() = default;

absl::StatusOr<std::string> WarpEngine::Warp(
    const json& request_json, std::shared_ptr<const RgbaImage> picture) {
  const Stopwatch total;
  ASSIGN_OR_RETURN(const WarpRequest request, ParseWarpRequest(request_json));
  ASSIGN_OR_RETURN(const std::shared_ptr<const cpab::KeypointFitter> fitter,
                   caches_->Fitter(request));
  ASSIGN_OR_RETURN(const std::shared_ptr<const RgbaImage> scaled,
                   caches_->Scaled(picture, request.size));

  const Stopwatch fit;
  const WarpMaps maps = FitMaps(request, fitter.get());
  json answer = {
      {"width", scaled->width},
      {"height", scaled->height},
      {"theta", std::vector<double>(maps.theta.begin(), maps.theta.end())},
      {"residual", NumberOrNull(maps.residual)},
      {"missed", Missed(request, maps, *scaled)},
      {"iterations", maps.iterations},
      {"max_gradient", maps.max_gradient}};
  json milliseconds = {{"fit", Milliseconds(fit)}};

  const Stopwatch warp;
  std::string pixels(scaled->pixels.size(), '\0');
  Renderer(maps, *scaled)
      .Render(request.view, reinterpret_cast<uint8_t*>(pixels.data()));
  milliseconds["warp"] = Milliseconds(warp);

  AddDeterminants(maps, &answer);
  if (request.has_grid) answer["grid"] = GridLines(*maps.forward);
  if (request.has_velocity) answer["velocity"] = Velocities(maps);
  if (request.trace.cols() > 0)
    answer["sources"] = Sources(maps, request.trace);
  milliseconds["total"] = Milliseconds(total);
  answer["milliseconds"] = std::move(milliseconds);
  return AnswerBytes(answer, pixels.size()) + pixels;
}

}  // namespace studio
