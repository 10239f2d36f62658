#include "pipelines/explanation/stages.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "keypoints/transfer.h"
#include "networks/inpainting.h"
#include "pipelines/config/resolve.h"
#include "pipelines/model/candidate_motions.h"
#include "pipelines/model/model.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// Points of Stages::candidates for a step of the network's.
constexpr int64_t kFiner = 4;

torch::Tensor OnHost(const torch::Tensor& x) {
  return x.detach().to(torch::kCPU, torch::kFloat32).contiguous();
}

// [1, P, 2]: the keypoints that the source takes.
torch::Tensor Transfer(AnimationModel& model, const torch::Tensor& source,
                       const torch::Tensor& driving,
                       const torch::Tensor& first_driving) {
  if (!first_driving.defined()) return driving;
  keypoints::TransferOptions options;
  options.mode = keypoints::TransferMode::kRelative;
  return keypoints::MotionTransfer(options, source,
                                   model.DetectKeypoints(first_driving))
      .Apply(driving);
}

}  // namespace

absl::StatusOr<Stages> ComputeStages(const TrainedModel& trained,
                                     const FramePair& pair,
                                     torch::Device device) {
  const torch::NoGradGuard no_grad;
  AnimationModel& model = *trained.model;
  const auto batch = [&](const torch::Tensor& image) {
    return image.defined() ? image.unsqueeze(0).to(device) : image;
  };
  const PreparedSource prepared = model.PrepareSource(batch(pair.source));
  const torch::Tensor detected = model.DetectKeypoints(batch(pair.driving));
  const torch::Tensor keypoints =
      Transfer(model, prepared.keypoints, detected, batch(pair.first_driving));
  const Motion motion = model.Move(prepared, keypoints);
  const networks::InpaintingOutput painted = model.Paint(prepared, motion);

  const torch::Tensor& coarse = motion.candidates.fields;  // [1, M, h, w, 2]
  ASSIGN_OR_RETURN(const CandidateMotions candidates,
                   CandidateMotions::Create(trained.config.model()));
  const Candidates fine = candidates(
      OnHost(prepared.keypoints), OnHost(keypoints), /*background=*/{},
      kFiner * (coarse.size(2) - 1) + 1, kFiner * (coarse.size(3) - 1) + 1);

  Stages stages;
  stages.model = trained.config.model();
  FillDefaults(&stages.model);
  stages.source = OnHost(pair.source);
  stages.driving = OnHost(pair.driving);
  stages.source_keypoints = OnHost(prepared.keypoints[0]);
  stages.driving_keypoints = OnHost(detected[0]);
  stages.keypoints = OnHost(keypoints[0]);
  stages.is_relative = pair.first_driving.defined();
  stages.candidates = OnHost(fine.fields[0]);
  stages.residual = OnHost(motion.candidates.fit.residual[0]);
  stages.contributions = OnHost(motion.blend.contribution_maps[0]);
  stages.source_from_driving = OnHost(motion.blend.source_from_driving[0]);
  for (const torch::Tensor& map : motion.blend.occlusion_maps) {
    stages.occlusion_maps.push_back(OnHost(map[0]));
  }
  stages.warped = OnHost(painted.deformed_source[0]);
  stages.result = OnHost(painted.prediction[0]);
  return stages;
}

}  // namespace pipelines
