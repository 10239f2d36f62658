// Pictures as tensors, and back.
#ifndef PIPELINES_DATA_IMAGE_TENSOR_H_
#define PIPELINES_DATA_IMAGE_TENSOR_H_

#include <torch/types.h>

#include "opencv2/core.hpp"

namespace pipelines::data {

// [H, W] CV_8UC3 RGB -> [3, H, W] float32 in [0, 1], on the CPU.
torch::Tensor ImageToTensor(const cv::Mat& rgb);

// The same into `out`, [3, H, W] float32, contiguous, on the CPU. In the
// calling thread alone: from several workers, LibTorch's operators would each
// start threads of their own.
void ImageToTensor(const cv::Mat& rgb, const torch::Tensor& out);

// [3, H, W], or [1, H, W] as grey, of values in [0, 1] -> [H, W] CV_8UC3 RGB.
// Rounded and clamped; not-a-number is black. Any float dtype, any device.
cv::Mat TensorToImage(const torch::Tensor& image);

}  // namespace pipelines::data

#endif  // PIPELINES_DATA_IMAGE_TENSOR_H_
