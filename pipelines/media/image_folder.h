// How images stand for frames: which files of a folder are some, and when they
// are shown.
#ifndef PIPELINES_MEDIA_IMAGE_FOLDER_H_
#define PIPELINES_MEDIA_IMAGE_FOLDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/rational.h"

namespace pipelines::media {

// What is known of `num_frames` images of this size, shown at `rate`, before
// they are read.
VideoInfo ImageSequenceInfo(cv::Size size, int64_t num_frames, Rational rate);

// The paths of the files in `folder` that are frames, in the order in which
// people count: what has a picture's ending or begins like one. Folders, pipes,
// notes and tables (see IsSidecar) are not. InvalidArgument when there is none.
absl::StatusOr<std::vector<std::string>> ListFrameFiles(
    const std::string& folder);

// Whether `name` ends as those of pictures do (.png), or of videos (.mp4).
// Pictures that are not read, as .heic, count: that is said where they are
// opened. A file with another ending may be one all the same.
bool HasPictureEnding(const std::string& name);
bool HasVideoEnding(const std::string& name);

// Names of what lies beside clips and frames without being one: .csv, .json,
// .md, .npy, .npz, .pkl, .txt, .xml, .yaml, .yml; and what systems put into
// folders of pictures: Thumbs.db, ehthumbs.db and desktop.ini of Windows,
// __MACOSX of archives from a Mac, @eaDir of network disks. (Hidden files, such
// as .DS_Store, are never listed.)
bool IsSidecar(const std::string& name);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_IMAGE_FOLDER_H_
