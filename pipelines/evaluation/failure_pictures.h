// Pictures of where a reconstruction fails.
#ifndef PIPELINES_EVALUATION_FAILURE_PICTURES_H_
#define PIPELINES_EVALUATION_FAILURE_PICTURES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/evaluation/reconstruction.h"

namespace pipelines {

struct EvaluationPicture {
  std::string path;
  std::string caption;
};

// Remembers the worst frame (by L1) of each of the `num_clips` clips with the
// greatest mean L1: its memory does not grow with the number of clips.
class FailurePictures : public ReconstructionObserver {
 public:
  explicit FailurePictures(int num_clips) : num_clips_(num_clips) {}

  absl::Status BeginClip(const std::string& clip) override;
  absl::Status AddFrame(const RebuiltFrame& frame) override;
  absl::Status EndClip(const ClipResult& result) override;

  // Writes <folder>/worst-00.png and so on, worst first, each a strip: source,
  // driving frame, prediction, error, motion. Pictures that an earlier call
  // left there are replaced or removed. Paths in the result begin with
  // `folder`.
  absl::StatusOr<std::vector<EvaluationPicture>> Write(
      const std::string& folder) const;

 private:
  struct Failure {
    ClipResult clip;
    RebuiltFrame frame;
  };

  const int num_clips_;
  std::optional<RebuiltFrame> worst_frame_;  // of the clip at hand
  std::vector<Failure> failures_;            // worst first
};

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_FAILURE_PICTURES_H_
