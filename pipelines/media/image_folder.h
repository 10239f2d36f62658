// What a path holds, and how images stand for frames: a folder of them, or a
// row of frames in one. Private to this folder.
#ifndef PIPELINES_MEDIA_IMAGE_FOLDER_H_
#define PIPELINES_MEDIA_IMAGE_FOLDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/media/rational.h"

namespace pipelines::data {

// Images carry no time; the field plays them at this rate.
inline constexpr Rational kImageFrameRate = {25, 1};

enum class SourceKind { kFolder, kImage, kVideo };

// By content: a folder, a still image, or (anything else) a video. NotFound or
// PermissionDenied when `path` cannot be opened, InvalidArgument when it is an
// empty file.
absl::StatusOr<SourceKind> DetectSourceKind(const std::string& path);

// The paths of the files in `folder` that are frames, in the order in which
// people count; files such as notes and tables are not (see IsSidecar).
// InvalidArgument when there is none.
absl::StatusOr<std::vector<std::string>> ListFrameFiles(
    const std::string& folder);

// Names of what lies beside clips and frames without being one: .csv, .json,
// .md, .npy, .npz, .pkl, .txt, .xml, .yaml, .yml.
bool IsSidecar(const std::string& name);

// The side below which the frames of a row are none. An image of 138 bytes can
// be a row of 60000 pixels.
inline constexpr int kMinStackedSide = 8;

// Frames in an image of size `row`: square ones, side by side. 1 if the width
// is no multiple of the height, or there are fewer than `min_frames`.
// InvalidArgument, with `path`, if they are smaller than kMinStackedSide.
absl::StatusOr<int> CountStackedFrames(cv::Size row, int min_frames,
                                       const std::string& path);

}  // namespace pipelines::data

#endif  // PIPELINES_MEDIA_IMAGE_FOLDER_H_
