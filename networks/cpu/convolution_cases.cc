#include "networks/cpu/convolution_cases.h"

#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "networks/testing/fill.h"

namespace networks::cpu {

using test_util::FillSigned;
using torch::Tensor;

std::vector<Shape> AllShapes() {
  return {{1, 16, 32, 8, 8},  {2, 5, 7, 9, 13},    {1, 1, 1, 1, 1},
          {3, 37, 19, 6, 31}, {1, 64, 64, 33, 18}, {1, 151, 75, 12, 12},
          {1, 3, 40, 64, 64}};
}

std::vector<InstructionSet> AllInstructionSets() {
  return {{"AVX2", &Avx2Kernels}, {"AVX512", &Avx512Kernels}};
}

std::string NameOf(const InstructionSet& set) { return set.name; }

std::string NameOf(const Shape& shape) {
  return std::to_string(shape.batch) + "x" + std::to_string(shape.in) + "to" +
         std::to_string(shape.out) + "of" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

std::string NameOf(const std::tuple<InstructionSet, Shape>& kernels_case) {
  return NameOf(std::get<InstructionSet>(kernels_case)) + "_" +
         NameOf(std::get<Shape>(kernels_case));
}

Tensor WeightOfUnitOutputs(int64_t out, int64_t in) {
  return FillSigned("weight", {out, in, 3, 3}) / std::sqrt(3. * in);
}

std::vector<Tensor> GradientsAndValue(
    const std::function<Tensor(Tensor, Tensor, Tensor)>& function,
    const std::vector<Tensor>& inputs, const Tensor& factor) {
  torch::AutoGradMode with_grad(true);
  std::vector<Tensor> leaves;
  for (const Tensor& x : inputs) {
    leaves.push_back(x.detach().clone().requires_grad_());
  }
  const Tensor value = function(leaves[0], leaves[1], leaves[2]);
  std::vector<Tensor> results =
      torch::autograd::grad({value}, leaves, {factor});
  results.push_back(value.detach());
  return results;
}

void SkipWithout(const Kernels* kernels, const char* instructions) {
  if (kernels == nullptr) {
    GTEST_SKIP() << "This processor, or the compiler's target, has no "
                 << instructions << "; its kernels are not tested here.";
  }
}

ConvolutionTest::ConvolutionTest(const Shape& shape)
    : shape_(shape),
      image_(FillSigned("image",
                        {shape.batch, shape.in, shape.height, shape.width})),
      weight_(WeightOfUnitOutputs(shape.out, shape.in)),
      bias_(FillSigned("bias", {shape.out})) {}

}  // namespace networks::cpu
