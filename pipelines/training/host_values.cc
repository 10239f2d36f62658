#include "pipelines/training/host_values.h"

#include <torch/types.h>
#include <torch/utils.h>

namespace pipelines {

std::vector<double> HostValues(const std::vector<torch::Tensor>& scalars) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> on_device;
  for (const torch::Tensor& scalar : scalars) {
    if (!scalar.is_cpu()) {
      on_device.push_back(scalar.reshape({}).to(torch::kFloat64));
    }
  }
  torch::Tensor copied;
  if (!on_device.empty()) copied = torch::stack(on_device).cpu();
  const double* next = copied.defined() ? copied.data_ptr<double>() : nullptr;
  std::vector<double> values;
  values.reserve(scalars.size());
  for (const torch::Tensor& scalar : scalars) {
    values.push_back(scalar.is_cpu() ? scalar.item<double>() : *next++);
  }
  return values;
}

}  // namespace pipelines
