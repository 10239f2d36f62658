// Passes over channels_last images on the CPU, without autograd.
//
// Each function has a twin in LibTorch's operators, named in its comment, that
// the networks use where these are not available and the tests compare with.
#ifndef NETWORKS_CPU_PIXELS_H_
#define NETWORKS_CPU_PIXELS_H_

#include <torch/types.h>

#include "networks/cpu/kernels.h"

namespace networks::cpu {

// Whether the functions here and in networks/cpu/winograd.h serve `x`: float32
// on a CPU with the vector instructions, with autograd and autocast off.
bool Available(const torch::Tensor& x);

// The same, but also within autocast: for functions that it leaves in float32.
bool AvailableInFloat32(const torch::Tensor& x);

// As Available with autograd on, for the kernels with gradients; not while
// LibTorch's tracer records operators, which these are not.
bool AvailableInTraining(const torch::Tensor& x);

// relu(x * scale + shift), one pair for each channel of each sample: [B, C].
struct ChannelAffine {
  torch::Tensor scale;
  torch::Tensor shift;
};

// Of every channel of every sample of x [B, C, H, W] over its pixels, [B, C]
// float64: the mean, and the reciprocal of the (biased) standard deviation with
// `epsilon` added to the variance.
struct InstanceMoments {
  torch::Tensor mean;
  torch::Tensor inverse_deviation;
};
InstanceMoments MomentsOf(const torch::Tensor& x, double epsilon);

// The instance normalisation of x with the affine map `weight`, `bias` [C], as
// a ChannelAffine: relu(torch::instance_norm(x)) is Activate(x, affine).
ChannelAffine InstanceNormAffine(const InstanceMoments& moments,
                                 const torch::Tensor& weight,
                                 const torch::Tensor& bias);
ChannelAffine InstanceNormAffine(const torch::Tensor& x,
                                 const torch::Tensor& weight,
                                 const torch::Tensor& bias, double epsilon);

// c10::Error, which names `who`, unless scale and shift are contiguous [B, C]
// on the CPU.
void CheckAffine(const char* who, const ChannelAffine& affine, int64_t batch,
                 int64_t channels);

// relu(x * scale + shift) of x [B, C, H, W], channels_last, or into `out`
// (which may be x, or a channel slice of a wider channels_last image).
torch::Tensor Activate(const torch::Tensor& x, const ChannelAffine& affine,
                       torch::Tensor out = {});

// The gradients of relu(instance_norm(x)), given the gradient `of_output` in
// it. `moments` and `affine` are those of x.
struct InstanceNormGradient {
  torch::Tensor x;       // [B, C, H, W], channels_last
  torch::Tensor weight;  // [C]
  torch::Tensor bias;    // [C]
};
InstanceNormGradient PullBackInstanceNorm(const torch::Tensor& x,
                                          const InstanceMoments& moments,
                                          const ChannelAffine& affine,
                                          const torch::Tensor& of_output);

// torch::grid_sampler (bilinear, zeros, align_corners) of `image`
// [B or 1, C, H, W] at `grid` [B, H', W', 2], times `factor` [B, 1, H', W']
// unless undefined; channels_last.
torch::Tensor Warp(const torch::Tensor& image, const torch::Tensor& grid,
                   const torch::Tensor& factor);

// out * (1 - factor) + Warp(image, grid, factor), in place; `out` [B, C, H',
// W'] is channels_last, `factor` defined.
void WarpOver(const torch::Tensor& image, const torch::Tensor& grid,
              const torch::Tensor& factor, torch::Tensor& out);

// torch::upsample_bilinear2d with align_corners of x [B, C, H, W] to [B, C,
// height, width], channels_last.
torch::Tensor ResizeBilinear(const torch::Tensor& x, int64_t height,
                             int64_t width);

// An uninitialised [batch, channels, height, width] in channels_last.
torch::Tensor EmptyChannelsLast(int64_t batch, int64_t channels, int64_t height,
                                int64_t width);

// `out`, of which that size and consecutive channels are checked; if undefined,
// EmptyChannelsLast.
torch::Tensor OutputLike(torch::Tensor out, int64_t batch, int64_t channels,
                         int64_t height, int64_t width);

// `x` itself if its channels are consecutive in memory, else a copy that is.
torch::Tensor WithChannelsLast(const torch::Tensor& x);

// Sample `b` of an image whose channels are consecutive.
ConstPixels SampleOf(const torch::Tensor& x, int64_t b);
Pixels MutableSampleOf(torch::Tensor& x, int64_t b);

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_PIXELS_H_
