#include "networks/cpu/pixels.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/types.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "third_party/libtorch/autocast_state.h"

namespace networks::cpu {
namespace {

// Rows for one task: about 64 KB, enough to outweigh the start of a task.
int64_t RowsPerTask(const torch::Tensor& x) {
  const int64_t row = std::max<int64_t>(x.size(1) * x.size(3), 1);
  return std::max<int64_t>(16384 / row, 1);
}

// Partial sums of one image, which enough threads can share evenly.
constexpr int64_t kMostTasks = 16;

// Columns of kMostTasks partial sums that are added up at a time.
constexpr int64_t kColumnsPerSum = 1024;

// Pixels whose channels are gathered together: a cache line of each plane.
constexpr int64_t kTransposedPixels = 16;

// Calls body(sample, row) for all rows of all samples of `x`, in parallel.
template <typename Body>
void ForEachRow(const torch::Tensor& x, const Body& body) {
  const int64_t height = x.size(2);
  at::parallel_for(0, x.size(0) * height, RowsPerTask(x),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) {
                       body(i / height, i % height);
                     }
                   });
}

template <typename Float>
PixelView<Float> ViewOf(const torch::Tensor& x, int64_t b) {
  return {x.data_ptr<float>() + b * x.stride(0),
          x.size(2),
          x.size(3),
          x.size(1),
          x.stride(2),
          x.stride(3)};
}

ChannelAffineRelu ActivationOf(const ChannelAffine& affine, int64_t sample) {
  const int64_t offset = sample * affine.scale.size(1);
  return {affine.scale.data_ptr<float>() + offset,
          affine.shift.data_ptr<float>() + offset};
}

void CheckOutput(const torch::Tensor& out, int64_t batch, int64_t channels,
                 int64_t height, int64_t width) {
  TORCH_CHECK(
      out.sizes() == torch::IntArrayRef({batch, channels, height, width}) &&
          out.stride(1) == 1,
      "networks::cpu: out must be a channels_last [", batch, ", ", channels,
      ", ", height, ", ", width, "], is ", out.sizes(), " with strides ",
      out.strides());
}

bool KernelsServe(const torch::Tensor& x) {
  return BestKernels() != nullptr && x.device().is_cpu() &&
         x.scalar_type() == torch::kFloat32;
}

// Along one axis: the pixels on both sides of an output, and how much the
// second one counts.
struct Between {
  int64_t low, high;
  float share;
};

std::vector<Between> PlacesOfOutputs(int64_t in, int64_t out) {
  const float step =
      out > 1 ? static_cast<float>(in - 1) / static_cast<float>(out - 1) : 0;
  std::vector<Between> places;
  for (int64_t i = 0; i < out; ++i) {
    const float position = step * static_cast<float>(i);
    const int64_t low = std::min(static_cast<int64_t>(position), in - 1);
    const float share = position - static_cast<float>(low);
    places.push_back({low, std::min(low + 1, in - 1), share});
  }
  return places;
}

// The sum over all rows of sample b of what add(y, sums, sums + C) adds to two
// rows of sums: [2, C] float64.
template <typename Add>
torch::Tensor SumRows(const torch::Tensor& x, const Add& add) {
  const int64_t channels = x.size(1), height = x.size(2);
  const int64_t grain = std::max(RowsPerTask(x), height / kMostTasks + 1);
  const int64_t tasks = (height + grain - 1) / grain;
  // One partial sum a task, whatever thread runs it: the result depends neither
  // on the schedule nor on the number of threads.
  torch::Tensor partial = torch::zeros({tasks, 2, channels}, torch::kFloat64);
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      double* sums = partial.data_ptr<double>() + task * 2 * channels;
      const int64_t last = std::min((task + 1) * grain, height);
      for (int64_t y = task * grain; y < last; ++y) {
        add(y, sums, sums + channels);
      }
    }
  });
  // In pieces too small for LibTorch to share among threads, since it adds up
  // in another order at the ends of each thread's share.
  const torch::Tensor columns = partial.view({tasks, 2 * channels});
  std::vector<torch::Tensor> sums;
  for (int64_t c = 0; c < 2 * channels; c += kColumnsPerSum) {
    sums.push_back(
        columns.slice(1, c, std::min(c + kColumnsPerSum, 2 * channels)).sum(0));
  }
  return torch::cat(sums).view({2, channels});
}

