// A table over steps that grows without end, in bounded memory.
#ifndef TOOLS_STUDIO_RUNS_THINNED_TABLE_H_
#define TOOLS_STUDIO_RUNS_THINNED_TABLE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"

namespace studio {

// Rows are put together in points of `stride()` rows, of which each column's
// mean, smallest and largest value are kept. When there would be more than
// `max_points`, neighbours are merged and the stride doubles. The points depend
// on the rows alone, and not on when they were added.
class ThinnedTable {
 public:
  // `max_points` is even.
  ThinnedTable(int num_columns, int max_points);

  // A row of num_columns values, which may be NaN or infinite; those count for
  // nothing. False, and nothing added, if `step` is not above the last one.
  bool Add(int64_t step, const std::vector<double>& values);

  int64_t stride() const { return stride_; }
  int64_t last_step() const { return last_step_; }  // -1: no row

  // [[step, mean, low, high], ...] of a column: points whose last step, which
  // stands first, is above `since`. A point without a finite value is left out.
  nlohmann::json Points(int column, int64_t since) const;

 private:
  struct Sum {
    double total = 0;
    double low = 0, high = 0;
    int64_t count = 0;

    void Add(double value);
    void Add(const Sum& other);
  };
  struct Point {
    int64_t last_step = 0;
    int64_t rows = 0;
    std::vector<Sum> sums;  // of each column
  };

  void MergeNeighbours();

  const int num_columns_;
  const int max_points_;
  int64_t stride_ = 1;
  int64_t last_step_ = -1;
  std::vector<Point> points_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_RUNS_THINNED_TABLE_H_
