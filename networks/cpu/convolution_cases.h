// The cases of the tests of this folder: shapes of convolutions, and
// instruction sets.
#ifndef NETWORKS_CPU_CONVOLUTION_CASES_H_
#define NETWORKS_CPU_CONVOLUTION_CASES_H_

#include <c10/core/GradMode.h>
#include <torch/types.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "networks/cpu/kernels.h"

namespace networks::cpu {

struct Shape {
  int64_t batch, in, out, height, width;
};

// Sizes at, below and beyond multiples of the tile and of both vector widths.
std::vector<Shape> AllShapes();

struct InstructionSet {
  const char* name;
  const Kernels* (*kernels)();  // null where the processor lacks them
};

std::vector<InstructionSet> AllInstructionSets();

// Names of the cases of KernelsTest and of BestKernelsTest.
std::string NameOf(const InstructionSet& set);
std::string NameOf(const Shape& shape);
std::string NameOf(const std::tuple<InstructionSet, Shape>& kernels_case);
template <typename Case>
std::string CaseName(const ::testing::TestParamInfo<Case>& info) {
  return NameOf(info.param);
}

// A 3x3 weight [out, in, 3, 3] for which outputs have a size of about 1.
torch::Tensor WeightOfUnitOutputs(int64_t out, int64_t in);

// The gradients of sum(factor * function(inputs)) in each of the three inputs,
// then the function's value.
std::vector<torch::Tensor> GradientsAndValue(
    const std::function<torch::Tensor(torch::Tensor, torch::Tensor,
                                      torch::Tensor)>& function,
    const std::vector<torch::Tensor>& inputs, const torch::Tensor& factor);

// Skips the test if `kernels` is null, saying that the processor lacks
// `instructions`. To be called in SetUp.
void SkipWithout(const Kernels* kernels, const char* instructions);

// For what needs kernels, whichever, and no shape.
class AnyKernelsTest : public ::testing::Test {
 protected:
  void SetUp() override { SkipWithout(BestKernels(), "AVX2"); }
};

// Tensors of one shape.
class ConvolutionTest : public ::testing::Test {
 protected:
  explicit ConvolutionTest(const Shape& shape);

  const Shape& shape() const { return shape_; }

 private:
  const Shape shape_;

 protected:
  const torch::Tensor image_;   // [batch, in, height, width]
  const torch::Tensor weight_;  // [out, in, 3, 3]
  const torch::Tensor bias_;    // [out]
  c10::NoGradGuard no_grad_;
};

// For what each instruction set must do.
class KernelsTest
    : public ConvolutionTest,
      public ::testing::WithParamInterface<std::tuple<InstructionSet, Shape>> {
 protected:
  KernelsTest() : ConvolutionTest(std::get<Shape>(GetParam())) {}
  void SetUp() override {
    const auto& set = std::get<InstructionSet>(GetParam());
    SkipWithout(set.kernels(), set.name);
  }
  const Kernels& kernels() const {
    return *std::get<InstructionSet>(GetParam()).kernels();
  }
};

// For what does not depend on the instruction set: with the best there is.
class BestKernelsTest : public ConvolutionTest,
                        public ::testing::WithParamInterface<Shape> {
 protected:
  BestKernelsTest() : ConvolutionTest(GetParam()) {}
  void SetUp() override { SkipWithout(BestKernels(), "AVX2"); }
};

}  // namespace networks::cpu

#endif  // NETWORKS_CPU_CONVOLUTION_CASES_H_