// Into `out`, or over what it has.
void WarpInto(const torch::Tensor& image, const torch::Tensor& grid,
              const torch::Tensor& factor, bool over, torch::Tensor& out) {
  RECORD_USER_SCOPE_WITH_INPUTS("cpu::Warp",
                                std::vector<c10::IValue>({image, grid}));
  const torch::Tensor in = WithChannelsLast(image);
  const torch::Tensor points = grid.contiguous();
  const torch::Tensor gains = factor.defined() ? factor.contiguous() : factor;
  const int64_t height = grid.size(1), width = grid.size(2);
  TORCH_CHECK(grid.dim() == 4 && grid.size(3) == 2 && grid.is_cpu() &&
                  (!factor.defined() || factor.is_cpu()),
              "networks::cpu::Warp: grid must be [B, H, W, 2] on the CPU, and "
              "factor, too; grid is ",
              grid.sizes(), " on ", grid.device());
  TORCH_CHECK(image.size(0) == grid.size(0) || image.size(0) == 1,
              "networks::cpu::Warp: ", image.size(0), " images for ",
              grid.size(0), " grids");
  TORCH_CHECK(!gains.defined() || gains.numel() == points.numel() / 2,
              "networks::cpu::Warp: factor ", factor.sizes(), " for grid ",
              grid.sizes());
  CheckOutput(out, grid.size(0), image.size(1), height, width);
  const Kernels& kernels = *BestKernels();
  const int64_t size = height * width;
  ForEachRow(out, [&](int64_t b, int64_t y) {
    kernels.warp(SampleOf(in, in.size(0) == 1 ? 0 : b),
                 points.data_ptr<float>() + b * size * 2,
                 gains.defined() ? gains.data_ptr<float>() + b * size : nullptr,
                 over, y, MutableSampleOf(out, b));
  });
}

}  // namespace

bool Available(const torch::Tensor& x) {
  return AvailableInFloat32(x) && !libtorch::IsAutocastOn(c10::kCPU);
}

bool AvailableInFloat32(const torch::Tensor& x) {
  return !torch::GradMode::is_enabled() && KernelsServe(x);
}

bool AvailableInTraining(const torch::Tensor& x) {
  return torch::GradMode::is_enabled() && KernelsServe(x) &&
         !libtorch::IsAutocastOn(c10::kCPU) && !torch::jit::tracer::isTracing();
}

InstanceMoments MomentsOf(const torch::Tensor& x, double epsilon) {
  RECORD_USER_SCOPE_WITH_INPUTS("cpu::MomentsOf",
                                std::vector<c10::IValue>({x}));
  const Kernels& kernels = *BestKernels();
  const torch::Tensor image = WithChannelsLast(x);
  const double count = static_cast<double>(x.size(2) * x.size(3));
  std::vector<torch::Tensor> means, deviations;
  for (int64_t b = 0; b < x.size(0); ++b) {
    // Moments about one of the values lose nothing to a mean far from zero.
    const torch::Tensor origin =
        image.select(0, b).select(2, 0).select(1, 0).contiguous();  // [C]
    const torch::Tensor moments =
        SumRows(image,
                [&, pixels = SampleOf(image, b)](int64_t y, double* sum,
                                                 double* sum_of_squares) {
                  kernels.accumulate_moments(
                      pixels, y, origin.data_ptr<float>(), sum, sum_of_squares);
                }) /
        count;
    means.push_back(moments[0] + origin);
    deviations.push_back((moments[1] - moments[0].square()).clamp_min(0));
  }
  return {torch::stack(means),
          torch::rsqrt(torch::stack(deviations) + epsilon)};
}

ChannelAffine InstanceNormAffine(const InstanceMoments& moments,
                                 const torch::Tensor& weight,
                                 const torch::Tensor& bias) {
  const torch::Tensor scale = weight * moments.inverse_deviation;
  return {scale.to(torch::kFloat32),
          (bias - moments.mean * scale).to(torch::kFloat32)};
}

