// What a detector found in the frames of clips, read from files: keypoints of
// faces or bodies, or embeddings that tell identities apart.
//
// A table (.csv) has a header line and a line for each frame:
//
//   file_name,frame_number,x0,y0,x1,y1,...      keypoints, in pixels
//   file_name,frame_number,e0,e1,...            embeddings
//
// The first two columns must have these names, the others may have any. An
// array (NumPy's .npy) holds the frames of one clip: keypoints [T, K, 2],
// embeddings [T, ...]. A folder of such arrays holds a clip each, by its name.
//
// Names of clips count without the endings of pictures, videos and arrays, so
// that "07.mp4" and the folder "07.png" are one clip. A keypoint that was not
// found has x = -1, or two empty fields in a table.
#ifndef PIPELINES_EVALUATION_DETECTIONS_H_
#define PIPELINES_EVALUATION_DETECTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pipelines {

// One frame's.
struct Detection {
  std::string clip;
  int64_t frame = 0;
  std::vector<double> values;  // x0, y0, x1, ...; or the embedding
  std::string place;           // "found.csv:12" or "07.npy, row 11"
};

inline constexpr double kMissingKeypoint = -1;  // as x

enum class DetectionKind { kKeypoints, kEmbeddings };

// Reads the table, array or folder of arrays at `path`; sorted by clip, then
// frame, all of one length of values, which is even for keypoints.
//
// NotFound if there is nothing at `path`. InvalidArgument naming file and line
// or row: what is no such file, or a damaged one; rows of several lengths; what
// is no number or not finite; a keypoint of which only one field is empty; a
// frame that comes twice; no frame at all.
absl::StatusOr<std::vector<Detection>> ReadDetections(const std::string& path,
                                                      DetectionKind kind);

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_DETECTIONS_H_
