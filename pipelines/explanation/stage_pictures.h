// Pictures of every stage of a frame: keypoints, candidate motions,
// contribution maps, dense motion, occlusion maps, result.
#ifndef PIPELINES_EXPLANATION_STAGE_PICTURES_H_
#define PIPELINES_EXPLANATION_STAGE_PICTURES_H_

#include "opencv2/core.hpp"
#include "pipelines/explanation/stages.h"

namespace pipelines {

// Sheets of captioned tiles, CV_8UC3 RGB.
struct StagePictures {
  // Source and driving frame with their keypoint sets by colour and number; in
  // relative mode also the source with the keypoints that it is to take.
  cv::Mat keypoints;
  // Two tiles a candidate. The left one is the source warped by it alone, with
  // straight lines of the frame: a grid, and the borders of CPAB's cells. The
  // right one is the source with the same lines where the candidate says that
  // they come from.
  cv::Mat candidates;
  // Which candidate each pixel takes, by colour and number; then the map of
  // each, and the scale of values.
  cv::Mat contributions;
  // The motion as colours, their legend, as arrows from source to frame, and
  // the source's grid as it lies in the frame.
  cv::Mat motion;
  cv::Mat occlusion;  // the maps of all resolutions, and the scale of values
  cv::Mat result;     // source, driving frame, warped source, painted frame
};

// Tiles of `tile` pixels along the longer side of a frame, at least 64.
StagePictures DrawStages(const Stages& stages, int tile);

// Of candidate `index`: "background", "set 3" or "all sets".
std::string NameOfCandidate(const Stages& stages, int index);

}  // namespace pipelines

#endif  // PIPELINES_EXPLANATION_STAGE_PICTURES_H_
