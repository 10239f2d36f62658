#include "cpab/volume/first_crossing.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cpab {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

constexpr double kHalfEpsilon = std::numeric_limits<double>::epsilon() / 2;

// Intervals are halved down to rounding, no further.
constexpr int kMaxDepth = 52;

// b_i: the k-th forward difference of b at 0 is a_k / binom(n, k), so the
// coefficients are summed up from those.
Eigen::VectorXd Bernstein(const Eigen::Ref<const Eigen::VectorXd>& powers) {
  const Eigen::Index n = powers.size() - 1;
  Eigen::VectorXd b = powers;
  double binomial = 1;
  for (Eigen::Index k = 1; k <= n; ++k) {
    binomial *= static_cast<double>(n - k + 1) / static_cast<double>(k);
    b[k] /= binomial;
  }
  for (Eigen::Index k = n; k >= 1; --k) {
    for (Eigen::Index i = k; i <= n; ++i) b[i] += b[i - 1];
  }
  return b;
}

// De Casteljau: leaves the right half in `b`, returns the left one.
Eigen::VectorXd SplitInHalf(Eigen::VectorXd* b) {
  const Eigen::Index n = b->size() - 1;
  Eigen::VectorXd left(n + 1);
  for (Eigen::Index k = 0; k <= n; ++k) {
    left[k] = (*b)[0];
    for (Eigen::Index i = 0; i < n - k; ++i) {
      (*b)[i] = 0.5 * ((*b)[i] + (*b)[i + 1]);
    }
  }
  return left;
}

int SignChanges(const Eigen::VectorXd& b) {
  int changes = 0;
  for (Eigen::Index i = 1; i < b.size(); ++i) {
    changes += (b[i] < 0) != (b[i - 1] < 0);
  }
  return changes;
}

// Newton's iteration, kept between times of opposite sign; the polynomial is
// positive at `low`, negative at `high`, with one zero between them. Ends where
// the value is no more than its rounding.
double SolveBracketed(const Eigen::Ref<const Eigen::VectorXd>& powers,
                      double low, double high) {
  const double rounding = powers.cwiseAbs().sum() * kHalfEpsilon;
  double u = 0.5 * (low + high);
  for (;;) {
    double value = 0, slope = 0;
    for (Eigen::Index k = powers.size() - 1; k >= 0; --k) {
      slope = slope * u + value;
      value = value * u + powers[k];
    }
    if (std::abs(value) <= rounding) return u;
    (value >= 0 ? low : high) = u;
    double next = u - value / slope;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (next <= low || next >= high || next == u) return high;
    u = next;
  }
}

struct Search {
  const Eigen::Ref<const Eigen::VectorXd>& powers;

  // In [low, high], on which the polynomial has coefficients b.
  double First(Eigen::VectorXd b, double low, double high, int depth) const {
    if (b[0] < 0) return low;
    const int changes = SignChanges(b);
    if (changes == 0) return kNone;
    if (changes == 1) return SolveBracketed(powers, low, high);
    if (depth == kMaxDepth) return kNone;
    const Eigen::VectorXd left = SplitInHalf(&b);
    const double middle = 0.5 * (low + high);
    const double first = First(left, low, middle, depth + 1);
    return first <= middle ? first : First(b, middle, high, depth + 1);
  }
};

// Whether p stays above 0 by the least that its terms can add up to: most of
// the faces of a cell are too far to be reached.
bool StaysPositive(const Eigen::Ref<const Eigen::VectorXd>& powers) {
  return powers[0] + powers.tail(powers.size() - 1).cwiseMin(0).sum() > 0;
}

// Whether p falls all the way, by the most that its slope can add up to.
bool Falls(const Eigen::Ref<const Eigen::VectorXd>& powers) {
  double steepest = powers.size() > 1 ? powers[1] : 0;
  for (Eigen::Index k = 2; k < powers.size(); ++k) {
    steepest += static_cast<double>(k) * std::max(powers[k], 0.0);
  }
  return steepest < 0;
}

}  // namespace

double FirstCrossing(const Eigen::Ref<const Eigen::VectorXd>& coefficients) {
  if (StaysPositive(coefficients)) return kNone;
  if (coefficients[0] >= 0 && Falls(coefficients)) {
    return coefficients.sum() < 0 ? SolveBracketed(coefficients, 0, 1) : kNone;
  }
  return Search{coefficients}.First(Bernstein(coefficients), 0, 1, 0);
}

}  // namespace cpab
