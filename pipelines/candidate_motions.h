// Candidate motions of a pair of frames, [CPABMM] Sec. 3: for every pixel of
// the driving frame, where each CPAB transformation and the background say that
// it comes from in the source.
#ifndef PIPELINES_CANDIDATE_MOTIONS_H_
#define PIPELINES_CANDIDATE_MOTIONS_H_

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "cpab/torch/fit.h"
#include "cpab/torch/transform.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// How well the transformations explain their keypoints.
struct FitReport {
  torch::Tensor residual;    // [B, K + 1] norm, units of [-1, 1]
  torch::Tensor iterations;  // [B, K + 1] int64
};

struct Candidates {
  // [B, M, h, w, 2] in [-1, 1]: the background's, K local, then the global.
  torch::Tensor fields;
  FitReport fit;
};

// Infers the transformations from keypoints and samples them on a grid. Each
// sample of a batch is solved by itself: its candidates are the same, to the
// bit, alone and in any batch. Safe to use from many threads.
class CandidateMotions {
 public:
  // InvalidArgument for a tessellation that CPAB does not have.
  static absl::StatusOr<CandidateMotions> Create(const ModelConfig& config);

  // source, driving: keypoints [B, 5K, 2] in [-1, 1].
  // background: [B, 3, 3] background_source_from_driving, or undefined:
  // identity. Gradients reach the keypoints if the config says IMPLICIT, the
  // background always.
  Candidates operator()(const torch::Tensor& source,
                        const torch::Tensor& driving,
                        const torch::Tensor& background, int64_t height,
                        int64_t width) const;

 private:
  struct Motion {
    cpab::Transform transform;
    cpab::KeypointFitter fitter;
    cpab::ThetaGradient gradient;
  };
  // Of N problems.
  struct Fields {
    torch::Tensor grids;       // [N, h, w, 2]
    torch::Tensor residual;    // [N]
    torch::Tensor iterations;  // [N]
  };
  CandidateMotions(int64_t num_transforms, Motion local)
      : num_transforms_(num_transforms), local_(std::move(local)) {}
  static absl::StatusOr<Motion> MakeMotion(const CpabConfig& config);
  static Fields Infer(const Motion& motion, const torch::Tensor& source,
                      const torch::Tensor& driving, int64_t height,
                      int64_t width);

  int64_t num_transforms_;
  Motion local_;
  std::optional<Motion> global_;
};

}  // namespace pipelines

#endif  // PIPELINES_CANDIDATE_MOTIONS_H_
