#include "pipelines/evaluation/pose_metrics.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using Key = std::tuple<const std::string&, const int64_t&>;

Key KeyOf(const Detection& detection) {
  return std::tie(detection.clip, detection.frame);
}

absl::Status Unpaired(const Detection& detection, const char* other) {
  return absl::InvalidArgumentError(absl::StrCat(
      detection.place, ": the ", other, " side has no frame ", detection.frame,
      detection.clip.empty()
          ? ""
          : absl::StrCat(" of clip '", detection.clip, "'")));
}

// Every frame is on both sides, with as many values.
absl::Status CheckPairs(const std::vector<Detection>& real,
                        const std::vector<Detection>& generated) {
  if (real.empty() || generated.empty()) {
    return absl::InvalidArgumentError("there are no frames to compare");
  }
  const size_t common = std::min(real.size(), generated.size());
  for (size_t i = 0; i < common; ++i) {
    if (KeyOf(real[i]) < KeyOf(generated[i])) {
      return Unpaired(real[i], "generated");
    }
    if (KeyOf(generated[i]) < KeyOf(real[i])) {
      return Unpaired(generated[i], "real");
    }
  }
  if (real.size() > common) return Unpaired(real[common], "generated");
  if (generated.size() > common) return Unpaired(generated[common], "real");
  if (real[0].values.size() == generated[0].values.size()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      generated[0].place, ": has ", generated[0].values.size(), " values, but ",
      real[0].place, " has ", real[0].values.size()));
}

struct Mean {
  double sum = 0;
  int64_t count = 0;

  void Add(double value) {
    sum += value;
    ++count;
  }
  double Value() const {
    return count > 0 ? sum / static_cast<double>(count) : 0;
  }
};

void AddFrame(const std::vector<double>& real,
              const std::vector<double>& generated, Mean& distance,
              Mean& missing_rate) {
  Mean coordinates, missing;
  for (size_t x = 0; x + 1 < real.size(); x += 2) {
    if (real[x] == kMissingKeypoint) continue;
    const bool found = generated[x] != kMissingKeypoint;
    missing.Add(found ? 0 : 1);
    if (!found) continue;
    coordinates.Add(std::abs(real[x] - generated[x]));
    coordinates.Add(std::abs(real[x + 1] - generated[x + 1]));
  }
  if (coordinates.count > 0) distance.Add(coordinates.Value());
  if (missing.count > 0) missing_rate.Add(missing.Value());
}

}  // namespace

absl::StatusOr<KeypointScore> CompareKeypoints(
    const std::vector<Detection>& real,
    const std::vector<Detection>& generated) {
  RETURN_IF_ERROR(CheckPairs(real, generated));
  Mean distance, missing_rate;
  for (size_t i = 0; i < real.size(); ++i) {
    AddFrame(real[i].values, generated[i].values, distance, missing_rate);
  }
  if (distance.count == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        generated[0].place,
        ": in no frame was a keypoint found on both sides, from here on"));
  }
  return KeypointScore{distance.Value(), distance.count, missing_rate.Value(),
                       missing_rate.count};
}

absl::StatusOr<EmbeddingScore> CompareEmbeddings(
    const std::vector<Detection>& real,
    const std::vector<Detection>& generated) {
  RETURN_IF_ERROR(CheckPairs(real, generated));
  Mean squared, distance;
  for (size_t i = 0; i < real.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < real[i].values.size(); ++j) {
      const double d = real[i].values[j] - generated[i].values[j];
      sum += d * d;
    }
    squared.Add(sum);
    distance.Add(std::sqrt(sum));
  }
  return EmbeddingScore{squared.Value(), distance.Value(), squared.count};
}

}  // namespace pipelines
