#include "pipelines/data/image_tensor.h"

#include <torch/types.h>

#include <cstdint>

namespace pipelines::data {

void ImageToTensor(const cv::Mat& rgb, const torch::Tensor& out) {
  TORCH_CHECK(rgb.type() == CV_8UC3, "an image must be CV_8UC3 RGB");
  TORCH_CHECK(out.is_contiguous() && out.scalar_type() == torch::kFloat32 &&
                  out.device().is_cpu() &&
                  out.numel() == int64_t{rgb.rows} * rgb.cols * 3,
              "planes of shape ", out.sizes(), " for an image of ", rgb.cols,
              "x", rgb.rows);
  cv::Mat unit;
  rgb.convertTo(unit, CV_32FC3, 1.0 / 255.0);
  cv::Mat planes[3];
  for (int i = 0; i < 3; ++i) {
    planes[i] =
        cv::Mat(rgb.size(), CV_32FC1,
                out.data_ptr<float>() + i * int64_t{rgb.rows} * rgb.cols);
  }
  cv::split(unit, planes);
}

torch::Tensor ImageToTensor(const cv::Mat& rgb) {
  const torch::Tensor image = torch::empty({3, rgb.rows, rgb.cols});
  ImageToTensor(rgb, image);
  return image;
}

cv::Mat TensorToImage(const torch::Tensor& image) {
  TORCH_CHECK(image.dim() == 3 && (image.size(0) == 3 || image.size(0) == 1),
              "an image is [3, H, W] or [1, H, W], not ", image.sizes());
  const int64_t height = image.size(1);
  const int64_t width = image.size(2);
  const torch::Tensor values = image.detach().to(torch::kCPU, torch::kFloat32);
  const torch::Tensor bytes = torch::nan_to_num(values)
                                  .clamp(0, 1)
                                  .mul(255)
                                  .round()
                                  .to(torch::kUInt8)
                                  .expand({3, height, width})
                                  .permute({1, 2, 0})
                                  .contiguous();  // [H, W, 3]
  return cv::Mat(static_cast<int>(height), static_cast<int>(width), CV_8UC3,
                 bytes.data_ptr())
      .clone();
}

}  // namespace pipelines::data
