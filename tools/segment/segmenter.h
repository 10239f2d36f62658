// Masks of an image's parts by points and boxes, with SAM.
#ifndef TOOLS_SEGMENT_SEGMENTER_H_
#define TOOLS_SEGMENT_SEGMENTER_H_

#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "networks/sam/sam.h"
#include "networks/sam/sam_input.h"
#include "opencv2/core.hpp"
#include "tools/segment/prompt_text.h"

namespace tools {

struct SegmenterOptions {
  std::string weights_path;
  // networks::sam::SamByName; "": told from the weights.
  std::string model;
  torch::Device device = torch::kCPU;
  bool bfloat16 = false;  // multiplies the image encoder's linear layers in it
};

// What is to be segmented together: points, a box, or both.
struct SegmentPrompt {
  std::vector<LabelledPoint> points;
  std::vector<Box> boxes;  // at most one
};

struct SegmentMask {
  cv::Mat pixels;       // CV_8UC1, of the image's size; 255 inside, else 0
  double expected_iou;  // the network's own guess
};

class Segmenter {
 public:
  // InvalidArgument for an unknown model, or one that the weights do not fit;
  // errors of reading the weights.
  static absl::StatusOr<Segmenter> Create(const SegmenterOptions& options);

  // Looks at `image`, CV_8UC3 RGB: nearly all of the time.
  void SetImage(const cv::Mat& image);

  // In the image that was set: the masks of a prompt, best first. A single
  // point may mean a thing, a part of it or a part of that: three masks;
  // otherwise one.
  std::vector<SegmentMask> Segment(const SegmentPrompt& prompt);

 private:
  Segmenter(networks::sam::Sam sam, int64_t input_size, torch::Device device)
      : sam_(std::move(sam)), input_size_(input_size), device_(device) {}

  networks::sam::Prompts Place(const SegmentPrompt& prompt) const;

  networks::sam::Sam sam_;
  int64_t input_size_;
  torch::Device device_;
  networks::sam::Placement placement_{};
  torch::Tensor embedding_;
};

}  // namespace tools

#endif  // TOOLS_SEGMENT_SEGMENTER_H_
