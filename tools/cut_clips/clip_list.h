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
  int line = 0;      // in the table, for messages
  std::string file;  // as written
  double start = 0;  // seconds or frames, see ClipUnit
  double end = 0;    // the first moment that no longer belongs to the clip
  std::optional<cv::Rect> box;  // pixels of the upright frame; all if empty
  std::string name;             // file name of the clip without ending
  std::string partition;        // subfolder: train or test
};

// Reads a CSV table whose first line names the columns, in any order and among
// others that are ignored:
//   file (or video_id), start, end   required
//   box (or bbox)     left-top-right-bottom in pixels, also with spaces
//   name              by default <file without ending>#<start>-<end>, so that
//                     clips of one file are one identity
//   partition         train (default) or test
// Fields may be quoted as in RFC 4180. InvalidArgument naming `source`, line
// and column of the first mistake, also for names that occur twice.
absl::StatusOr<std::vector<ClipSpec>> ParseClipList(std::string_view csv,
                                                    const std::string& source);

}  // namespace tools

#endif  // TOOLS_CUT_CLIPS_CLIP_LIST_H_
