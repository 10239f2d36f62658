#include "pipelines/data/image_tensor.h"

#include <torch/types.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace pipelines::data {
namespace {

TEST(ImageToTensor, IsUndoneByTensorToImage) {
  cv::Mat rgb(20, 30, CV_8UC3);
  cv::RNG random(37);
  random.fill(rgb, cv::RNG::UNIFORM, 0, 256);
  const torch::Tensor tensor = ImageToTensor(rgb);
  EXPECT_EQ(tensor.sizes(), (std::vector<int64_t>{3, 20, 30}));
  // OpenCV multiplies by the rounded 1 / 255: an ulp.
  EXPECT_FLOAT_EQ(tensor[0][5][6].item<float>(),
                  static_cast<float>(rgb.at<cv::Vec3b>(5, 6)[0]) / 255.0f);
  EXPECT_EQ(cv::norm(TensorToImage(tensor), rgb, cv::NORM_INF), 0);
  EXPECT_EQ(
      cv::norm(TensorToImage(tensor.to(torch::kFloat64)), rgb, cv::NORM_INF),
      0);
}

TEST(ImageToTensor, RefusesAPlaceOfAnotherSize) {
  EXPECT_THROW(ImageToTensor(cv::Mat(2, 2, CV_8UC3), torch::empty({3, 2, 3})),
               c10::Error);
}

TEST(TensorToImage, KeepsChannelsClampsAndRounds) {
  const torch::Tensor image =
      torch::tensor({0.5, 0.0, 1.5, -1.0, 1.0, 0.25}).view({3, 1, 2});
  const cv::Mat picture = TensorToImage(image);
  ASSERT_EQ(picture.size(), cv::Size(2, 1));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 0), cv::Vec3b(128, 255, 255));
  EXPECT_EQ(picture.at<cv::Vec3b>(0, 1), cv::Vec3b(0, 0, 64));
}

TEST(TensorToImage, ShowsNotANumberAsBlack) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(TensorToImage(torch::full({1, 1, 1}, nan)).at<cv::Vec3b>(0, 0),
            cv::Vec3b(0, 0, 0));
}

}  // namespace
}  // namespace pipelines::data
