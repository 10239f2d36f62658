// Masks and prompts drawn over the image.
#ifndef TOOLS_SEGMENT_OVERLAY_H_
#define TOOLS_SEGMENT_OVERLAY_H_

#include "opencv2/core.hpp"
#include "tools/segment/segmenter.h"

namespace tools {

// Tints the inside of `mask` (255 inside) in a colour of its own for each
// `index`, and draws its outline. Images are CV_8UC3 RGB.
void DrawMask(const cv::Mat& mask, int index, cv::Mat& image);

// Points as discs, green in the foreground and red in the background, boxes as
// yellow frames.
void DrawPrompt(const SegmentPrompt& prompt, cv::Mat& image);

}  // namespace tools

#endif  // TOOLS_SEGMENT_OVERLAY_H_
