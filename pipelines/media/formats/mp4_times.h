// Whether the table of frame times of an mp4 or mov file can be believed.
// FFmpeg hides the frames that an edit list leaves out; where the times are
// wrong, it hides frames that are meant to be seen, and says nothing. Private
// to pipelines/media.
#ifndef PIPELINES_MEDIA_FORMATS_MP4_TIMES_H_
#define PIPELINES_MEDIA_FORMATS_MP4_TIMES_H_

#include <istream>

#include "absl/status/status.h"

namespace pipelines::media {

// Compares, for each video track, the sum of its frames' durations with the
// duration that the track's own header states. Writers make them equal within a
// frame or so; DataLoss where one is more than twice the other, where an edit
// list shows another time than the headers state, where it hides frames
// although it shows as long as all together last or less than half of a frame
// or although the two differ by more than two frames and a hundredth, where the
// header has no unit of time, and where a table of frames is damaged
// (mp4_tables.h). OK for tracks whose header states no duration, as in
// fragmented files, and for every other kind of file.
absl::Status CheckMp4Times(std::istream& file);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_FORMATS_MP4_TIMES_H_
