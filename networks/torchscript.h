// Networks as TorchScript, for programs that have LibTorch or PyTorch but not
// this code.
#ifndef NETWORKS_TORCHSCRIPT_H_
#define NETWORKS_TORCHSCRIPT_H_

#include <torch/nn/module.h>
#include <torch/script.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "networks/tensor_function.h"

namespace networks {

// Records what `function` does to `examples` with the parameters and buffers of
// `module`, by LibTorch's tracer. The script's `forward` takes as many tensors,
// of the shapes, dtypes and device of the examples (the tracer keeps sizes as
// constants), and returns one tensor, or a tuple of several. Its state dict has
// the names of `module` and shares its tensors; it is in eval mode.
//
// `module` must be in eval mode: TORCH_CHECK. The CPU's own kernels
// (networks/cpu) cannot be recorded; their twins in LibTorch's operators are.
torch::jit::Module TraceToScript(const torch::nn::Module& module,
                                 const std::string& name,
                                 const std::vector<torch::Tensor>& examples,
                                 const TensorFunction& function);

// Runs `script` without gradients.
std::vector<torch::Tensor> RunScript(torch::jit::Module& script,
                                     const std::vector<torch::Tensor>& inputs);

}  // namespace networks

#endif  // NETWORKS_TORCHSCRIPT_H_
