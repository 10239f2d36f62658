// What most sources that use LibTorch include: 15 s on a small machine. Not all
// of LibTorch: each source would instantiate anew the virtual functions of all
// modules, which takes Clang three seconds more for each.
#ifndef THIRD_PARTY_PRECOMPILED_TORCH_H_
#define THIRD_PARTY_PRECOMPILED_TORCH_H_

#include <ATen/Parallel.h>
#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#endif  // THIRD_PARTY_PRECOMPILED_TORCH_H_
