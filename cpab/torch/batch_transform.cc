#include "cpab/torch/batch_transform.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cpab/torch/aten_parallel.h"
#include "cpab/torch/flow_function.h"
#include "cpab/torch/once_differentiable.h"

namespace cpab {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [B, C, *size], the last axis being x.
template <typename Scalar>
SampleArray<Scalar> SamplesOf(const Tensor& data, Scalar* memory) {
  SampleArray<Scalar> samples;
  samples.data = memory;
  samples.batch_stride = data.stride(0);
  samples.channel_stride = data.stride(1);
  for (int64_t a = 0; a + 2 < data.dim(); ++a) {
    samples.axis_strides[a] = data.stride(data.dim() - 1 - a);
  }
  return samples;
}

// No argument of autograd's own, where an undefined tensor is none.
struct InterpolationRest {
  Tensor lengths;  // May be undefined.
  Beyond beyond;
};

InterpolationShape ShapeOf(const Tensor& data, const Tensor& points,
                           const InterpolationRest& rest) {
  InterpolationShape shape;
  shape.dimensions = static_cast<int>(data.dim()) - 2;
  shape.batch = data.size(0);
  shape.channels = data.size(1);
  for (int a = 0; a < shape.dimensions; ++a) {
    shape.size[a] = data.size(data.dim() - 1 - a);
  }
  shape.num_points = points.size(1);
  shape.beyond = rest.beyond;
  if (rest.lengths.defined()) shape.lengths = rest.lengths.data_ptr<int64_t>();
  return shape;
}

// Linear interpolation of data [B, C, *size] at points [B, N, D]: [B, C, N].
class InterpolateFunction
    : public torch::autograd::Function<InterpolateFunction> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& data,
                        const Tensor& points, const InterpolationRest& rest) {
    const Tensor samples = data.detach(), x = points.detach();
    const InterpolationShape shape = ShapeOf(samples, x, rest);
    Tensor values = torch::empty({data.size(0), data.size(1), x.size(1)},
                                 data.options().requires_grad(false));
    AT_DISPATCH_FLOATING_TYPES(data.scalar_type(), "cpab::Interpolate", [&] {
      Interpolate<scalar_t>(
          shape,
          SamplesOf<const scalar_t>(samples, samples.data_ptr<scalar_t>()),
          PointsOf<scalar_t>(x),
          ComponentsFirst(values.data_ptr<scalar_t>(), data.size(1), x.size(1)),
          AtenParallelFor);
    });
    context->save_for_backward({samples, x});
    Keep(context, rest);
    return values;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& gradients) {
    CheckDifferentiatedOnce("cpab::Interpolate");
    const auto saved = context->get_saved_variables();
    const Tensor &data = saved[0], &x = saved[1];
    const InterpolationRest rest = KeptOf<InterpolationRest>(context);
    const InterpolationShape shape = ShapeOf(data, x, rest);
    const Tensor pull = gradients[0].contiguous();
    Tensor dl_ddata = torch::zeros(data.sizes(), data.options());
    Tensor dl_dx = torch::empty(x.sizes(), x.options());
    AT_DISPATCH_FLOATING_TYPES(data.scalar_type(), "cpab::Interpolate", [&] {
      const auto dl_dvalues = ComponentsFirst<const scalar_t>(
          pull.data_ptr<scalar_t>(), data.size(1), x.size(1));
      InterpolatePullback<scalar_t>(
          shape, SamplesOf<const scalar_t>(data, data.data_ptr<scalar_t>()),
          PointsOf<scalar_t>(x), dl_dvalues,
          SamplesOf<scalar_t>(dl_ddata, dl_ddata.data_ptr<scalar_t>()),
          MutablePointsOf<scalar_t>(dl_dx), AtenParallelFor);
    });
    return {dl_ddata, dl_dx, Tensor()};
  }
};

void CheckLike(const char* name, const Tensor& tensor, const Tensor& theta) {
  TORCH_CHECK(tensor.scalar_type() == theta.scalar_type() &&
                  tensor.device() == theta.device(),
              "theta is ", theta.scalar_type(), " on ", theta.device(), ", ",
              name, " are ", tensor.scalar_type(), " on ", tensor.device());
}

// points: [B, N, D] or [1, N, D], checked.
template <int D, typename AnyFlow, typename AnyBasis>
Tensor ApplyFlow(const std::shared_ptr<const AnyBasis>& basis,
                 const Tensor& theta, const Tensor& points) {
  return FlowFunction<D, AnyFlow>::apply(theta.to(torch::kCPU),
                                         points.to(torch::kCPU), basis)
      .to(theta.device());
}

Tensor InterpolateAt(const Tensor& data, const Tensor& points,
                     const Tensor& lengths, Beyond beyond) {
  return InterpolateFunction::apply(data.to(torch::kCPU),
                                    points.to(torch::kCPU),
                                    InterpolationRest{lengths, beyond})
      .to(data.device());
}

