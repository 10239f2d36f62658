// Reads the frames that are to be explained from a still and a video, or two
// stills.
#ifndef PIPELINES_EXPLANATION_READ_PAIR_H_
#define PIPELINES_EXPLANATION_READ_PAIR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/framing.h"
#include "pipelines/explanation/stages.h"

namespace pipelines {

enum class PairMode {
  kAuto,      // relative where the driving frame is of a video, else standard
  kStandard,  // the source takes the driving keypoints as they are
  kRelative,  // it moves as the driving figure has moved since the first frame
};

// "auto", "standard", "relative". InvalidArgument for anything else.
absl::StatusOr<PairMode> ParsePairMode(const std::string& name);

struct ReadPairOptions {
  CropMode crop = CropMode::kCentre;  // of both, see framing.h
  cv::Size frame_size;                // the model's
  PairMode mode = PairMode::kAuto;
  // Of the driving video, from 0. Without it, the one that differs most from
  // the first.
  std::optional<int64_t> frame;
  std::function<bool()> stop;  // asked before each frame; may be empty
};

struct PairOfFiles {
  FramePair pair;
  int64_t frame = 0;                  // of the driving video
  std::vector<std::string> warnings;  // for the user
};

// `source` and `driving` are what media::OpenFrameSource opens; of a source the
// first frame is taken. The errors of CroppedReader; InvalidArgument, naming
// the file, where there is no frame of that number, and for relative motion
// from one picture.
absl::StatusOr<PairOfFiles> ReadPair(const std::string& source,
                                     const std::string& driving,
                                     const ReadPairOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_EXPLANATION_READ_PAIR_H_