ChannelAffine InstanceNormAffine(const torch::Tensor& x,
                                 const torch::Tensor& weight,
                                 const torch::Tensor& bias, double epsilon) {
  return InstanceNormAffine(MomentsOf(x, epsilon), weight, bias);
}

InstanceNormGradient PullBackInstanceNorm(const torch::Tensor& x,
                                          const InstanceMoments& moments,
                                          const ChannelAffine& affine,
                                          const torch::Tensor& of_output) {
  const Kernels& kernels = *BestKernels();
  const torch::Tensor in = WithChannelsLast(x);
  const torch::Tensor g = WithChannelsLast(of_output);
  const torch::Tensor mean = moments.mean.to(torch::kFloat32);
  const int64_t channels = x.size(1);
  std::vector<torch::Tensor> sums;
  for (int64_t b = 0; b < x.size(0); ++b) {
    const float* origin = mean.data_ptr<float>() + b * channels;
    sums.push_back(
        SumRows(in, [&, image = SampleOf(in, b), gradient = SampleOf(g, b),
                     activation = ActivationOf(affine, b)](
                        int64_t y, double* sum, double* sum_of_products) {
          kernels.accumulate_gradient(image, gradient, activation, y, origin,
                                      sum, sum_of_products);
        }));
  }
  const std::vector<torch::Tensor> both = torch::stack(sums).unbind(1);
  const torch::Tensor &sum = both[0], &products = both[1];  // [B, C]

  // Mean and deviation depend on x, too: with n = (x - mean) / deviation, the
  // gradient in x is scale (g - mean(g) - n mean(g n)).
  const double count = static_cast<double>(x.size(2) * x.size(3));
  const torch::Tensor slope =
      -affine.scale * products * moments.inverse_deviation.square() / count;
  const torch::Tensor offset =
      (-affine.scale * sum / count - slope * moments.mean)
          .to(torch::kFloat32)
          .contiguous();
  const torch::Tensor slope32 = slope.to(torch::kFloat32).contiguous();
  torch::Tensor of_x =
      EmptyChannelsLast(x.size(0), channels, x.size(2), x.size(3));
  ForEachRow(in, [&](int64_t b, int64_t y) {
    kernels.pull_back_activation(
        SampleOf(in, b), SampleOf(g, b), ActivationOf(affine, b),
        slope32.data_ptr<float>() + b * channels,
        offset.data_ptr<float>() + b * channels, y, MutableSampleOf(of_x, b));
  });
  return {of_x,
          (products * moments.inverse_deviation).sum(0).to(torch::kFloat32),
          sum.sum(0).to(torch::kFloat32)};
}

void CheckAffine(const char* who, const ChannelAffine& affine, int64_t batch,
                 int64_t channels) {
  for (const torch::Tensor& factors : {affine.scale, affine.shift}) {
    TORCH_CHECK(factors.defined() && factors.numel() == batch * channels &&
                    factors.is_contiguous() && factors.is_cpu(),
                who, ": scale and shift must be contiguous [", batch, ", ",
                channels, "] on the CPU, one is ", factors.sizes());
  }
}

torch::Tensor Activate(const torch::Tensor& x, const ChannelAffine& affine,
                       torch::Tensor out) {
  RECORD_USER_SCOPE_WITH_INPUTS("cpu::Activate", std::vector<c10::IValue>({x}));
  CheckAffine("networks::cpu::Activate", affine, x.size(0), x.size(1));
  const torch::Tensor in = WithChannelsLast(x);
  out = OutputLike(std::move(out), x.size(0), x.size(1), x.size(2), x.size(3));
  const Kernels& kernels = *BestKernels();
  ForEachRow(in, [&](int64_t b, int64_t y) {
    kernels.activate(SampleOf(in, b), ActivationOf(affine, b), y,
                     MutableSampleOf(out, b));
  });
  return out;
}

