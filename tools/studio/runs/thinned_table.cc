#include "tools/studio/runs/thinned_table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"

namespace studio {
namespace {

// With six digits, which JSON then writes without the digits of rounding.
double Short(double value) {
  double rounded = value;
  return absl::SimpleAtod(absl::StrFormat("%.6g", value), &rounded) ? rounded
                                                                    : value;
}

}  // namespace

void ThinnedTable::Sum::Add(double value) {
  if (!std::isfinite(value)) return;
  low = count == 0 ? value : std::min(low, value);
  high = count == 0 ? value : std::max(high, value);
  total += value;
  ++count;
}

void ThinnedTable::Sum::Add(const Sum& other) {
  if (other.count == 0) return;
  low = count == 0 ? other.low : std::min(low, other.low);
  high = count == 0 ? other.high : std::max(high, other.high);
  total += other.total;
  count += other.count;
}

ThinnedTable::ThinnedTable(int num_columns, int max_points)
    : num_columns_(num_columns), max_points_(max_points) {}

bool ThinnedTable::Add(int64_t step, const std::vector<double>& values) {
  if (step <= last_step_) return false;
  last_step_ = step;
  if (points_.empty() || points_.back().rows == stride_) {
    if (static_cast<int>(points_.size()) == max_points_) MergeNeighbours();
    points_.push_back(
        {step, 0, std::vector<Sum>(static_cast<size_t>(num_columns_))});
  }
  Point& point = points_.back();
  point.last_step = step;
  ++point.rows;
  for (int column = 0; column < num_columns_; ++column) {
    point.sums[column].Add(values[column]);
  }
  return true;
}

void ThinnedTable::MergeNeighbours() {
  for (size_t i = 0; i < points_.size(); i += 2) {
    Point merged = std::move(points_[i]);
    const Point& next = points_[i + 1];
    merged.last_step = next.last_step;
    merged.rows += next.rows;
    for (int column = 0; column < num_columns_; ++column) {
      merged.sums[column].Add(next.sums[column]);
    }
    points_[i / 2] = std::move(merged);
  }
  points_.resize(points_.size() / 2);
  stride_ *= 2;
}

nlohmann::json ThinnedTable::Points(int column, int64_t since) const {
  nlohmann::json points = nlohmann::json::array();
  const auto first = std::partition_point(
      points_.begin(), points_.end(),
      [since](const Point& point) { return point.last_step <= since; });
  for (auto point = first; point != points_.end(); ++point) {
    const Sum& sum = point->sums[column];
    if (sum.count == 0) continue;
    // The total of large values is infinite, which JSON cannot say.
    const double mean = std::clamp(sum.total / static_cast<double>(sum.count),
                                   sum.low, sum.high);
    points.push_back(
        {point->last_step, Short(mean), Short(sum.low), Short(sum.high)});
  }
  return points;
}

}  // namespace studio
