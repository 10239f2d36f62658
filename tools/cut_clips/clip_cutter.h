// Cuts, crops and resizes pieces of one long video, in one pass over it.
#ifndef TOOLS_CUT_CLIPS_CLIP_CUTTER_H_
#define TOOLS_CUT_CLIPS_CLIP_CUTTER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "opencv2/core.hpp"
#include "tools/cut_clips/clip_list.h"

namespace tools {

// What start and end of a ClipSpec count. Seconds are counted from the first
// frame, whereas players count from the sound if it begins before; frames from
// 0.
enum class ClipUnit { kSeconds, kFrames };

struct CutOptions {
  // Clips go to output_folder/<partition>/<name><ending>.
  std::string output_folder;

  // ".mp4", or "" for folders of PNGs without loss.
  std::string ending = ".mp4";

  ClipUnit unit = ClipUnit::kSeconds;

  // Size of the clips; that of the box if empty. The box is widened about its
  // centre to this aspect as far as the frame allows, then centre-cropped.
  std::optional<cv::Size> size;

  // Quality of the .mp4; see VideoWriterOptions. Clips are decoded again for
  // training, so that little is lost here.
  int crf = 12;
};

struct CutResult {
  const ClipSpec* spec;
  absl::Status status;
  // The box reached beyond the frame, and this is what was left of it.
  std::optional<cv::Rect> box_inside;
  // The box grew to the aspect of CutOptions::size.
  bool widened = false;
  // Of the whole video, for the user; with the first of its clips alone.
  std::vector<std::string> warnings;
};

// `box`, which lies in a frame of the size `frame`, with the aspect of `size`:
// its smaller side grows about the centre and is moved into the frame as far as
// that is large enough.
cv::Rect WithAspect(const cv::Rect& box, cv::Size size, cv::Size frame);

// The path of a clip.
std::string ClipPath(const ClipSpec& spec, const CutOptions& options);

// Cuts `specs`, all of the video at `path`. One clip that fails (its box lies
// outside the frame, the video ends before it begins or ends, its file exists)
// does not stop the others; a damaged video fails the clips that reach the
// damage.
std::vector<CutResult> CutClips(const std::string& path,
                                const std::vector<const ClipSpec*>& specs,
                                const CutOptions& options);

}  // namespace tools

#endif  // TOOLS_CUT_CLIPS_CLIP_CUTTER_H_
