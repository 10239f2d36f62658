// The list of pieces to cut, as datasets of videos are published: a table of
// file, start, end and box.
#ifndef TOOLS_CUT_CLIPS_CLIP_LIST_H_
#define TOOLS_CUT_CLIPS_CLIP_LIST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace tools {

struct ClipSpec {
  int line = 0;       // in the table, for messages; 0 without a table
  std::string file;   // as written
  std::string video;  // path of that file, once it has been looked for
  double start = 0;   // seconds or frames, see ClipUnit
  // The first moment that no longer belongs to the clip; infinity for all that
  // is left of the video.
  double end = 0;
  std::optional<cv::Rect> box;  // pixels of the upright frame; all if empty
  std::string name;             // file name of the clip without ending
  std::string partition;        // subfolder: train or test
};

// Reads a CSV table whose first line names the columns, in any order and among
// others that are ignored:
//   file (or video_id)               required
//   start, end        required, but may be empty in a row: from the beginning,
//                     to the end
//   box (or bbox)     left-top-right-bottom in pixels, or with spaces between,
//                     as negative sides need them: -12 -30 240 280
//   name              by default ClipName, so that clips of one file are one
//                     identity
//   partition         train (default) or test
// Fields may be quoted as in RFC 4180. InvalidArgument naming `source`, line
// and column of the first mistake, also for names that occur twice.
absl::StatusOr<std::vector<ClipSpec>> ParseClipList(std::string_view csv,
                                                    const std::string& source);

// "talk" without its ending, "#" and the times: "talk#1-2.5", "talk#1-end". Of
// a whole video "talk". start, end: as a table has them, maybe empty.
std::string ClipName(const std::string& file, const std::string& start,
                     const std::string& end);

}  // namespace tools

#endif  // TOOLS_CUT_CLIPS_CLIP_LIST_H_
