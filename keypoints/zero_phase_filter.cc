#include "keypoints/zero_phase_filter.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace keypoints {
namespace {

constexpr double kTwoPi = 6.283185307179586;
constexpr double kLeastPeriod = 1e-3;  // seconds
// Of the velocity that counts as speed: gestures and speech are slower, most of
// a detector's jitter at 25 frames a second is faster.
constexpr double kVelocityCutoff = 6;  // Hz
constexpr double kSpeedCutoff = 1;     // Hz, of the mean of its square

using Values = std::vector<double>;

// The frames' times as differences: D y has the second derivatives at all
// frames but the first and the last, W the seconds that each frame stands for.
class TimeGrid {
 public:
  explicit TimeGrid(const std::vector<double>& seconds) {
    for (size_t i = 1; i < seconds.size(); ++i) {
      periods_.push_back(std::max(seconds[i] - seconds[i - 1], kLeastPeriod));
    }
    const size_t n = seconds.size();
    for (size_t i = 0; i < n; ++i) {
      const double before = i > 0 ? periods_[i - 1] : 0;
      const double after = i + 1 < n ? periods_[i] : 0;
      weights_.push_back((before + after) / 2);
    }
    for (size_t i = 1; i + 1 < n; ++i) {
      const double before = 1 / (periods_[i - 1] * weights_[i]);
      const double after = 1 / (periods_[i] * weights_[i]);
      rows_.push_back({before, -before - after, after});
    }
  }

  size_t num_frames() const { return weights_.size(); }
  // The coefficients of D y at frame j + 1, of frames j, j + 1 and j + 2.
  const std::array<double, 3>& row(size_t j) const { return rows_[j]; }
  size_t num_rows() const { return rows_.size(); }
  double weight(size_t i) const { return weights_[i]; }

  // The derivative of `x` at frame i: of the parabola through its neighbours,
  // one-sided at the ends.
  double Derivative(const Values& x, size_t i) const {
    const auto slope = [&](size_t k) {
      return (x[k + 1] - x[k]) / periods_[k];
    };
    if (i == 0) return slope(0);
    if (i + 1 == x.size()) return slope(i - 1);
    const double before = periods_[i - 1], after = periods_[i];
    return (slope(i - 1) * after + slope(i) * before) / (before + after);
  }

 private:
  Values periods_, weights_;
  std::vector<std::array<double, 3>> rows_;
};

// The penalised least squares problem of the header for the cutoffs of one
// keypoint. With L the penalty's weights, y = x - W^-1 D' u, where
// (L^-1 + D W^-1 D') u = D x: what D does not see is never touched, and however
// low the cutoff, the equations stay well conditioned.
class Smoother {
 public:
  Smoother(const TimeGrid& grid, const Values& cutoffs) : grid_(grid) {
    const size_t n = grid.num_rows();
    pivots_.resize(n);
    first_.resize(n);
    second_.resize(n);
    for (size_t j = 0; j < n; ++j) Factorise(j, cutoffs[j + 1]);
  }

  Values Apply(const Values& x) const {
    Values u = Solve(SecondDifferences(x));
    Values y = x;
    for (size_t j = 0; j < u.size(); ++j) {
      for (size_t k = 0; k < 3; ++k) {
        y[j + k] -= grid_.row(j)[k] * u[j] / grid_.weight(j + k);
      }
    }
    return y;
  }

 private:
  // Entry (i, j) of D W^-1 D', j <= i <= j + 2.
  double Product(size_t i, size_t j) const {
    double sum = 0;
    for (size_t k = i - j; k < 3; ++k) {
      sum += grid_.row(j)[k] * grid_.row(i)[k - (i - j)] / grid_.weight(j + k);
    }
    return sum;
  }

  // Row j of the factors L D L': the unit lower triangle has first_ and second_
  // below its diagonal.
  void Factorise(size_t j, double cutoff) {
    const double penalty = std::pow(kTwoPi * cutoff, -4) * grid_.weight(j + 1);
    double pivot = 1 / penalty + Product(j, j);
    if (j >= 2) {
      second_[j] = Product(j, j - 2) / pivots_[j - 2];
      pivot -= second_[j] * second_[j] * pivots_[j - 2];
    }
    if (j >= 1) {
      const double before =
          j >= 2 ? second_[j] * first_[j - 1] * pivots_[j - 2] : 0;
      first_[j] = (Product(j, j - 1) - before) / pivots_[j - 1];
      pivot -= first_[j] * first_[j] * pivots_[j - 1];
    }
    pivots_[j] = pivot;
  }

