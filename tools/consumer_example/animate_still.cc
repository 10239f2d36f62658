// The animator: moves the shipped puppet as the first frame of its example
// shows. Other checkpoints, pictures and videos work alike.
#include <cstdio>
#include <utility>

#include "pipelines/animation/animator.h"
#include "pipelines/checkpoint/checkpoint.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

absl::Status Run() {
  ASSIGN_OR_RETURN(pipelines::TrainedModel trained,
                   pipelines::LoadTrainedModel(
                       pipelines::PretrainedCheckpoint(), torch::kCPU));
  const pipelines::ModelConfig& model = trained.config.model();
  std::printf("%d keypoint sets\n", model.num_transforms());

  ASSIGN_OR_RETURN(const auto animator, pipelines::Animator::Create(
                                            std::move(trained), torch::kCPU));
  ASSIGN_OR_RETURN(const cv::Mat still,
                   pipelines::media::ReadImage(pipelines::ExampleSource()));
  ASSIGN_OR_RETURN(const auto driving, pipelines::media::OpenFrameSource(
                                           pipelines::ExampleDriving()));
  ASSIGN_OR_RETURN(const auto frame, driving->Next());
  const pipelines::PreparedSource source = animator->PrepareSource(still);
  const cv::Mat moved = animator->Animate(source, {frame->rgb}).pictures[0];
  std::printf("a frame of %dx%d\n", moved.cols, moved.rows);
  return absl::OkStatus();
}

int main() {
  const absl::Status status = Run();
  if (!status.ok()) std::puts(status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
