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

fs::path TruthFolder(const data::IndexedClip& clip, const std::string& name) {
  const fs::path split = fs::path(clip.path).parent_path();
  return split.parent_path() / "truth" / split.filename() / name;
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
  fs::path folder = TruthFolder(clip, clip.name);
  const cv::Size stored = clip.info.size;
  std::error_code error;
  // A file keeps its ending in its name where others differ by theirs. It may
  // be a preview of another length, which has no truth.
  const bool is_named = fs::is_directory(folder, error);
  if (!is_named && fs::is_regular_file(clip.path, error)) {
    folder = TruthFolder(clip, networks::files::Stem(clip.path));
  }
  if (!fs::is_directory(folder, error) || stored.width != stored.height ||
      image_size.width != image_size.height || stored.width < 2) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const puppets::Truth truth,
                   puppets::ReadTruth(folder.string()));
  const auto num_frames = static_cast<int>(truth.frames.size());
  if (num_frames != clip.info.num_frames) {
    if (!is_named) return std::nullopt;
    return absl::InvalidArgumentError(absl::StrCat(
        folder.string(), ": is the truth of ", num_frames, " frames, but ",
        clip.path, " has ", clip.info.num_frames));
  }
  return ScaleTruth(truth, stored.width, image_size.width);
}

}  // namespace pipelines
