// Cholesky factors of sparse matrices whose unknowns lie in space, by nested
// dissection: for the precisions of three dimensions, whose factors hold far
// more numbers than the matrices and take almost all of their time.
//
// A plane across the longest extent of the unknowns' places splits them in two
// halves; those of one half that the matrix couples to the other are the
// separator, which is eliminated after both. So are the halves, again and
// again, and unknowns that nothing couples are apart from the start. Each
// separator is one dense front, to which its halves add their Schur complements
// (the multifrontal method), so that the work is that of products of dense
// matrices. With V vertices of a cube a factor has O(V^(4/3)) numbers and takes
// O(V^2) operations.
//
// Private to //cpab.
// Source: [Dissection], [Multifrontal].
#ifndef CPAB_FIELD_NESTED_CHOLESKY_H_
#define CPAB_FIELD_NESTED_CHOLESKY_H_

#include <vector>

#include "Eigen/Core"
#include "cpab/field/null_space.h"

namespace cpab {

// A = P^T L L^T P, P the order of elimination. Immutable; safe to use from many
// threads.
class NestedCholesky {
 public:
  // matrix: A, [n, n], positive definite, both triangles stored: all results
  // are NaN if it is not. places: [D, n]: where each unknown lies. They decide
  // on the order of elimination, and so on memory and time, but not on A^-1.
  NestedCholesky(const SparseMatrix& matrix, const Eigen::MatrixXd& places);

  Eigen::Index size() const { return static_cast<Eigen::Index>(order_.size()); }
  // Numbers stored.
  Eigen::Index num_stored() const;

  // A^-1 b for each column of b, [n, m].
  Eigen::MatrixXd Solve(const Eigen::Ref<const Eigen::MatrixXd>& b) const;
  // P^T L^-T white: of covariance A^-1 if that of `white` is the identity.
  Eigen::VectorXd Colour(const Eigen::Ref<const Eigen::VectorXd>& white) const;
  // The diagonal of L at each unknown: log det A = 2 sum log.
  Eigen::VectorXd Diagonal() const;

 private:
  // Some unknowns that follow each other in the order of elimination, and the
  // later ones that the factor couples them to.
  struct Front {
    Eigen::Index begin = 0;            // The first of them, in that order.
    std::vector<int> later;            // In that order, ascending.
    std::vector<Eigen::Index> halves;  // Fronts that come before it.
    Eigen::MatrixXd own;               // L of them, lower triangular.
    Eigen::MatrixXd beyond;            // L of `later` and them.
  };
  class Dissection;

  void FindLater(const SparseMatrix& matrix, Front* front) const;
  // Factorises a front, to which its halves have added `schur`, one for each
  // front, which are freed.
  void Factorise(const SparseMatrix& matrix, Front* front,
                 std::vector<Eigen::MatrixXd>* schur,
                 Eigen::MatrixXd* complement) const;
  void SolveBack(Eigen::MatrixXd* ordered) const;

  std::vector<int> order_;     // The unknowns in the order of elimination.
  std::vector<int> position_;  // Where each is in it.
  std::vector<Front> fronts_;  // Each after its halves.
};

}  // namespace cpab

#endif  // CPAB_FIELD_NESTED_CHOLESKY_H_
