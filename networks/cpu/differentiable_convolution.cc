#include "networks/cpu/differentiable_convolution.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <utility>

#include "networks/cpu/compact_winograd.h"
#include "networks/cpu/kernels.h"
#include "networks/cpu/pixels.h"
#include "networks/cpu/weight_cache.h"
#include "networks/cpu/winograd.h"
#include "networks/cpu/winograd_gradient.h"

namespace networks::cpu {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Weights that change at every step are transformed as often, which only many
// pixels outweigh; and more weights than these do not stay in the cache, see
// IsLarge.
constexpr int64_t kLeastTrainedPixels = 512;
constexpr int64_t kMostTrainedChannelPairs = 256 * 256;

thread_local bool allows_large = false;

// Trained weights that are transformed panel by panel as they are used: stored,
// all of them would pass through memory once more at every step.
bool IsLarge(const Tensor& weight) {
  return weight.requires_grad() &&
         weight.size(0) * weight.size(1) > kMostTrainedChannelPairs;
}

// The gradient in the image is the convolution of the output's gradient with
// the weights turned by half a circle, inputs and outputs exchanged.
template <typename Method>
class Backward : public Method {
 public:
  Backward(const Kernels& kernels, const Tensor& weight)
      : Method(kernels, weight.detach().flip({2, 3}).transpose(0, 1)) {}
};

struct Prepared : torch::CustomClassHolder {
  WeightCache<Winograd> forward;
  WeightCache<Backward<Winograd>> backward;
  WeightCache<CompactWinograd> large_forward;
  WeightCache<Backward<CompactWinograd>> large_backward;

  Tensor Convolve(const Tensor& image, const Tensor& weight,
                  const Tensor& bias) {
    return IsLarge(weight) ? large_forward.Get(weight)->Apply({image}, bias)
                           : forward.Get(weight)->Apply({image}, bias);
  }

  Tensor PullBack(const Tensor& of_output, const Tensor& weight) {
    const Tensor zeros = torch::zeros({weight.size(1)});
    return IsLarge(weight)
               ? large_backward.Get(weight)->Apply({of_output}, zeros)
               : backward.Get(weight)->Apply({of_output}, zeros);
  }
};
using PreparedPtr = c10::intrusive_ptr<torch::CustomClassHolder>;

Prepared& PreparedOf(const PreparedPtr& pointer) {
  return static_cast<Prepared&>(*pointer);
}

struct Convolution : torch::autograd::Function<Convolution> {
  static Tensor forward(AutogradContext* context, const Tensor& image,
                        const Tensor& weight, const Tensor& bias,
                        const PreparedPtr& prepared) {
    // Converted once for forward and backward.
    const Tensor pixels = WithChannelsLast(image);
    context->save_for_backward({pixels, weight});
    context->saved_data["prepared"] = c10::IValue::make_capsule(prepared);
    context->saved_data["image"] = image.requires_grad();
    context->saved_data["weight"] = weight.requires_grad();
    context->saved_data["bias"] = bias.requires_grad();
    return PreparedOf(prepared).Convolve(pixels, weight, bias);
  }

  static variable_list backward(AutogradContext* context,
                                variable_list of_outputs) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &image = saved[0], &weight = saved[1];
    const Tensor of_output = WithChannelsLast(of_outputs[0]);
    const auto wants = [&](const char* input) {
      return context->saved_data.at(input).toBool();
    };
    Tensor of_image, of_weight, of_bias;
    if (wants("image")) {
      const PreparedPtr prepared =
          context->saved_data.at("prepared").toCapsule();
      of_image = PreparedOf(prepared).PullBack(of_output, weight);
    }
    if (wants("weight")) {
      of_weight = WinogradWeightGradient(*BestKernels(), image, of_output);
    }
    if (wants("bias")) of_bias = of_output.sum({0, 2, 3});
    return {of_image, of_weight, of_bias, Tensor()};
  }
};

}  // namespace

LargeConvolutionScope::LargeConvolutionScope(bool allowed)
    : before_(std::exchange(allows_large, allowed)) {}

LargeConvolutionScope::~LargeConvolutionScope() { allows_large = before_; }

bool LargeConvolutionScope::IsAllowed() { return allows_large; }

DifferentiableConvolution::DifferentiableConvolution()
    : prepared_(c10::make_intrusive<Prepared>()) {}

std::shared_ptr<const Winograd> DifferentiableConvolution::Forward(
    const Tensor& weight) const {
  return PreparedOf(prepared_).forward.Get(weight);
}

bool DifferentiableConvolution::Serves(const Tensor& image,
                                       const Tensor& weight) {
  if (!AvailableInTraining(image) || weight.size(2) != 3 ||
      weight.size(3) != 3) {
    return false;
  }
  const int64_t height = image.size(2), width = image.size(3);
  if (weight.requires_grad() &&
      (image.size(0) * height * width < kLeastTrainedPixels ||
       (IsLarge(weight) && !allows_large))) {
    return false;
  }
  return Winograd::WorthwhileTogether(image.size(0), height, width);
}

Tensor DifferentiableConvolution::Apply(const Tensor& image,
                                        const Tensor& weight,
                                        const Tensor& bias) const {
  // Autograd's functions take no undefined tensors.
  return Convolution::apply(
      image, weight, bias.defined() ? bias : torch::zeros({weight.size(0)}),
      prepared_);
}

}  // namespace networks::cpu
