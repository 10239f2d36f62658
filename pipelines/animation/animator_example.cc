// The smallest program that animates: a still by a video or a camera, frame by
// frame. Arguments: checkpoint, still, driving, folder for the pictures.
#include <chrono>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "pipelines/animation/animator.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

using pipelines::data::OpenFrameSource;

absl::Status Run(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(auto animator,
                   pipelines::Animator::Load(paths[0], torch::kCPU));
  ASSIGN_OR_RETURN(const cv::Mat still, pipelines::data::ReadImage(paths[1]));
  animator->SetSource(still);
  ASSIGN_OR_RETURN(const auto driving, OpenFrameSource(paths[2]));
  for (int i = 0;; ++i) {
    ASSIGN_OR_RETURN(const auto frame, driving->Next());
    if (!frame) return absl::OkStatus();
    const auto begin = std::chrono::steady_clock::now();
    const cv::Mat moved = animator->Animate({frame->rgb})[0];
    const std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - begin;
    std::printf("frame %d took %.1f ms\n", i, 1000 * time.count());
    const std::string path = absl::StrCat(paths[3], "/", i, ".png");
    RETURN_IF_ERROR(pipelines::data::WriteImage(path, moved));
  }
}
int main(int argc, char** argv) {
  std::vector<std::string> paths(argv + 1, argv + argc);
  if (argc < 5)
    paths = {pipelines::PretrainedCheckpoint(), pipelines::ExampleSource(),
             pipelines::ExampleDriving(), "/tmp"};
  return pipelines::Exit("animator_example", Run(paths));
}
