#include "cpab/fit/dual_system.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "cpab/flow/pack.h"

namespace cpab {
namespace {

constexpr int kSize = Pack::kSize;

// D C D^T as D (D C)^T: both products are of D, whose rows are sparse.
struct Gram {
  const VertexJacobian& jacobian;
  const RowMajorMatrix& covariance;
  RowMajorMatrix transposed;  // (D C)^T
  RowMajorMatrix gram;

  // Columns of C that are worked on together.
  static constexpr int kPacks = 2;
  static constexpr int kTile = kPacks * kSize;

  // Where the tiles with vertices that paths pass begin. The last may overlap
  // the one before: even the least grid has ten columns.
  std::vector<int64_t> PassedTiles() const {
    std::vector<bool> is_passed((covariance.cols() + kTile - 1) / kTile);
    for (int k = 0; k < jacobian.num_points(); ++k) {
      for (const PointSensitivity::Block& block : jacobian.point(k).blocks) {
        is_passed[2 * block.vertex / kTile] = true;
      }
    }
    std::vector<int64_t> tiles;
    for (size_t i = 0; i < is_passed.size(); ++i) {
      if (!is_passed[i]) continue;
      tiles.push_back(std::min<int64_t>(kTile * i, covariance.cols() - kTile));
    }
    return tiles;
  }

  // Rows 2 k (x) and 2 k + 1 (y) of D m, kCount packs of columns from j on.
  template <int kCount>
  CPAB_INLINE void RowsTimes(int k, const RowMajorMatrix& m, int64_t j, Pack* x,
                             Pack* y) const {
    for (int p = 0; p < kCount; ++p) x[p] = y[p] = 0;
    for (const PointSensitivity::Block& block : jacobian.point(k).blocks) {
      const double* const row = &m(2 * block.vertex, j);
      const double* const d = block.dy_du.data();  // By columns.
      for (int p = 0; p < kCount; ++p) {
        const Pack first = Load(row + kSize * p);
        const Pack second = Load(row + m.cols() + kSize * p);
        x[p] = x[p] + d[0] * first + d[2] * second;
        y[p] = y[p] + d[1] * first + d[3] * second;
      }
    }
  }

  CPAB_INLINE void Run() {
    const std::vector<int64_t> tiles = PassedTiles();
    Pack x[kPacks], y[kPacks];
    // Tile by tile, so that its columns of C stay in the nearest cache.
    for (const int64_t j : tiles) {
      for (int k = 0; k < jacobian.num_points(); ++k) {
        RowsTimes<kPacks>(k, covariance, j, x, y);
        for (int i = 0; i < kTile; ++i) {
          transposed(j + i, 2 * k) = x[i / kSize][i % kSize];
          transposed(j + i, 2 * k + 1) = y[i / kSize][i % kSize];
        }
      }
    }
    for (int k = 0; k < jacobian.num_points(); ++k) {
      for (int64_t j = 2 * k / kSize * kSize; j < gram.cols(); j += kSize) {
        RowsTimes<1>(k, transposed, j, x, y);
        Store(x[0], &gram(2 * k, j));
        Store(y[0], &gram(2 * k + 1, j));
      }
    }
  }
};

// Cholesky's factorisation of gram + diag(diagonal), four rows at a time.
struct Cholesky {
  const RowMajorMatrix& gram;
  const Eigen::VectorXd& diagonal;
  RowMajorMatrix& factor;

  // Rows i to i + 3 of `gram`, kPacks packs of columns from j on, less what the
  // rows above have of them.
  template <int kPacks>
  CPAB_INLINE void SubtractRowsAbove(int64_t i, int64_t j) {
    Pack rest[kSize][kPacks];
    for (int r = 0; r < kSize; ++r) {
      for (int p = 0; p < kPacks; ++p) {
        rest[r][p] = Load(&gram(i + r, j + kSize * p));
      }
    }
    for (int64_t k = 0; k < i; ++k) {
      const double* const row = &factor(k, 0);
      for (int p = 0; p < kPacks; ++p) {
        const Pack above = Load(row + j + kSize * p);
        for (int r = 0; r < kSize; ++r) {
          rest[r][p] = rest[r][p] - row[i + r] * above;
        }
      }
    }
    for (int r = 0; r < kSize; ++r) {
      for (int p = 0; p < kPacks; ++p) {
        Store(rest[r][p], &factor(i + r, j + kSize * p));
      }
    }
  }

  // The same among the four rows, and their division by the pivots' roots.
  CPAB_INLINE void FinishRows(int64_t i) {
    for (int64_t r = i; r < i + kSize; ++r) {
      const double pivot = factor(r, r) + diagonal[r];
      // Below this, rounding is all that is left of an equation that depends on
      // those above. Its unknown becomes 0.
      const double least = factor.rows() *
                           std::numeric_limits<double>::epsilon() *
                           (gram(r, r) + diagonal[r]);
      const double inverse = pivot < least ? 0 : 1 / std::sqrt(pivot);
      for (int64_t j = i; j < factor.cols(); j += kSize) {
        const Pack row = inverse * Load(&factor(r, j));
        Store(row, &factor(r, j));
        for (int64_t s = r + 1; s < i + kSize; ++s) {
          Store(Load(&factor(s, j)) - factor(r, s) * row, &factor(s, j));
        }
      }
      factor(r, r) = inverse;
    }
  }

  CPAB_INLINE void Run() {
    for (int64_t i = 0; i < factor.rows(); i += kSize) {
      int64_t j = i;
      for (; j + 2 * kSize <= factor.cols(); j += 2 * kSize) {
        SubtractRowsAbove<2>(i, j);
      }
      if (j < factor.cols()) SubtractRowsAbove<1>(i, j);
      FinishRows(i);
    }
  }
};

}  // namespace

DualSystem::DualSystem(const VertexJacobian& jacobian,
                       const RowMajorMatrix& covariance) {
  const int used = 2 * jacobian.num_points();
  const int size = (used + kSize - 1) / kSize * kSize;
  Gram work{jacobian, covariance, RowMajorMatrix(covariance.rows(), size),
            RowMajorMatrix(size, size)};
  work.transposed.rightCols(size - used).setZero();
  work.gram.bottomRows(size - used).setZero();
  RunVectorised(&work);
  gram_ = std::move(work.gram);
}

void DualSystem::Factor(const Eigen::RowVectorXd& compliance) {
  Eigen::VectorXd diagonal = Eigen::VectorXd::Ones(gram_.rows());
  diagonal.head(2 * compliance.size()) =
      compliance.replicate<2, 1>().reshaped();
  factor_.resize(gram_.rows(), gram_.cols());
  Cholesky work{gram_, diagonal, factor_};
  RunVectorised(&work);
}

void DualSystem::SolveInPlace(Eigen::Ref<Eigen::VectorXd> b) const {
  const Eigen::Index size = b.size();
  const auto right_of_diagonal = [&](Eigen::Index i) {
    return factor_.row(i).segment(i + 1, size - i - 1).transpose();
  };
  for (Eigen::Index i = 0; i < size; ++i) {
    b[i] *= factor_(i, i);
    b.tail(size - i - 1) -= b[i] * right_of_diagonal(i);
  }
  for (Eigen::Index i = size; i-- > 0;) {
    b[i] -= right_of_diagonal(i).dot(b.tail(size - i - 1));
    b[i] *= factor_(i, i);
  }
}

}  // namespace cpab
