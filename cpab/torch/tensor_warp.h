// Warps batches of images and label maps by CPAB transforms.
//
// A pixel of the result looks up where it comes from: result(x) = image(T(x)).
// To carry an image's content along T instead, pass -theta: T(.; -theta) is the
// inverse. OpenCV images are warped by cpab/image/warp.h.
//
// Tensor operations but for Transform::Apply, so that any device will do. The
// memory needed beside the result is that of the coordinates, 2 floats a pixel,
// whatever the size of theta.
//
// Coordinates: the centres of the first and last pixel are 0 and 1 along each
// axis (align_corners = true).
#ifndef CPAB_TORCH_TENSOR_WARP_H_
#define CPAB_TORCH_TENSOR_WARP_H_

#include <torch/types.h>

#include "cpab/torch/transform.h"

namespace cpab {

// What lies beyond the image's border.
enum class BeyondBorder { kZero, kNearestPixel };

// theta:   [B, d], float32 or float64.
// images:  [B, C, H, W], dtype and device of theta.
// Returns  [B, C, H, W], bilinearly interpolated, differentiable once in theta
//          and images.
//
// A wrong shape, dtype or device, or a backward pass with create_graph = true,
// is a bug in the caller: TORCH_CHECK.
torch::Tensor WarpImages(const Transform& transform, const torch::Tensor& theta,
                         const torch::Tensor& images,
                         BeyondBorder beyond = BeyondBorder::kZero);

// The same for maps of labels, [B, C, H, W] of any dtype on theta's device:
// the nearest pixel's label, so that there is none that was not there before.
// Without gradient.
torch::Tensor WarpLabels(const Transform& transform, const torch::Tensor& theta,
                         const torch::Tensor& labels,
                         BeyondBorder beyond = BeyondBorder::kZero);

}  // namespace cpab

#endif  // CPAB_TORCH_TENSOR_WARP_H_
