// Tested by kernels_test.cc.
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

#include "cpab/cuda/device.h"

namespace cpab::kernels {
namespace {

void Require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::abort();
}

}  // namespace

bool HasKernels() { return true; }

std::string WhyNoDevice() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    return std::string("no GPU can be used: ") + cudaGetErrorString(error);
  }
  return count > 0 ? "" : "there is no GPU";
}

std::string FinishWork() {
  const cudaError_t error = cudaDeviceSynchronize();
  return error == cudaSuccess ? "" : cudaGetErrorString(error);
}

void* AllocateOnDevice(size_t bytes) {
  void* memory = nullptr;
  Require(cudaMalloc(&memory, bytes > 0 ? bytes : 1), "cudaMalloc");
  return memory;
}

void FreeOnDevice(void* memory) { Require(cudaFree(memory), "cudaFree"); }

void CopyToDevice(const void* from, size_t bytes, void* to) {
  Require(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice),
          "copy to the device");
}

void CopyFromDevice(const void* from, size_t bytes, void* to) {
  Require(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost),
          "copy from the device");
}

}  // namespace cpab::kernels
