#include "pipelines/evaluation/clip_truth.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/path_parts.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

fs::path TruthFolder(const data::IndexedClip& clip) {
  const fs::path split = fs::path(clip.path).parent_path();
  const fs::path truth = split.parent_path() / "truth" / split.filename();
  // A clip keeps its ending in its name where others differ by theirs.
  std::error_code error;
  return fs::is_directory(truth / clip.name, error)
             ? truth / clip.name
             : truth / networks::files::Stem(clip.path);
}

// How much wider than the distance of its outer pixels' centres a frame is.
double Border(int size) { return size / (size - 1.0); }

}  // namespace

puppets::Truth ScaleTruth(const puppets::Truth& truth, int stored, int seen) {
  const double scale = Border(seen) / Border(stored);
  puppets::Truth scaled = truth;
  for (puppets::FrameTruth& frame : scaled.frames) {
    for (puppets::JointState& joint : frame.joints) {
      joint.position = scale * joint.position;
    }
    for (puppets::Affine2& m : frame.frame_from_layer) {
      m = puppets::Affine2{scale, 0, 0, 0, scale, 0} * m;
    }
  }
  return scaled;
}

absl::StatusOr<std::optional<puppets::Truth>> ReadClipTruth(
    const data::IndexedClip& clip, cv::Size image_size) {
  const fs::path folder = TruthFolder(clip);
  const cv::Size stored = clip.info.size;
  std::error_code error;
  if (!fs::is_directory(folder, error) || stored.width != stored.height ||
      image_size.width != image_size.height || stored.width < 2) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const puppets::Truth truth,
                   puppets::ReadTruth(folder.string()));
  const auto num_frames = static_cast<int>(truth.frames.size());
  if (num_frames != clip.info.num_frames) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder.string(), ": is the truth of ", num_frames, " frames, but ",
        clip.path, " has ", clip.info.num_frames));
  }
  return ScaleTruth(truth, stored.width, image_size.width);
}

}  // namespace pipelines
