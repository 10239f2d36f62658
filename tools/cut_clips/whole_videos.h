// The clips of a folder of videos without a table: each video as a whole, part
// of them kept back for testing.
#ifndef TOOLS_CUT_CLIPS_WHOLE_VIDEOS_H_
#define TOOLS_CUT_CLIPS_WHOLE_VIDEOS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/cut_clips/clip_list.h"

namespace tools {

// The share of each video, at its end, that is kept back where no whole video
// is.
inline constexpr double kTestShare = 0.2;

struct WholeVideos {
  std::vector<ClipSpec> specs;       // times in seconds
  std::vector<std::string> skipped;  // names of what is no video
  std::vector<std::string> missing;  // of `test`, what names no video
};

// Clips of those of `names`, files in `folder`, that are videos: by their
// endings, and a PNG or WebP if it moves.
// test: the videos to keep back as a whole, with or without their endings; the
// others are for training. Where it is empty, the first part of each video is
// for training and the last kTestShare of it for testing.
//
// InvalidArgument if no name is a video's, if two differ in their endings
// alone, if one begins with a dot, or if a video that is to be parted does not
// say how long it is; the errors of opening it.
absl::StatusOr<WholeVideos> ClipsOfVideos(const std::string& folder,
                                          const std::vector<std::string>& names,
                                          const std::vector<std::string>& test);

}  // namespace tools

#endif  // TOOLS_CUT_CLIPS_WHOLE_VIDEOS_H_
