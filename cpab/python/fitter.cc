// Tested by tests/fit_test.py.
#include "cpab/python/fitter.h"

#include <utility>

#include "cpab/fit/fit.h"
#include "third_party/absl/status_macros.h"

namespace cpab::python {
namespace {

class PlaneFitter : public Fitter {
 public:
  explicit PlaneFitter(KeypointFitter fitter) : fitter_(std::move(fitter)) {}

  int dimensions() const override { return 2; }
  int theta_size() const override { return fitter_.basis()->theta_size(); }

  std::vector<FitResult> FitAll(
      const std::vector<LandmarkPairs>& problems,
      const ParallelFor& parallel_for) const override {
    std::vector<KeypointPairs> pairs;
    for (const LandmarkPairs& problem : problems) {
      pairs.push_back(InThePlane(problem));
    }
    return fitter_.FitAll(pairs, parallel_for);
  }

  LandmarkGradient Pullback(const LandmarkPairs& pairs, const FitResult& result,
                            const Eigen::VectorXd& dl_dtheta) const override {
    const PairsGradient gradient =
        fitter_.Pullback(InThePlane(pairs), result, dl_dtheta);
    return {gradient.from, gradient.to, gradient.exact};
  }

 private:
  static KeypointPairs InThePlane(const LandmarkPairs& pairs) {
    return {pairs.from, pairs.to, pairs.weights};
  }

  KeypointFitter fitter_;
};

class AnyFitter : public Fitter {
 public:
  explicit AnyFitter(LandmarkFitter fitter) : fitter_(std::move(fitter)) {}

  int dimensions() const override { return fitter_.dimensions(); }
  int theta_size() const override { return fitter_.theta_size(); }
  std::vector<FitResult> FitAll(
      const std::vector<LandmarkPairs>& problems,
      const ParallelFor& parallel_for) const override {
    return fitter_.FitAll(problems, parallel_for);
  }
  LandmarkGradient Pullback(const LandmarkPairs& pairs, const FitResult& result,
                            const Eigen::VectorXd& dl_dtheta) const override {
    return fitter_.Pullback(pairs, result, dl_dtheta);
  }

 private:
  LandmarkFitter fitter_;
};

template <typename AnyBasis>
absl::StatusOr<std::shared_ptr<const Fitter>> CreateAny(
    std::shared_ptr<const AnyBasis> basis, const FitOptions& options,
    int num_stages) {
  ASSIGN_OR_RETURN(
      LandmarkFitter fitter,
      LandmarkFitter::Create(std::move(basis), options, num_stages));
  return std::make_shared<const AnyFitter>(std::move(fitter));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Fitter>> Fitter::Create(
    std::shared_ptr<const IntervalBasis> basis, const FitOptions& options,
    int num_stages) {
  return CreateAny(std::move(basis), options, num_stages);
}

absl::StatusOr<std::shared_ptr<const Fitter>> Fitter::Create(
    std::shared_ptr<const Basis> basis, const FitOptions& options,
    int num_stages) {
  if (num_stages != 1 || basis->is_sparse()) {
    return CreateAny(std::move(basis), options, num_stages);
  }
  ASSIGN_OR_RETURN(KeypointFitter fitter,
                   KeypointFitter::Create(std::move(basis), options));
  return std::make_shared<const PlaneFitter>(std::move(fitter));
}

absl::StatusOr<std::shared_ptr<const Fitter>> Fitter::Create(
    std::shared_ptr<const VolumeBasis> basis, const FitOptions& options,
    int num_stages) {
  return CreateAny(std::move(basis), options, num_stages);
}

}  // namespace cpab::python
