// The smallest program that animates: a still by a video, frame by frame.
// Arguments: checkpoint, still, driving, an existing folder for the pictures
// 0.png, 1.png, ...
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "pipelines/animation/animator.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"

namespace {

using pipelines::media::OpenFrameSource;
using pipelines::media::ReadImage;
using pipelines::media::WriteImage;

absl::Status Run(const std::string& checkpoint, const std::string& still,
                 const std::string& driving, const std::string& folder) {
  ASSIGN_OR_RETURN(const auto animator,
                   pipelines::Animator::Load(checkpoint, torch::kCPU));
  ASSIGN_OR_RETURN(const cv::Mat image, ReadImage(still));
  const pipelines::PreparedSource source = animator->PrepareSource(image);
  ASSIGN_OR_RETURN(const auto frames, OpenFrameSource(driving));
  for (int i = 0;; ++i) {
    ASSIGN_OR_RETURN(const auto frame, frames->Next());
    if (!frame) return absl::OkStatus();
    const cv::Mat moved = animator->Animate(source, {frame->rgb}).pictures[0];
    RETURN_IF_ERROR(WriteImage(absl::StrCat(folder, "/", i, ".png"), moved));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s CHECKPOINT STILL DRIVING FOLDER\n",
                 argv[0]);
    return 2;
  }
  return pipelines::Exit("animator_example",
                         Run(argv[1], argv[2], argv[3], argv[4]));
}