torch::Tensor Warp(const torch::Tensor& image, const torch::Tensor& grid,
                   const torch::Tensor& factor) {
  torch::Tensor out = EmptyChannelsLast(grid.size(0), image.size(1),
                                        grid.size(1), grid.size(2));
  WarpInto(image, grid, factor, /*over=*/false, out);
  return out;
}

void WarpOver(const torch::Tensor& image, const torch::Tensor& grid,
              const torch::Tensor& factor, torch::Tensor& out) {
  WarpInto(image, grid, factor, /*over=*/true, out);
}

torch::Tensor ResizeBilinear(const torch::Tensor& x, int64_t height,
                             int64_t width) {
  RECORD_USER_SCOPE_WITH_INPUTS("cpu::ResizeBilinear",
                                std::vector<c10::IValue>({x}));
  const torch::Tensor in = WithChannelsLast(x);
  torch::Tensor out = EmptyChannelsLast(x.size(0), x.size(1), height, width);
  const std::vector<Between> rows = PlacesOfOutputs(x.size(2), height);
  const std::vector<Between> columns = PlacesOfOutputs(x.size(3), width);
  ForEachRow(out, [&](int64_t b, int64_t y) {
    const ConstPixels image = SampleOf(in, b);
    const Pixels to = MutableSampleOf(out, b);
    const Between& row = rows[y];
    for (int64_t i = 0; i < width; ++i) {
      const Between& column = columns[i];
      const float* p00 = image.pixel(row.low, column.low);
      const float* p01 = image.pixel(row.low, column.high);
      const float* p10 = image.pixel(row.high, column.low);
      const float* p11 = image.pixel(row.high, column.high);
      float* value = to.pixel(y, i);
      for (int64_t c = 0; c < image.channels; ++c) {
        const float upper = p00[c] + column.share * (p01[c] - p00[c]);
        const float lower = p10[c] + column.share * (p11[c] - p10[c]);
        value[c] = upper + row.share * (lower - upper);
      }
    }
  });
  return out;
}

torch::Tensor EmptyChannelsLast(int64_t batch, int64_t channels, int64_t height,
                                int64_t width) {
  // By strides rather than by memory format, which is ambiguous for one channel
  // or one pixel; and not a view, which autograd does not let change in place.
  return torch::empty_strided(
      {batch, channels, height, width},
      {height * width * channels, 1, width * channels, channels},
      torch::kFloat32);
}

torch::Tensor OutputLike(torch::Tensor out, int64_t batch, int64_t channels,
                         int64_t height, int64_t width) {
  if (!out.defined()) return EmptyChannelsLast(batch, channels, height, width);
  CheckOutput(out, batch, channels, height, width);
  return out;
}

torch::Tensor WithChannelsLast(const torch::Tensor& x) {
  if (x.stride(1) == 1 || x.size(1) == 1) return x;
  RECORD_USER_SCOPE_WITH_INPUTS("cpu::WithChannelsLast",
                                std::vector<c10::IValue>({x}));
  torch::Tensor out =
      EmptyChannelsLast(x.size(0), x.size(1), x.size(2), x.size(3));
  if (!x.is_contiguous() || x.scalar_type() != torch::kFloat32) {
    return out.copy_(x);
  }
  // LibTorch copies float by float along a plane, each to another cache line.
  const int64_t channels = x.size(1), pixels = x.size(2) * x.size(3);
  const int64_t blocks = (pixels + kTransposedPixels - 1) / kTransposedPixels;
  const float* from = x.data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, x.size(0) * blocks, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / blocks * channels * pixels;
      const int64_t first = i % blocks * kTransposedPixels;
      const int64_t last = std::min(first + kTransposedPixels, pixels);
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t p = first; p < last; ++p) {
          to[image + p * channels + c] = from[image + c * pixels + p];
        }
      }
    }
  });
  return out;
}

ConstPixels SampleOf(const torch::Tensor& x, int64_t b) {
  return ViewOf<const float>(x, b);
}

Pixels MutableSampleOf(torch::Tensor& x, int64_t b) {
  return ViewOf<float>(x, b);
}

}  // namespace networks::cpu
