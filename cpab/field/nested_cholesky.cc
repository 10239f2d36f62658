#include "cpab/field/nested_cholesky.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "Eigen/Cholesky"

namespace cpab {
namespace {

// Fewer unknowns than these are one front.
constexpr size_t kSmallest = 64;

// The sets of unknowns that the matrix couples, directly or through others.
std::vector<std::vector<int>> ConnectedParts(const SparseMatrix& matrix) {
  std::vector<std::vector<int>> parts;
  std::vector<bool> seen(matrix.cols(), false);
  for (int start = 0; start < matrix.cols(); ++start) {
    if (seen[start]) continue;
    seen[start] = true;
    std::vector<int> part = {start};
    for (size_t next = 0; next < part.size(); ++next) {
      for (SparseMatrix::InnerIterator it(matrix, part[next]); it; ++it) {
        const int other = static_cast<int>(it.row());
        if (seen[other]) continue;
        seen[other] = true;
        part.push_back(other);
      }
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

// Finds the order of elimination and the tree of fronts.
class NestedCholesky::Dissection {
 public:
  Dissection(const SparseMatrix& matrix, const Eigen::MatrixXd& places,
             NestedCholesky* result)
      : matrix_(matrix),
        places_(places),
        side_(matrix.cols(), 0),
        result_(*result) {}

  void Run() {
    for (std::vector<int>& part : ConnectedParts(matrix_)) {
      Dissect(std::move(part));
    }
  }

 private:
  // Returns the index of the last front of these.
  Eigen::Index Dissect(std::vector<int> unknowns) {
    Front front;
    if (unknowns.size() > kSmallest) {
      auto [left, right] = Split(unknowns);
      if (!left.empty() && !right.empty()) {
        unknowns = Separator(left, &right);
        front.halves.push_back(Dissect(std::move(left)));
        if (!right.empty()) front.halves.push_back(Dissect(std::move(right)));
      }
    }
    front.begin = static_cast<Eigen::Index>(result_.order_.size());
    const auto count = static_cast<Eigen::Index>(unknowns.size());
    front.own.resize(count, count);
    result_.order_.insert(result_.order_.end(), unknowns.begin(),
                          unknowns.end());
    result_.fronts_.push_back(std::move(front));
    return static_cast<Eigen::Index>(result_.fronts_.size()) - 1;
  }

  using Halves = std::pair<std::vector<int>, std::vector<int>>;

  // By the median coordinate along the longest extent. Unknowns that all lie in
  // one place leave the second half empty.
  Halves Split(const std::vector<int>& unknowns) const {
    const Eigen::MatrixXd places = places_(Eigen::all, unknowns);
    Eigen::Index axis;
    (places.rowwise().maxCoeff() - places.rowwise().minCoeff()).maxCoeff(&axis);
    std::vector<double> coordinates(unknowns.size());
    for (size_t i = 0; i < unknowns.size(); ++i) {
      coordinates[i] = places(axis, static_cast<Eigen::Index>(i));
    }
    const auto middle = coordinates.begin() +
                        static_cast<std::ptrdiff_t>(coordinates.size() / 2);
    std::nth_element(coordinates.begin(), middle, coordinates.end());
    const bool middle_is_left =
        *middle == *std::min_element(coordinates.begin(), coordinates.end());
    Halves halves;
    for (const int unknown : unknowns) {
      const double coordinate = places_(axis, unknown);
      const bool left =
          coordinate < *middle || (middle_is_left && coordinate == *middle);
      (left ? halves.first : halves.second).push_back(unknown);
    }
    return halves;
  }

  // Moves those of `right` that are coupled to `left` out of it.
  std::vector<int> Separator(const std::vector<int>& left,
                             std::vector<int>* right) {
    for (const int unknown : left) side_[unknown] = 1;
    std::vector<int> separator, rest;
    for (const int unknown : *right) {
      bool touches = false;
      for (SparseMatrix::InnerIterator it(matrix_, unknown); it; ++it) {
        touches = touches || side_[it.row()] == 1;
      }
      (touches ? separator : rest).push_back(unknown);
    }
    for (const int unknown : left) side_[unknown] = 0;
    *right = std::move(rest);
    return separator;
  }

  const SparseMatrix& matrix_;
  const Eigen::MatrixXd& places_;
  std::vector<char> side_;
  NestedCholesky& result_;
};

NestedCholesky::NestedCholesky(const SparseMatrix& matrix,
                               const Eigen::MatrixXd& places) {
  order_.reserve(matrix.cols());
  Dissection(matrix, places, this).Run();
  position_.resize(order_.size());
  for (size_t i = 0; i < order_.size(); ++i) {
    position_[order_[i]] = static_cast<int>(i);
  }
  std::vector<Eigen::MatrixXd> schur(fronts_.size());
  for (size_t i = 0; i < fronts_.size(); ++i) {
    FindLater(matrix, &fronts_[i]);
    Factorise(matrix, &fronts_[i], &schur, &schur[i]);
  }
}

void NestedCholesky::FindLater(const SparseMatrix& matrix, Front* front) const {
  const Eigen::Index end = front->begin + front->own.cols();
  std::vector<int>& later = front->later;
  for (Eigen::Index i = front->begin; i < end; ++i) {
    for (SparseMatrix::InnerIterator it(matrix, order_[i]); it; ++it) {
      if (position_[it.row()] >= end) later.push_back(position_[it.row()]);
    }
  }
  for (const Eigen::Index half : front->halves) {
    for (const int position : fronts_[half].later) {
      if (position >= end) later.push_back(position);
    }
  }
  std::sort(later.begin(), later.end());
  later.erase(std::unique(later.begin(), later.end()), later.end());
}

void NestedCholesky::Factorise(const SparseMatrix& matrix, Front* front,
                               std::vector<Eigen::MatrixXd>* schur,
                               Eigen::MatrixXd* complement) const {
  const Eigen::Index own = front->own.cols();
  const auto later = static_cast<Eigen::Index>(front->later.size());
  const auto local = [&](int position) {
    if (position < front->begin + own) return position - front->begin;
    return own + (std::lower_bound(front->later.begin(), front->later.end(),
                                   position) -
                  front->later.begin());
  };
  // The lower triangle of all.
  Eigen::MatrixXd all = Eigen::MatrixXd::Zero(own + later, own + later);
  for (Eigen::Index i = 0; i < own; ++i) {
    for (SparseMatrix::InnerIterator it(matrix, order_[front->begin + i]); it;
         ++it) {
      const int position = position_[it.row()];
      if (position >= front->begin + i) all(local(position), i) += it.value();
    }
  }
  for (const Eigen::Index half : front->halves) {
    const std::vector<int>& coupled = fronts_[half].later;
    std::vector<Eigen::Index> to;
    for (const int position : coupled) to.push_back(local(position));
    Eigen::MatrixXd& added = (*schur)[half];
    for (size_t q = 0; q < to.size(); ++q) {
      for (size_t p = q; p < to.size(); ++p) {
        all(to[p], to[q]) +=
            added(static_cast<Eigen::Index>(p), static_cast<Eigen::Index>(q));
      }
    }
    added.resize(0, 0);
  }
  const Eigen::LLT<Eigen::MatrixXd> factor(all.topLeftCorner(own, own));
  front->own = factor.matrixL();
  if (factor.info() != Eigen::Success) {
    front->own.setConstant(std::numeric_limits<double>::quiet_NaN());
  }
  front->beyond = all.bottomLeftCorner(later, own);
  *complement = all.bottomRightCorner(later, later);
  if (front->beyond.size() == 0) return;  // Eigen looks at its first element.
  front->own.triangularView<Eigen::Lower>()
      .transpose()
      .solveInPlace<Eigen::OnTheRight>(front->beyond);
  complement->selfadjointView<Eigen::Lower>().rankUpdate(front->beyond, -1);
}

Eigen::Index NestedCholesky::num_stored() const {
  Eigen::Index count = 0;
  for (const Front& front : fronts_) {
    count += front.own.size() + front.beyond.size();
  }
  return count;
}

// L^-T, in the order of elimination.
void NestedCholesky::SolveBack(Eigen::MatrixXd* ordered) const {
  for (auto front = fronts_.rbegin(); front != fronts_.rend(); ++front) {
    auto own = ordered->middleRows(front->begin, front->own.cols());
    own -= front->beyond.transpose() * (*ordered)(front->later, Eigen::all);
    front->own.triangularView<Eigen::Lower>().transpose().solveInPlace(own);
  }
}

Eigen::MatrixXd NestedCholesky::Solve(
    const Eigen::Ref<const Eigen::MatrixXd>& b) const {
  Eigen::MatrixXd ordered = b(order_, Eigen::all);
  for (const Front& front : fronts_) {
    auto own = ordered.middleRows(front.begin, front.own.cols());
    front.own.triangularView<Eigen::Lower>().solveInPlace(own);
    const Eigen::MatrixXd change = front.beyond * own;
    for (size_t i = 0; i < front.later.size(); ++i) {
      ordered.row(front.later[i]) -= change.row(static_cast<Eigen::Index>(i));
    }
  }
  SolveBack(&ordered);
  return ordered(position_, Eigen::all);
}

Eigen::VectorXd NestedCholesky::Colour(
    const Eigen::Ref<const Eigen::VectorXd>& white) const {
  Eigen::MatrixXd ordered = white;
  SolveBack(&ordered);
  return ordered(position_, 0);
}

Eigen::VectorXd NestedCholesky::Diagonal() const {
  Eigen::VectorXd ordered(size());
  for (const Front& front : fronts_) {
    ordered.segment(front.begin, front.own.cols()) = front.own.diagonal();
  }
  return ordered(position_);
}

}  // namespace cpab
