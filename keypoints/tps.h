// Random thin-plate-spline warps, the known motion of the equivariance loss.
//
// Source: [FOMM] Sec. 3.3, "equivariance constraint"; the numbers are those of
// its code, the kernel is that of TPS (mode "random") in modules/util.py of the
// code of [TPS].
#ifndef KEYPOINTS_TPS_H_
#define KEYPOINTS_TPS_H_

#include <torch/types.h>

#include <cstdint>

namespace keypoints {

struct RandomTpsOptions {
  double sigma_affine = 0.05;  // of each entry of the affine part
  double sigma_tps = 0.005;    // of each control point's weight
  int64_t points_tps = 5;      // control points a side, a regular grid
};

// A batch of maps of the plane, coordinates in [-1, 1]:
//
//   T(x) = A [x; 1] + (1, 1) sum_i w_i U(|x - c_i|^2),  U(s) = s log(s + 1e-9).
//
// The bent term is the same for x and y, as in the original ([FOMM] too).
// Copyable; copies share the tensors.
class RandomTps {
 public:
  // A = [1 0 0; 0 1 0] + noise, w = noise, both normal, drawn on the CPU from
  // `generator` and moved to `device`: the draw does not depend on the device.
  static RandomTps Sample(int64_t batch, const RandomTpsOptions& options,
                          torch::Generator generator,
                          torch::Device device = torch::kCPU);

  // affine: [B, 2, 3]. weights: [B, n * n], for control points in rows.
  RandomTps(torch::Tensor affine, torch::Tensor weights);

  // The maps first .. first + count - 1 of the batch. Memory is shared.
  RandomTps Narrow(int64_t first, int64_t count) const;

  // T of points [B, N, 2] or [1, N, 2]: [B, N, 2], differentiable in them.
  torch::Tensor WarpCoordinates(const torch::Tensor& points) const;

  // The image whose pixel x shows `frame` [B, C, H, W] at T(x), reflected at
  // the border. Bilinear. Returns [B, C, H, W], differentiable in `frame`.
  torch::Tensor TransformFrame(const torch::Tensor& frame) const;

  // T at every pixel: [B, height, width, 2].
  torch::Tensor Grid(int64_t height, int64_t width) const;

 private:
  torch::Tensor affine_;
  torch::Tensor weights_;
  torch::Tensor control_points_;  // [n * n, 2]
};

}  // namespace keypoints

#endif  // KEYPOINTS_TPS_H_
