#include "networks/recompute.h"

#include <torch/autograd.h>
#include <torch/custom_class.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstddef>
#include <utility>

#include "networks/cpu/differentiable_convolution.h"
#include "third_party/libtorch/autocast_state.h"

namespace networks {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

thread_local bool recomputes = false;

// With what of the thread of the first call decides how it computes.
struct Part : torch::CustomClassHolder {
  Part(TensorFunction f, size_t inputs, c10::DeviceType device)
      : function(std::move(f)),
        num_inputs(inputs),
        autocast(libtorch::CurrentAutocast(device)),
        allows_large(cpu::LargeConvolutionScope::IsAllowed()) {}

  TensorFunction function;
  size_t num_inputs;
  libtorch::AutocastState autocast;
  bool allows_large;
};
using PartPtr = c10::intrusive_ptr<torch::CustomClassHolder>;

// The first `count`, as the beginning of a graph of their own.
Tensors Leaves(at::TensorList tensors, size_t count) {
  Tensors leaves;
  for (const Tensor& tensor : tensors.slice(0, count)) {
    leaves.push_back(tensor.detach().requires_grad_(tensor.requires_grad()));
  }
  return leaves;
}

// Gradients are on in both calls, since kernels are chosen by that: the second
// gives the bits of the first.
Tensors Call(const Part& part, const Tensors& inputs) {
  const torch::AutoGradMode gradients(true);
  return part.function(inputs);
}

Tensors CallAgain(const Part& part, const Tensors& inputs) {
  const libtorch::AutocastScope autocast(part.autocast);
  const cpu::LargeConvolutionScope large(part.allows_large);
  return Call(part, inputs);
}

class RecomputedFunction
    : public torch::autograd::Function<RecomputedFunction> {
 public:
  // `tensors`: the inputs, then the parameters.
  static variable_list forward(AutogradContext* context, at::TensorList tensors,
                               const PartPtr& pointer) {
    const auto& part = static_cast<const Part&>(*pointer);
    context->save_for_backward(tensors.vec());
    context->set_materialize_grads(false);
    context->saved_data["part"] = c10::IValue::make_capsule(pointer);
    variable_list outputs = Call(part, Leaves(tensors, part.num_inputs));
    for (Tensor& output : outputs) output = output.detach();
    return outputs;
  }

  static variable_list backward(AutogradContext* context,
                                const variable_list& of_outputs) {
    const PartPtr pointer = context->saved_data["part"].toCapsule();
    const auto& part = static_cast<const Part&>(*pointer);
    const variable_list saved = context->get_saved_variables();
    Tensors sources = Leaves(saved, part.num_inputs);
    const Tensors outputs = CallAgain(part, sources);
    sources.insert(sources.end(),
                   saved.begin() + static_cast<std::ptrdiff_t>(part.num_inputs),
                   saved.end());
    variable_list result = GradientsOf(outputs, of_outputs, sources);
    result.emplace_back();  // of the part itself
    return result;
  }

 private:
  static variable_list GradientsOf(const Tensors& outputs,
                                   const variable_list& of_outputs,
                                   const Tensors& sources) {
    variable_list roots, seeds, wanted;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad() || !of_outputs[i].defined()) continue;
      roots.push_back(outputs[i]);
      seeds.push_back(of_outputs[i]);
    }
    for (const Tensor& source : sources) {
      if (source.requires_grad()) wanted.push_back(source);
    }
    variable_list result(sources.size());
    if (roots.empty() || wanted.empty()) return result;
    const variable_list gradients = torch::autograd::grad(
        roots, wanted, seeds, /*retain_graph=*/false, /*create_graph=*/false,
        /*allow_unused=*/true);
    auto next = gradients.begin();
    for (size_t i = 0; i < sources.size(); ++i) {
      if (sources[i].requires_grad()) result[i] = *next++;
    }
    return result;
  }
};

}  // namespace

RecomputeScope::RecomputeScope(bool on)
    : before_(std::exchange(recomputes, on)) {}

RecomputeScope::~RecomputeScope() { recomputes = before_; }

bool Recomputes() { return recomputes && torch::GradMode::is_enabled(); }

Tensors Recomputed(const Tensors& inputs, const Tensors& parameters,
                   const TensorFunction& function) {
  if (!Recomputes()) return function(inputs);
  Tensors tensors = inputs;
  tensors.insert(tensors.end(), parameters.begin(), parameters.end());
  return RecomputedFunction::apply(
      at::TensorList(tensors),
      PartPtr(c10::make_intrusive<Part>(function, inputs.size(),
                                        inputs.at(0).device().type())));
}

}  // namespace networks
