#include "cpab/batch/basis_prior.h"

#include "Eigen/Core"
#include "absl/status/status.h"
#include "cpab/batch/flow_kind.h"
#include "cpab/field/finite_elements.h"
#include "third_party/absl/status_macros.h"

namespace cpab {
namespace {

absl::Status NotSparse() {
  return absl::InvalidArgumentError("the basis is not stored sparsely");
}

template <typename AnyBasis, typename Cells>
absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePriorOn(
    const AnyBasis& basis, const Cells& cells, const Eigen::MatrixXd& vertices,
    const PriorOptions& options) {
  if (!basis.is_sparse()) return NotSparse();
  return SparsePrior::Create(
      basis.sparse_vertex_basis(), vertices,
      MakeFiniteElements(
          cells, vertices.cols(),
          [&](int cell) -> const auto& { return basis.shape_matrix(cell); }),
      options);
}

template <typename AnyBasis>
absl::StatusOr<BasisPrior> DensePriorOf(const AnyBasis& basis,
                                        const Eigen::MatrixXd& vertices,
                                        const PriorOptions& options) {
  BasisPrior prior;
  ASSIGN_OR_RETURN(prior.dense, SmoothnessPrior::Create(
                                    vertices, basis.vertex_basis(), options));
  return prior;
}

template <typename AnyBasis>
absl::StatusOr<BasisPrior> AnyPriorOf(const AnyBasis& basis,
                                      const Eigen::MatrixXd& vertices,
                                      const PriorOptions& options) {
  if (!basis.is_sparse()) return DensePriorOf(basis, vertices, options);
  BasisPrior prior;
  ASSIGN_OR_RETURN(prior.sparse, SparsePriorOf(basis, options));
  return prior;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePriorOf(
    const IntervalBasis& /*basis*/, const PriorOptions& /*options*/) {
  return NotSparse();
}

absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePriorOf(
    const Basis& basis, const PriorOptions& options) {
  return SparsePriorOn(basis, basis.tessellation().cells(),
                       basis.tessellation().vertices(), options);
}

absl::StatusOr<std::shared_ptr<const SparsePrior>> SparsePriorOf(
    const VolumeBasis& basis, const PriorOptions& options) {
  return SparsePriorOn(basis, basis.cells(), basis.vertices(), options);
}

absl::StatusOr<BasisPrior> BasisPriorOf(const IntervalBasis& basis,
                                        const PriorOptions& options) {
  return DensePriorOf(basis, FlowKind<1>::Vertices(basis), options);
}

absl::StatusOr<BasisPrior> BasisPriorOf(const Basis& basis,
                                        const PriorOptions& options) {
  return AnyPriorOf(basis, FlowKind<2>::Vertices(basis), options);
}

absl::StatusOr<BasisPrior> BasisPriorOf(const VolumeBasis& basis,
                                        const PriorOptions& options) {
  return AnyPriorOf(basis, FlowKind<3>::Vertices(basis), options);
}

}  // namespace cpab
