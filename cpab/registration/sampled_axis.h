// Where the samples of an image or a volume lie along one axis, after its
// reduction by averaging.
//
// 0 and 1 are the centres of the first and the last sample before the
// reduction. Of `full` samples, each of the `count` that are left is the mean
// of s = full / count, so that their centres begin (s - 1) / 2 samples after 0
// and end as far before 1. Were the first and last of them taken for 0 and 1,
// displacements would come out (full - 1) / (full - s) times too long.
//
// Private to //cpab.
#ifndef CPAB_REGISTRATION_SAMPLED_AXIS_H_
#define CPAB_REGISTRATION_SAMPLED_AXIS_H_

#include <cmath>
#include <cstdint>

namespace cpab {

class SampledAxis {
 public:
  // full: at least 2, and at least `count`.
  SampledAxis(int64_t full, int64_t count)
      : last_(static_cast<double>(full - 1)),
        mean_of_(static_cast<double>(full) / static_cast<double>(count)) {}

  // The centre of a sample.
  double Coordinate(int64_t index) const {
    return (static_cast<double>(index) * mean_of_ + (mean_of_ - 1) / 2) / last_;
  }
  // The inverse, between the samples. A centre has its index to the bit, so
  // that equal images differ nowhere.
  double Index(double coordinate) const {
    const double index = (coordinate * last_ - (mean_of_ - 1) / 2) / mean_of_;
    const double nearest = std::round(index);
    return std::abs(index - nearest) < 1e-14 * last_ ? nearest : index;
  }
  // Its slope: samples per unit.
  double Density() const { return last_ / mean_of_; }

 private:
  double last_;
  double mean_of_;  // s
};

}  // namespace cpab

#endif  // CPAB_REGISTRATION_SAMPLED_AXIS_H_
