#include "tools/segment/overlay.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "opencv2/imgproc.hpp"

namespace tools {

namespace {

// Neighbouring indices get far hues: steps of the golden section of the circle.
cv::Scalar ColourOf(int index) {
  const double turns = std::fmod(0.6 + index * 0.618034, 1.0);
  const cv::Mat hsv(1, 1, CV_8UC3, cv::Scalar(turns * 180, 200, 255));
  cv::Mat rgb;
  cv::cvtColor(hsv, rgb, cv::COLOR_HSV2RGB);
  const cv::Vec3b colour = rgb.at<cv::Vec3b>(0, 0);
  return {double(colour[0]), double(colour[1]), double(colour[2])};
}

int LineWidth(const cv::Mat& image) {
  return std::max(1, std::max(image.rows, image.cols) / 300);
}

cv::Point Round(double x, double y) {
  return {static_cast<int>(std::lround(x)), static_cast<int>(std::lround(y))};
}

}  // namespace

void DrawMask(const cv::Mat& mask, int index, cv::Mat& image) {
  const cv::Scalar colour = ColourOf(index);
  cv::Mat tinted;
  cv::addWeighted(image, 0.5, cv::Mat(image.size(), image.type(), colour), 0.5,
                  0, tinted);
  tinted.copyTo(image, mask);
  std::vector<std::vector<cv::Point>> outlines;
  cv::findContours(mask, outlines, cv::RETR_CCOMP, cv::CHAIN_APPROX_NONE);
  cv::drawContours(image, outlines, -1, colour, LineWidth(image));
}

void DrawPrompt(const SegmentPrompt& prompt, cv::Mat& image) {
  const int width = LineWidth(image);
  for (const Box& box : prompt.boxes) {
    cv::rectangle(image, Round(box.left, box.top), Round(box.right, box.bottom),
                  {255, 220, 0}, width);
  }
  for (const LabelledPoint& point : prompt.points) {
    const cv::Point centre = Round(point.x, point.y);
    cv::circle(image, centre, 4 * width, {255, 255, 255}, cv::FILLED);
    cv::circle(image, centre, 3 * width,
               point.foreground ? cv::Scalar(0, 160, 0) : cv::Scalar(220, 0, 0),
               cv::FILLED);
  }
}

}  // namespace tools
