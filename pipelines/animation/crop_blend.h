// How animated crops become a part of the picture that they were taken from:
// how much of the motion each of a crop's pixels shows, and how much of a
// pasted pixel is the crop's.
//
// A face's crop ends somewhere in its hair, shoulders and wall. What moves
// there would break at the border. So the motion fades to none towards it, and
// where it is none the crop is the picture, up to its resolution; only there
// the pixels of the two are mixed. [LivePortrait] teaches a network
// ("stitching") to hold the border still; this needs none.
#ifndef PIPELINES_ANIMATION_CROP_BLEND_H_
#define PIPELINES_ANIMATION_CROP_BLEND_H_

#include <cstddef>
#include <vector>

#include "opencv2/core.hpp"

namespace pipelines {

struct BlendedCrop {
  cv::Rect box;  // inside the picture, not empty
  // What the crop is about, in the picture's pixels: where crops overlap, the
  // pixels nearer to it are this crop's.
  cv::Point2d centre;
};

inline constexpr double kLargestFade = 0.5;

struct CropBlendOptions {
  // The share of a crop's shorter side, 0 to 0.5, over which the motion fades;
  // in the outer third of it nothing moves, and the pixels are mixed. 0: the
  // motion is shown whole, and the pixels are mixed over a twelfth of the side.
  double fade = 0;
};

// Towards a side that is the picture's own border nothing fades.
//
// In an overlap of crops each pixel belongs to each of them by a share; the
// shares sum to 1, are equal where the pixel is as near to one centre as to the
// other (by the larger coordinate difference, in half sides of the box) and go
// to 0 at the border of the box. With a fade, motion is none where a crop has
// no more than half of the pixel: there all crops show the picture.
class CropBlend {
 public:
  // Of `crops` of a picture of `size`. `others` have their shares in overlaps,
  // but nothing moves there and nothing is pasted.
  CropBlend(cv::Size size, std::vector<BlendedCrop> crops,
            const CropBlendOptions& options,
            const std::vector<BlendedCrop>& others = {});

  size_t num_crops() const { return weights_.size(); }
  const cv::Rect& box(size_t i) const { return crops_[i].box; }

  // Of the motion in crop `i`, scaled to `size`: CV_32FC1 in [0, 1].
  cv::Mat MotionShare(size_t i, cv::Size size) const;

  // `picture` with each of `crops`, scaled to its box, in its place. All are
  // CV_8UC3. The outermost pixels of a box remain the picture's, but at the
  // picture's own border.
  cv::Mat Paste(const cv::Mat& picture,
                const std::vector<cv::Mat>& crops) const;

 private:
  // How deep `point`, in the picture's pixels, is in crop `i`: 0 at its border,
  // in pixels; the picture's border does not count.
  double Depth(size_t i, cv::Point2d point) const;
  // The share of crop `i` in a point of its box; 1 where no other is.
  double Share(size_t i, cv::Point2d point) const;
  double feather(size_t i) const;
  double Feathered(size_t i, cv::Point2d point) const;

  cv::Size size_;
  std::vector<BlendedCrop> crops_;  // and the others behind them
  double fade_;
  std::vector<cv::Mat> weights_;  // of pasted pixels, CV_32FC3, a box each
};

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_CROP_BLEND_H_
