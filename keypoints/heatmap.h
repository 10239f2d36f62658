// Keypoints as heatmaps: one Gaussian each.
//
// Source: [FOMM] Eq. (6); create_heatmap_representations in
// modules/dense_motion.py of the code of [CPABMM].
#ifndef KEYPOINTS_HEATMAP_H_
#define KEYPOINTS_HEATMAP_H_

#include <torch/types.h>

#include <cstdint>

namespace keypoints {

// Of a bump, in the units of [-1, 1]; the original's only value.
constexpr double kHeatmapVariance = 0.01;

// exp(-|x - keypoint|^2 / (2 variance)) at every pixel x, in the coordinates of
// networks::CoordinateGrid.
//
// points: [B, K, 2] in [-1, 1]. Returns [B, K, height, width], peak 1,
// differentiable in the keypoints.
torch::Tensor GaussianHeatmaps(const torch::Tensor& points, int64_t height,
                               int64_t width,
                               double variance = kHeatmapVariance);

// What dense motion sees of the keypoints: one channel of zeros, for the
// background, then driving minus source heatmaps.
//
// driving, source: [B, K, 2]; a source of batch size 1 is shared.
// Returns [B, K + 1, height, width].
torch::Tensor HeatmapDifference(const torch::Tensor& driving,
                                const torch::Tensor& source, int64_t height,
                                int64_t width,
                                double variance = kHeatmapVariance);

}  // namespace keypoints

#endif  // KEYPOINTS_HEATMAP_H_
