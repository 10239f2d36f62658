#include "pipelines/evaluation/puppet_metrics.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

constexpr int kMinMeasuredSize = 64;

absl::Status CheckFlow(const cv::Mat& flow) {
  if (flow.type() != CV_32FC2 || flow.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a flow is CV_32FC2 with at least one pixel, not of type ",
                     flow.type(), " and ", flow.rows, " x ", flow.cols));
  }
  for (int row = 0; row < flow.rows; ++row) {
    for (int column = 0; column < flow.cols; ++column) {
      const auto& place = flow.at<cv::Vec2f>(row, column);
      if (!std::isfinite(place[0]) || !std::isfinite(place[1])) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the flow is not finite at row ", row, ", column ", column));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFrame(const puppets::Truth& truth, int frame) {
  const auto num_frames = static_cast<int>(truth.frames.size());
  if (frame >= 0 && frame < num_frames) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("frame ", frame, " is not one of ", num_frames));
}

// The flow at a point of [-1, 1]^2, bilinear, constant beyond the border.
puppets::Point2 FlowAt(const cv::Mat& flow, puppets::Point2 p) {
  const auto split = [](double x, int size, int& low, int& high) {
    const double pixel = std::clamp((x + 1) / 2 * (size - 1), 0.0, size - 1.0);
    low = static_cast<int>(pixel);
    high = std::min(low + 1, size - 1);
    return pixel - low;
  };
  int left, right, top, bottom;
  const double u = split(p.x, flow.cols, left, right);
  const double v = split(p.y, flow.rows, top, bottom);
  const auto at = [&](int row, int column) {
    const auto& place = flow.at<cv::Vec2f>(row, column);
    return puppets::Point2{place[0], place[1]};
  };
  return (1 - v) * ((1 - u) * at(top, left) + u * at(top, right)) +
         v * ((1 - u) * at(bottom, left) + u * at(bottom, right));
}

void MeasureFlow(const puppets::Truth& truth, int source, int driving,
                 const cv::Mat& flow, PuppetMetrics& metrics) {
  // At the flow's own pixels, but at least as many as a small frame has: a
  // coarse flow is to be judged by what it does to the picture.
  const int size = std::max({flow.rows, flow.cols, kMinMeasuredSize});
  const cv::Mat expected =
      puppets::SourceFromDriving(truth, source, driving, size);
  const cv::Mat layers = puppets::TopLayers(truth, driving, size);
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const auto& origin = expected.at<cv::Vec3f>(row, column);
      if (origin[2] == 0) continue;
      const puppets::Point2 pixel{2.0 * column / (size - 1) - 1,
                                  2.0 * row / (size - 1) - 1};
      const double error = puppets::Length(
          FlowAt(flow, pixel) - puppets::Point2{origin[0], origin[1]});
      metrics.flow_error_sum += error;
      ++metrics.flow_pixels;
      if (layers.at<int>(row, column) == 0) continue;
      metrics.puppet_error_sum += error;
      ++metrics.puppet_pixels;
    }
  }
}

void MeasureJoints(const puppets::Truth& truth, int source, int driving,
                   const cv::Mat& flow, double pck_radius,
                   PuppetMetrics& metrics) {
  for (int joint = 0; joint < puppets::kNumJoints; ++joint) {
    const puppets::JointState& from = truth.frames[source].joints[joint];
    const puppets::JointState& to = truth.frames[driving].joints[joint];
    if (!from.visible || !to.visible) continue;
    const double error =
        puppets::Length(FlowAt(flow, to.position) - from.position);
    metrics.joint_error_sum += error;
    metrics.correct_joints += error <= pck_radius;
    ++metrics.joints;
  }
}

double Ratio(double sum, int64_t count) {
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

}  // namespace

PuppetMetrics& PuppetMetrics::operator+=(const PuppetMetrics& other) {
  joint_error_sum += other.joint_error_sum;
  joints += other.joints;
  correct_joints += other.correct_joints;
  flow_error_sum += other.flow_error_sum;
  flow_pixels += other.flow_pixels;
  puppet_error_sum += other.puppet_error_sum;
  puppet_pixels += other.puppet_pixels;
  return *this;
}

double PuppetMetrics::JointTransferError() const {
  return Ratio(joint_error_sum, joints);
}
double PuppetMetrics::Pck() const {
  return Ratio(static_cast<double>(correct_joints), joints);
}
double PuppetMetrics::FlowEndPointError() const {
  return Ratio(flow_error_sum, flow_pixels);
}
double PuppetMetrics::PuppetFlowEndPointError() const {
  return Ratio(puppet_error_sum, puppet_pixels);
}

absl::StatusOr<PuppetMetrics> MeasurePuppetMotion(const puppets::Truth& truth,
                                                  int source, int driving,
                                                  const cv::Mat& flow,
                                                  double pck_radius) {
  RETURN_IF_ERROR(CheckFlow(flow));
  RETURN_IF_ERROR(CheckFrame(truth, source));
  RETURN_IF_ERROR(CheckFrame(truth, driving));
  PuppetMetrics metrics;
  MeasureFlow(truth, source, driving, flow, metrics);
  MeasureJoints(truth, source, driving, flow, pck_radius, metrics);
  return metrics;
}

}  // namespace pipelines
