// Keypoint detectors: what all of them have in common. The paper's is in
// regression_detector.h, another in voting_detector.h.
#ifndef KEYPOINTS_DETECTOR_H_
#define KEYPOINTS_DETECTOR_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>

namespace keypoints {

// Finds the keypoints of an image: a network that is trained with the rest.
class KeypointDetector : public torch::nn::Module {
 public:
  // image: [B, 3, H, W] in [0, 1], H and W multiples of 32. Returns
  // [B, K * per_transform, 2], (x, y) in (-1, 1), in float32 and with all its
  // digits also under autocast. Points per_transform * k and following are the
  // keypoint set of transform k, from 0.
  virtual torch::Tensor forward(const torch::Tensor& image) = 0;

  // Lets training begin at a regular layout. A newly initialised last layer
  // puts keypoints anywhere, some keypoint sets nearly on one point, from which
  // no motion can be inferred and whose gradients explode. After this, every
  // set is a point and a regular polygon around it, of radius 0.6 `spread`, and
  // the sets' centres are evenly distributed in [-spread, spread]^2 (the
  // sequence of [R2]). The image still moves the keypoints, but less than
  // before. `spread` in (0, 0.6]: all keypoints are inside the image.
  void SpreadKeypoints(double spread);

 protected:
  KeypointDetector(int64_t num_transforms, int64_t keypoints_per_transform)
      : num_transforms_(num_transforms),
        per_transform_(keypoints_per_transform) {}

  int64_t num_keypoints() const { return num_transforms_ * per_transform_; }

 private:
  // Puts the keypoints of an image without features at `layout`,
  // [K * per_transform, 2] in (-1, 1), and scales by `image_share` how far
  // features move them.
  virtual void BeginAt(const torch::Tensor& layout, double image_share) = 0;

  int64_t num_transforms_;
  int64_t per_transform_;
};

}  // namespace keypoints

#endif  // KEYPOINTS_DETECTOR_H_