void CheckLengths(const Tensor& lengths, int64_t batch, int64_t size) {
  TORCH_CHECK(lengths.dim() == 1 && lengths.size(0) == batch &&
                  lengths.scalar_type() == torch::kInt64 && lengths.is_cpu(),
              "lengths must be [", batch, "] int64 on the CPU, are ",
              lengths.sizes(), " ", lengths.scalar_type(), " on ",
              lengths.device());
  TORCH_CHECK(batch == 0 || (lengths.min().item<int64_t>() >= 1 &&
                             lengths.max().item<int64_t>() <= size),
              "lengths must be 1 to ", size, ", are ", lengths);
}

// 0 to 1 in `count` steps; 0 where there is one sample.
Tensor Axis(int64_t count, const torch::TensorOptions& options) {
  return torch::arange(count, options) / std::max<int64_t>(count - 1, 1);
}

}  // namespace

SignalTransform::SignalTransform(std::shared_ptr<const IntervalBasis> basis)
    : basis_(std::move(basis)) {}

Tensor SignalTransform::Apply(const Tensor& theta, const Tensor& points) const {
  CheckTheta(theta, theta_size());
  CheckLike("points", points, theta);
  TORCH_CHECK(points.dim() == 1 ||
                  (points.dim() == 2 && points.size(0) == theta.size(0)),
              "points must be [N] or [", theta.size(0), ", N], are ",
              points.sizes());
  const Tensor x =
      (points.dim() == 1 ? points.unsqueeze(0) : points).unsqueeze(2);
  return ApplyFlow<1, IntervalFlow>(basis_, theta, x).squeeze(2);
}

Tensor SignalTransform::Warp(const Tensor& theta, const Tensor& signals,
                             const Tensor& lengths, Beyond beyond) const {
  CheckTheta(theta, theta_size());
  CheckLike("signals", signals, theta);
  TORCH_CHECK(signals.dim() == 3 && signals.size(0) == theta.size(0) &&
                  signals.size(2) > 0,
              "signals must be [", theta.size(0), ", C, L], are ",
              signals.sizes());
  const int64_t size = signals.size(2);
  const auto options = theta.options().requires_grad(false);
  if (!lengths.defined()) {
    return InterpolateAt(
        signals, Apply(theta, Axis(size, options)).unsqueeze(2), {}, beyond);
  }
  CheckLengths(lengths, signals.size(0), size);
  // Kept for the backward pass, and the caller may write to his own.
  const Tensor counts = lengths.clone(at::MemoryFormat::Contiguous);
  const Tensor index = torch::arange(size, options).unsqueeze(0);
  const Tensor last = (counts - 1).to(options).unsqueeze(1);
  const Tensor inside = index <= last;  // [B, L]
  const Tensor points = (index / last.clamp_min(1)).masked_fill(~inside, 0);
  return InterpolateAt(signals, Apply(theta, points).unsqueeze(2), counts,
                       beyond)
      .masked_fill(~inside.unsqueeze(1), 0);
}

VolumeTransform::VolumeTransform(std::shared_ptr<const VolumeBasis> basis)
    : basis_(std::move(basis)) {}

Tensor VolumeTransform::Apply(const Tensor& theta, const Tensor& points) const {
  CheckTheta(theta, theta_size());
  CheckLike("points", points, theta);
  TORCH_CHECK(points.size(-1) == 3 &&
                  (points.dim() == 2 ||
                   (points.dim() == 3 && points.size(0) == theta.size(0))),
              "points must be [N, 3] or [", theta.size(0), ", N, 3], are ",
              points.sizes());
  return ApplyFlow<3, VolumeFlow>(
      basis_, theta, points.dim() == 2 ? points.unsqueeze(0) : points);
}

Tensor VolumeTransform::Warp(const Tensor& theta, const Tensor& volumes,
                             Beyond beyond) const {
  CheckTheta(theta, theta_size());
  CheckLike("volumes", volumes, theta);
  TORCH_CHECK(volumes.dim() == 5 && volumes.size(0) == theta.size(0) &&
                  volumes.size(2) * volumes.size(3) * volumes.size(4) > 0,
              "volumes must be [", theta.size(0), ", C, D, H, W], are ",
              volumes.sizes());
  const auto options = theta.options().requires_grad(false);
  const int64_t depth = volumes.size(2), height = volumes.size(3);
  const int64_t width = volumes.size(4);
  const auto axis = [&](int64_t count, int64_t place) {
    std::vector<int64_t> shape(3, 1);
    shape[place] = count;
    return Axis(count, options).view(shape).expand({depth, height, width});
  };
  const Tensor points =
      torch::stack({axis(width, 2), axis(height, 1), axis(depth, 0)}, -1)
          .view({depth * height * width, 3});
  return InterpolateAt(volumes, Apply(theta, points), {}, beyond)
      .view(volumes.sizes());
}

}  // namespace cpab
