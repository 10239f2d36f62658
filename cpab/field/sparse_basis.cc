#include "cpab/field/sparse_basis.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace cpab {
namespace {

using SparseRow = std::map<int, double>;

// Weights are of order one: what is left of less is rounding.
constexpr double kNothing = 1e-9;
// A pivot has at least this share of an equation's largest weight.
constexpr double kLeastPivot = 0.1;

void AddMultiple(double factor, const SparseRow& row, SparseRow* to) {
  for (const auto& [unknown, weight] : row) {
    const auto [entry, is_new] = to->try_emplace(unknown, 0.0);
    entry->second += factor * weight;
    if (std::abs(entry->second) < kNothing) to->erase(entry);
  }
}

// Unknowns in terms of others, which are free.
class Elimination {
 public:
  void Add(const Equation& equation) {
    SparseRow row;
    for (const auto& [unknown, weight] : equation) {
      const auto known = solved_.find(unknown);
      if (known == solved_.end()) {
        AddMultiple(weight, {{unknown, 1.0}}, &row);
      } else {
        AddMultiple(weight, known->second, &row);
      }
    }
    if (!row.empty()) Solve(std::move(row));
  }

  SparseMatrix FreeBasis(Eigen::Index unknowns) const {
    std::vector<Eigen::Triplet<double>> triplets;
    std::vector<int> column(unknowns, -1);
    int count = 0;
    for (int unknown = 0; unknown < unknowns; ++unknown) {
      if (solved_.count(unknown) > 0) continue;
      column[unknown] = count;
      triplets.emplace_back(unknown, count++, 1.0);
    }
    for (const auto& [unknown, row] : solved_) {
      for (const auto& [other, weight] : row) {
        triplets.emplace_back(unknown, column[other], weight);
      }
    }
    SparseMatrix matrix(unknowns, count);
    matrix.setFromTriplets(triplets.begin(), triplets.end());
    return matrix;
  }

 private:
  // row = 0, solved for its last unknown whose weight is large enough.
  void Solve(SparseRow row) {
    double largest = 0;
    for (const auto& [unknown, weight] : row) {
      largest = std::max(largest, std::abs(weight));
    }
    auto pivot = std::prev(row.end());
    while (std::abs(pivot->second) < kLeastPivot * largest) --pivot;
    const int unknown = pivot->first;
    const double weight = pivot->second;
    row.erase(pivot);
    for (auto& [other, value] : row) value /= -weight;
    // Out of what was solved before.
    for (const int user : users_[unknown]) {
      SparseRow& other = solved_[user];
      const auto entry = other.find(unknown);
      if (entry == other.end()) continue;
      const double factor = entry->second;
      other.erase(entry);
      AddMultiple(factor, row, &other);
      for (const auto& [used, value] : row) users_[used].insert(user);
    }
    users_.erase(unknown);
    for (const auto& [used, value] : row) users_[used].insert(unknown);
    solved_[unknown] = std::move(row);
  }

  std::map<int, SparseRow> solved_;
  std::map<int, std::set<int>> users_;  // Of each free unknown, or more.
};

}  // namespace

SparseMatrix SparseSolutions(const std::vector<Equation>& equations,
                             Eigen::Index unknowns) {
  Elimination elimination;
  for (const Equation& equation : equations) elimination.Add(equation);
  return elimination.FreeBasis(unknowns);
}

SparseBasis::SparseBasis(const SparseMatrix& z, const SparseMatrix& gram)
    : z_(z) {
  if (z_.cols() > 0) gram_.compute(z_.transpose() * gram * z_);
}

Eigen::Index SparseBasis::num_stored() const {
  if (z_.cols() == 0) return 0;
  return z_.nonZeros() + gram_.matrixL().nestedExpression().nonZeros();
}

Eigen::VectorXd SparseBasis::FreeFromTheta(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  const Eigen::VectorXd z = gram_.matrixU().solve(theta);
  return gram_.permutationPinv() * z;
}

Eigen::VectorXd SparseBasis::ThetaFromFree(
    const Eigen::Ref<const Eigen::VectorXd>& z) const {
  const Eigen::VectorXd ordered = gram_.permutationP() * z;
  return gram_.matrixU() * ordered;
}

Eigen::MatrixXd SparseBasis::ThetasFromFree(
    const Eigen::Ref<const Eigen::MatrixXd>& z) const {
  const Eigen::MatrixXd ordered = gram_.permutationP() * z;
  return gram_.matrixU() * ordered;
}

Eigen::MatrixXd SparseBasis::FreeDualFromTheta(
    const Eigen::Ref<const Eigen::MatrixXd>& dual) const {
  const Eigen::MatrixXd ordered = gram_.matrixL() * dual;
  return gram_.permutationPinv() * ordered;
}

Eigen::MatrixXd SparseBasis::ThetaDualFromFree(
    const Eigen::Ref<const Eigen::MatrixXd>& dual) const {
  const Eigen::MatrixXd ordered = gram_.permutationP() * dual;
  return gram_.matrixL().solve(ordered);
}

Eigen::VectorXd SparseBasis::Times(
    const Eigen::Ref<const Eigen::VectorXd>& theta) const {
  return z_ * FreeFromTheta(theta);
}

Eigen::VectorXd SparseBasis::TransposeTimes(
    const Eigen::Ref<const Eigen::VectorXd>& dual) const {
  const Eigen::VectorXd z = z_.transpose() * dual;
  const Eigen::VectorXd ordered = gram_.permutationP() * z;
  return gram_.matrixL().solve(ordered);
}

double SparseBasis::LogDeterminant() const {
  return 2 * SparseMatrix(gram_.matrixL()).diagonal().array().log().sum();
}

}  // namespace cpab
