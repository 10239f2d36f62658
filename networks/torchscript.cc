// Tested by pipelines/animation/export_torchscript_test.cc.
#include "networks/torchscript.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>

namespace networks {
namespace {

using torch::jit::Module;
using torch::jit::Stack;

// The tree of `module` with the same tensors under the same names.
Module MirrorOf(const torch::nn::Module& module, const std::string& name,
                const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  Module mirror(c10::QualifiedName(name), unit);
  for (const auto& parameter : module.named_parameters(/*recurse=*/false)) {
    mirror.register_parameter(parameter.key(), parameter.value(),
                              /*is_buffer=*/false);
  }
  for (const auto& buffer : module.named_buffers(/*recurse=*/false)) {
    mirror.register_parameter(buffer.key(), buffer.value(), /*is_buffer=*/true);
  }
  for (const auto& child : module.named_children()) {
    // A part of a qualified name may not be a number, as list elements are.
    mirror.register_module(
        child.key(), MirrorOf(*child.value(), name + "_" + child.key(), unit));
  }
  return mirror;
}

Stack ToStack(const std::vector<torch::Tensor>& tensors) {
  return Stack(tensors.begin(), tensors.end());
}

// One output as it is, several as a tuple: a script's function returns one
// value.
Stack Packed(const std::vector<torch::Tensor>& outputs) {
  if (outputs.size() == 1) return {outputs[0]};
  return {c10::ivalue::Tuple::create(
      std::vector<c10::IValue>(outputs.begin(), outputs.end()))};
}

std::vector<torch::Tensor> Unpacked(const c10::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  std::vector<torch::Tensor> tensors;
  for (const c10::IValue& element : value.toTupleRef().elements()) {
    tensors.push_back(element.toTensor());
  }
  return tensors;
}

}  // namespace

Module TraceToScript(const torch::nn::Module& module, const std::string& name,
                     const std::vector<torch::Tensor>& examples,
                     const TensorFunction& function) {
  TORCH_CHECK(!module.is_training(), "TraceToScript: ", name,
              " must be in eval mode");
  auto unit = std::make_shared<torch::jit::CompilationUnit>();
  Module script = MirrorOf(module, "__torch__.cpab_animation." + name, unit);
  // Autograd on selects LibTorch's operators, see cpu::Available.
  const torch::AutoGradMode with_grad(true);
  const auto traced = torch::jit::tracer::trace(
      ToStack(examples),
      [&](Stack inputs) {
        std::vector<torch::Tensor> tensors;
        for (const c10::IValue& input : inputs) {
          tensors.push_back(input.toTensor());
        }
        return Packed(function(tensors));
      },
      [](const torch::Tensor&) { return std::string(); },
      /*strict=*/true, /*force_outplace=*/false, &script);
  torch::jit::Function* forward = unit->create_function(
      c10::QualifiedName(*script.type()->name(), "forward"),
      traced.first->graph);
  script.type()->addMethod(forward);
  script.eval();
  return script;
}

std::vector<torch::Tensor> RunScript(Module& script,
                                     const std::vector<torch::Tensor>& inputs) {
  const torch::NoGradGuard no_grad;
  return Unpacked(script.forward(ToStack(inputs)));
}

}  // namespace networks
