// Pictures of what the model sees and does, for run pages and for papers.
//
// Pictures are cv::Mat CV_8UC3 in RGB order; write them with SavePicture().
// Tensors may be on any device and of any floating dtype.
#ifndef PIPELINES_REPORT_VISUALIZE_H_
#define PIPELINES_REPORT_VISUALIZE_H_

#include <torch/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "opencv2/core.hpp"

namespace pipelines {

// One batch through the model. Undefined or empty members leave their column
// out; `source` decides B, H and W.
struct StripInput {
  torch::Tensor source;                       // [B, 3, H, W] RGB in [0, 1]
  torch::Tensor driving;                      // [B, 3, H, W]
  torch::Tensor source_keypoints;             // [B, K, 2] (x, y) in [-1, 1]
  torch::Tensor driving_keypoints;            // [B, K, 2]
  torch::Tensor deformed_source;              // [B, 3, h, w], the source warped
  torch::Tensor prediction;                   // [B, 3, H, W]
  torch::Tensor source_from_driving;          // [B, h, w, 2]
  std::vector<torch::Tensor> occlusion_maps;  // each [B, 1, h, w] in [0, 1]
  // [B, M, h, w] with sum 1 over M: of the background, of each keypoint set's
  // local transform, and of the global transform if the model has one.
  torch::Tensor contribution_maps;
};

struct StripOptions {
  int tile = 128;                   // pixels of a picture's longer side
  int keypoints_per_transform = 5;  // a keypoint set, in one colour
  int max_rows = 8;                 // samples shown
  bool error = false;  // |prediction - driving|, mean of the channels
};

// One row a sample, one labelled column a picture: source and driving with
// keypoints, warped source, prediction, error, deformation (colour and grid),
// occlusion maps, contribution maps.
cv::Mat DrawStrip(const StripInput& input, const StripOptions& options = {});

// Pictures of one kind, one a sample.
struct PictureColumn {
  std::string label;
  std::vector<cv::Mat> tiles;
};

// Columns side by side under their labels, every tile scaled to `tile`. Columns
// may have fewer tiles than the first one has.
cv::Mat DrawColumns(const std::vector<PictureColumn>& columns, cv::Size tile);

// Draws keypoints [K, 2] in [-1, 1] on `picture`: one colour for each keypoint
// set of `keypoints_per_transform`, whose points are joined to their mean by
// thin lines.
void DrawKeypoints(const torch::Tensor& keypoints, int keypoints_per_transform,
                   cv::Mat& picture);

// A motion field as colours, in the convention of [Middlebury]: hue is
// direction (right is red, down is yellow), saturation is length, full at
// `max_length` and darkened beyond. The field is [h, w, 2]; the motion shown is
// that from the source to the driving frame. Lengths are in half the longer
// side; max_length 0 takes the field's own greatest.
cv::Mat FlowToColor(const torch::Tensor& source_from_driving,
                    double max_length = 0);

// The greatest length of motion in [..., h, w, 2], as FlowToColor measures it.
double MaxMotion(const torch::Tensor& source_from_driving);

// The legend of FlowToColor: a disc of `size` pixels on white.
cv::Mat FlowWheel(int size);

// Draws the lines of a regular grid of the source, `lines` each way, as they
// appear in the driving frame, on `picture`.
void DrawDeformedGrid(const torch::Tensor& source_from_driving, int lines,
                      cv::Mat& picture);

// Values [h, w] in [low, high] as colours from dark to bright (viridis).
cv::Mat ColorizeMap(const torch::Tensor& map, double low = 0, double high = 1);

// Contribution maps [M, h, w] as one picture: each pixel mixes the colours of
// its maps by their weights. Map 0 is the background's, grey; 1 to num_partial
// have the colours of their keypoint sets; one more is the global transform's,
// white.
cv::Mat ContributionPicture(const torch::Tensor& maps, int num_partial);

// The colour of a keypoint set and its local transform; `index` from 0.
cv::Scalar ColorOfSet(int index);

// Writes a PNG, whole or not at all.
absl::Status SavePicture(const std::string& path, const cv::Mat& picture);

}  // namespace pipelines

#endif  // PIPELINES_REPORT_VISUALIZE_H_
