#include "tools/segment/segmenter.h"

#include <torch/types.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/testing/fill.h"
#include "networks/weights/load.h"
#include "networks/weights/pytorch_writer.h"
#include "networks/weights/safetensors.h"
#include "networks/weights/tensor_map.h"
#include "opencv2/core.hpp"
#include "third_party/absl/status_matchers.h"
#include "tools/segment/overlay.h"

namespace tools {
namespace {

using ::testing::HasSubstr;

TEST(ParsePoints, ReadsPlacesAndLabels) {
  const auto points = ParsePoints(" 3,4  5.5,6,0 7,8,1", 10, 10);
  ASSERT_THAT(points, IsOk());
  ASSERT_EQ(points->size(), 3u);
  EXPECT_EQ((*points)[1].x, 5.5);
  EXPECT_FALSE((*points)[1].foreground);
  EXPECT_TRUE((*points)[0].foreground && (*points)[2].foreground);
  EXPECT_THAT(ParsePoints("", 10, 10), IsOk());
}

TEST(ParsePoints, NamesTheMistake) {
  for (const auto& [text, message] :
       {std::pair{"3", "'3' is not x,y"},
        {"3,x", "'x' for a number"},
        {"3,4,2", "label 0 or 1"},
        {"1,1 3,10", "'3,10' is not in the image"},
        {"-1,2", "not in the image"},
        {"nan,2", "for a number"}}) {
    EXPECT_THAT(
        ParsePoints(text, 10, 10),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }
}

TEST(ParseBoxes, NamesTheMistake) {
  EXPECT_THAT(ParseBoxes("1,2,3,4", 10, 10), IsOk());
  for (const auto& [text, message] :
       {std::pair{"1,2,3", "left,top,right,bottom"},
        {"3,2,1,4", "no area"},
        {"1,2,3,40", "not in the image"}}) {
    EXPECT_THAT(
        ParseBoxes(text, 10, 10),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }
}

// A tiny SAM with the deterministic fill, in a file.
SegmenterOptions TinyOptions() {
  networks::sam::Sam sam(*networks::sam::SamByName("tiny"));
  networks::test_util::FillModule("sam/", *sam);
  SegmenterOptions options;
  options.weights_path = ::testing::TempDir() + "/tiny_sam.safetensors";
  options.model = "tiny";
  EXPECT_THAT(networks::weights::WriteSafetensors(
                  options.weights_path, networks::weights::StateDict(*sam)),
              IsOk());
  return options;
}

cv::Mat RandomImage() {
  cv::Mat image(30, 50, CV_8UC3);
  cv::RNG(1).fill(image, cv::RNG::UNIFORM, 0, 256);
  return image;
}

TEST(Segmenter, GivesMasksOfTheImagesSizeBestFirst) {
  auto segmenter = Segmenter::Create(TinyOptions());
  ASSERT_THAT(segmenter, IsOk());
  segmenter->SetImage(RandomImage());
  const auto of_point = segmenter->Segment({{{20, 10, true}}, {}});
  ASSERT_EQ(of_point.size(), 3u);
  EXPECT_GE(of_point[0].expected_iou, of_point[1].expected_iou);
  EXPECT_GE(of_point[1].expected_iou, of_point[2].expected_iou);
  for (const SegmentMask& mask : of_point) {
    EXPECT_EQ(mask.pixels.size(), cv::Size(50, 30));
    EXPECT_EQ(cv::countNonZero(mask.pixels == 255) +
                  cv::countNonZero(mask.pixels == 0),
              30 * 50);
  }
  EXPECT_EQ(segmenter->Segment({{{20, 10, true}}, {{5, 5, 40, 20}}}).size(),
            1u);
  EXPECT_EQ(segmenter->Segment({{}, {{5, 5, 40, 20}}}).size(), 1u);
}

// Also of names that say another.
TEST(Segmenter, TellsTheNetworkByTheWeights) {
  SegmenterOptions options = TinyOptions();
  options.model = "";
  std::filesystem::copy_file(options.weights_path,
                             ::testing::TempDir() + "/vit_b.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  options.weights_path = ::testing::TempDir() + "/vit_b.safetensors";
  EXPECT_THAT(Segmenter::Create(options), IsOk());
}

// MobileSAM as published, but for the values.
TEST(Segmenter, TakesMobileSam) {
  networks::sam::Sam sam(*networks::sam::SamByName("vit_t"));
  networks::test_util::FillModule("sam/", *sam);
  networks::weights::TensorMap tensors = networks::weights::StateDict(*sam);
  tensors["image_encoder.norm_head.weight"] = torch::ones({320});
  tensors["image_encoder.norm_head.bias"] = torch::zeros({320});
  tensors["image_encoder.head.weight"] = torch::zeros({1000, 320});
  tensors["image_encoder.head.bias"] = torch::zeros({1000});
  SegmenterOptions options;
  options.weights_path = ::testing::TempDir() + "/mobile_sam.pt";
  ASSERT_THAT(networks::weights::WritePytorch(options.weights_path, tensors),
              IsOk());
  auto segmenter = Segmenter::Create(options);
  ASSERT_THAT(segmenter, IsOk());
  segmenter->SetImage(RandomImage());
  const auto masks = segmenter->Segment({{{20, 10, true}}, {}});
  ASSERT_EQ(masks.size(), 3u);
  EXPECT_EQ(masks[0].pixels.size(), cv::Size(50, 30));
}

TEST(Segmenter, NamesWeightsThatDoNotFit) {
  SegmenterOptions options = TinyOptions();
  options.model = "none";
  EXPECT_THAT(Segmenter::Create(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("vit_b")));
  options.model = "vit_t";
  EXPECT_THAT(
      Segmenter::Create(options),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("these are the weights of tiny, so give --model tiny "
                         "or none")));
  options.model = "";
  options.weights_path = ::testing::TempDir() + "/other.safetensors";
  ASSERT_THAT(networks::weights::WriteSafetensors(
                  options.weights_path, {{"conv1.weight", torch::zeros({1})}}),
              IsOk());
  EXPECT_THAT(Segmenter::Create(options),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("holds none of the networks tiny, vit_t")));
  options.model = "tiny";
  options.weights_path = ::testing::TempDir() + "/text.safetensors";
  std::ofstream(options.weights_path) << "no weights";
  EXPECT_THAT(Segmenter::Create(options).status().message(),
              HasSubstr(options.weights_path));
}

TEST(Overlay, ChangesTheInsideOnly) {
  const cv::Mat before(20, 20, CV_8UC3, cv::Scalar(10, 20, 30));
  cv::Mat mask(20, 20, CV_8UC1, cv::Scalar(0));
  mask(cv::Rect(5, 5, 6, 6)).setTo(255);
  cv::Mat image = before.clone();
  DrawMask(mask, 0, image);
  cv::Mat changed;
  cv::inRange(image, cv::Scalar(10, 20, 30), cv::Scalar(10, 20, 30), changed);
  EXPECT_EQ(cv::countNonZero(~changed != mask), 0);
  DrawPrompt({{{15, 15, true}}, {{1, 1, 3, 3}}}, image);
  EXPECT_EQ(image.at<cv::Vec3b>(15, 15), cv::Vec3b(0, 160, 0));
  EXPECT_EQ(image.at<cv::Vec3b>(1, 2), cv::Vec3b(255, 220, 0));
}

}  // namespace
}  // namespace tools
