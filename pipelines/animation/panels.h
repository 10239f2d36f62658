// What a frame of the output shows: the result alone, or several pictures in a
// grid.
#ifndef PIPELINES_ANIMATION_PANELS_H_
#define PIPELINES_ANIMATION_PANELS_H_

#include <torch/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"

namespace pipelines {

enum class Panel {
  kSource,
  kDriving,
  kResult,
  kKeypoints,  // the result with the keypoints that it was made by
  kFlow,       // the motion as colours, with the colour wheel
  kOcclusion,  // bright where the source shows, dark where it is painted
  kGrid,       // the result with the deformed grid of the source
  kWarped,     // the source moved, before the network paints what it hides
  kSets,       // which keypoint set moves what, in its colour and by number
};

// "source,driving,result,keypoints,flow,occlusion,grid,warped,sets", any of
// them in any order; "parts" is the former name of sets. InvalidArgument naming
// one that is not there.
absl::StatusOr<std::vector<Panel>> ParsePanels(const std::string& names);

// Whether one of `panels` draws what FrameMotion holds.
bool NeedMotion(const std::vector<Panel>& panels);

// One frame, ready to be drawn. Pictures are CV_8UC3 RGB of any size, tensors
// on any device; what no panel shows may be empty.
struct PanelInput {
  cv::Mat source;
  cv::Mat driving;
  cv::Mat result;
  cv::Mat animated;  // the model's own output, without its surroundings
  // What the model saw of the source, in pixels: what is drawn of its output
  // has this aspect. Empty: it fills the tile.
  cv::Size seen;
  torch::Tensor keypoints;            // [P, 2], all sets
  torch::Tensor source_from_driving;  // [h, w, 2]
  torch::Tensor occlusion;            // [1, H, W]
  torch::Tensor warped;               // [3, H, W] in [0, 1]
  torch::Tensor contributions;        // [M, h, w]: background, each set, global
};

// Paints the panels of each frame of a video as the tiles of one picture, whose
// size is the same for all.
class PanelPainter {
 public:
  // Tiles of the size `tile`; at most `columns` beside each other, 0: one row
  // of up to four, else about as many rows as columns.
  PanelPainter(std::vector<Panel> panels, cv::Size tile, int columns,
               int keypoints_per_transform);

  // Of what Paint returns.
  cv::Size size() const;

  cv::Mat Paint(const PanelInput& input) const;

 private:
  cv::Mat PaintTile(Panel panel, const PanelInput& input) const;
  cv::Mat PaintOfModel(Panel panel, const PanelInput& input,
                       cv::Size size) const;

  std::vector<Panel> panels_;
  cv::Size tile_;
  int columns_;
  int keypoints_per_transform_;
};

// `count` tiles in a grid: how many beside each other when nobody says.
int DefaultColumns(int count);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_PANELS_H_