  // The forward and the backward pass.
  Values Solve(Values u) const {
    const size_t n = u.size();
    for (size_t j = 1; j < n; ++j) {
      u[j] -= first_[j] * u[j - 1];
      if (j >= 2) u[j] -= second_[j] * u[j - 2];
    }
    for (size_t j = 0; j < n; ++j) u[j] /= pivots_[j];
    for (size_t j = n; j-- > 0;) {
      if (j + 1 < n) u[j] -= first_[j + 1] * u[j + 1];
      if (j + 2 < n) u[j] -= second_[j + 2] * u[j + 2];
    }
    return u;
  }

  Values SecondDifferences(const Values& x) const {
    Values differences(grid_.num_rows());
    for (size_t j = 0; j < differences.size(); ++j) {
      // By differences of neighbours, so that what is constant gives exactly 0.
      const std::array<double, 3>& row = grid_.row(j);
      differences[j] =
          row[0] * (x[j] - x[j + 1]) + row[2] * (x[j + 2] - x[j + 1]);
    }
    return differences;
  }

  const TimeGrid& grid_;
  Values pivots_, first_, second_;
};

Values Constant(const TimeGrid& grid, double cutoff) {
  return Values(grid.num_frames(), cutoff);
}

// The cutoff at each frame of a keypoint's track.
Values Cutoffs(const TimeGrid& grid, const std::array<Values, 2>& track,
               const ZeroPhaseOptions& options) {
  const size_t n = grid.num_frames();
  const Smoother slow(grid, Constant(grid, kVelocityCutoff));
  Values square(n, 0);
  for (const Values& coordinate : track) {
    const Values smooth = slow.Apply(coordinate);
    for (size_t i = 0; i < n; ++i) {
      const double velocity = grid.Derivative(smooth, i);
      square[i] += velocity * velocity;
    }
  }
  square = Smoother(grid, Constant(grid, kSpeedCutoff)).Apply(square);
  Values cutoffs;
  for (const double s : square) {
    // The filter overshoots a little below 0 beside a jump.
    cutoffs.push_back(options.min_cutoff +
                      options.speed_gain * std::sqrt(std::max(s, 0.0)));
  }
  return cutoffs;
}

}  // namespace

torch::Tensor SmoothZeroPhase(const torch::Tensor& tracks,
                              const std::vector<double>& seconds,
                              const ZeroPhaseOptions& options) {
  TORCH_CHECK(
      options.min_cutoff > 0 && options.speed_gain >= 0,
      "SmoothZeroPhase: the cutoff must be above 0, the gain 0 or more");
  const int64_t frames = tracks.size(0);
  TORCH_CHECK(static_cast<int64_t>(seconds.size()) == frames,
              "SmoothZeroPhase: ", seconds.size(), " times for ", frames,
              " frames");
  TORCH_CHECK(tracks.size(-1) == 2, "SmoothZeroPhase: no keypoints");
  if (frames < 3) return tracks;
  const TimeGrid grid(seconds);
  torch::Tensor result = tracks.detach()
                             .to(torch::kCPU, torch::kFloat64)
                             .reshape({frames, -1, 2})
                             .contiguous()
                             .clone();
  auto values = result.accessor<double, 3>();
  for (int64_t k = 0; k < result.size(1); ++k) {
    std::array<Values, 2> track;
    for (int64_t i = 0; i < frames; ++i) {
      for (int64_t c = 0; c < 2; ++c) track[c].push_back(values[i][k][c]);
    }
    const Smoother smoother(grid, Cutoffs(grid, track, options));
    for (int64_t c = 0; c < 2; ++c) {
      const Values smooth = smoother.Apply(track[c]);
      for (int64_t i = 0; i < frames; ++i) values[i][k][c] = smooth[i];
    }
  }
  return result.view(tracks.sizes()).to(tracks.options());
}

}  // namespace keypoints
