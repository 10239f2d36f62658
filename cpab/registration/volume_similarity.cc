#include "cpab/registration/volume_similarity.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace cpab {
namespace {

constexpr double kVarianceFloor = 1e-3;
// Volumes without any contrast have this one.
constexpr double kLeastFloor = 1e-12;

Eigen::VectorXd ValuesOf(const SampledVolume& volume) {
  return Eigen::Map<const Eigen::VectorXf>(
             volume.values.data(),
             static_cast<Eigen::Index>(volume.values.size()))
      .cast<double>();
}

double FloorOf(const Eigen::VectorXd& values) {
  const double mean = values.mean();
  return std::max(kLeastFloor,
                  kVarianceFloor * (values.array() - mean).square().mean());
}

class SquaredDifferencesOf : public VolumeSimilarity {
 public:
  explicit SquaredDifferencesOf(const SampledVolume& fixed)
      : fixed_(ValuesOf(fixed)) {}

  double Mismatch(const Eigen::VectorXd& moving) const override {
    return (moving - fixed_).squaredNorm() / static_cast<double>(fixed_.size());
  }

  Derivatives Differentiate(const Eigen::VectorXd& moving) const override {
    return {2 * (moving - fixed_), Eigen::VectorXd::Constant(fixed_.size(), 2)};
  }

 private:
  Eigen::VectorXd fixed_;
};

// Sums over windows of `radius` voxels to each side, cut off at the border.
class WindowSums {
 public:
  WindowSums(const std::array<int64_t, 3>& size, int radius)
      : size_(size), radius_(radius) {
    counts_ = (*this)(Eigen::VectorXd::Ones(size[0] * size[1] * size[2]));
  }

  const Eigen::VectorXd& counts() const { return counts_; }

  Eigen::VectorXd operator()(Eigen::VectorXd values) const {
    int64_t stride = 1;
    for (int a = 0; a < 3; ++a) {
      SumAlong(size_[a], stride, &values);
      stride *= size_[a];
    }
    return values;
  }

  Eigen::VectorXd Means(const Eigen::VectorXd& values) const {
    return (*this)(values).cwiseQuotient(counts_);
  }

 private:
  void SumAlong(int64_t count, int64_t stride, Eigen::VectorXd* values) const {
    std::vector<double> before(count + 1, 0.0);  // Sums of all before.
    const int64_t lines = values->size() / count;
    for (int64_t line = 0; line < lines; ++line) {
      double* const first =
          values->data() + line % stride + line / stride * stride * count;
      for (int64_t n = 0; n < count; ++n) {
        before[n + 1] = before[n] + first[n * stride];
      }
      for (int64_t n = 0; n < count; ++n) {
        first[n * stride] = before[std::min(count, n + radius_ + 1)] -
                            before[std::max<int64_t>(0, n - radius_)];
      }
    }
  }

  std::array<int64_t, 3> size_;
  int64_t radius_;
  Eigen::VectorXd counts_;
};

class LocalCorrelationOf : public VolumeSimilarity {
 public:
  LocalCorrelationOf(const SampledVolume& moving, const SampledVolume& fixed,
                     int radius)
      : fixed_(ValuesOf(fixed)),
        windows_(fixed.size, radius),
        mean_fixed_(windows_.Means(fixed_)),
        variance_fixed_(
            (windows_.Means(fixed_.cwiseAbs2()) - mean_fixed_.cwiseAbs2())
                .cwiseMax(0)),
        floor_fixed_(FloorOf(fixed_)),
        floor_moving_(FloorOf(ValuesOf(moving))) {}

  double Mismatch(const Eigen::VectorXd& moving) const override {
    return Unexplained(Regress(moving)).mean();
  }

  // sum over windows x of w(x) sum over y in x of (f - a m - b)^2, with
  // w = 1 / (n (var f + e_f)).
  Derivatives Differentiate(const Eigen::VectorXd& moving) const override {
    const Regression r = Regress(moving);
    const Eigen::VectorXd w =
        (windows_.counts().array() * (variance_fixed_.array() + floor_fixed_))
            .inverse();
    const Eigen::VectorXd aw = r.slope.cwiseProduct(w);
    const Eigen::VectorXd aaw = r.slope.cwiseProduct(aw);
    const Eigen::VectorXd offset = mean_fixed_ - r.slope.cwiseProduct(r.mean);
    const Eigen::VectorXd sum_aaw = windows_(aaw);
    Derivatives result;
    result.gradient =
        -2 * (fixed_.cwiseProduct(windows_(aw)) - moving.cwiseProduct(sum_aaw) -
              windows_(offset.cwiseProduct(aw)));
    result.curvature = 2 * sum_aaw;
    return result;
  }

 private:
  // Of the fixed on the moving volume, in every window.
  struct Regression {
    Eigen::VectorXd mean;        // Of m.
    Eigen::VectorXd covariance;  // Of f and m.
    Eigen::VectorXd slope;       // a
  };

  Regression Regress(const Eigen::VectorXd& moving) const {
    Regression r;
    r.mean = windows_.Means(moving);
    r.covariance = windows_.Means(moving.cwiseProduct(fixed_)) -
                   r.mean.cwiseProduct(mean_fixed_);
    const Eigen::VectorXd variance =
        (windows_.Means(moving.cwiseAbs2()) - r.mean.cwiseAbs2()).cwiseMax(0);
    r.slope = r.covariance.array() / (variance.array() + floor_moving_);
    return r;
  }

  Eigen::ArrayXd Unexplained(const Regression& r) const {
    return (variance_fixed_ - r.covariance.cwiseProduct(r.slope)).array() /
           (variance_fixed_.array() + floor_fixed_);
  }

  Eigen::VectorXd fixed_;
  WindowSums windows_;
  Eigen::VectorXd mean_fixed_, variance_fixed_;
  double floor_fixed_, floor_moving_;
};

}  // namespace

std::unique_ptr<VolumeSimilarity> SquaredDifferences(
    const SampledVolume& fixed) {
  return std::make_unique<SquaredDifferencesOf>(fixed);
}

std::unique_ptr<VolumeSimilarity> LocalCorrelation(const SampledVolume& moving,
                                                   const SampledVolume& fixed,
                                                   int radius) {
  return std::make_unique<LocalCorrelationOf>(moving, fixed, radius);
}

}  // namespace cpab
