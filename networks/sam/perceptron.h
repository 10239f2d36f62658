// Linear layers with ReLUs between: MLP in modeling/mask_decoder.py of the code
// of [SAM].
#ifndef NETWORKS_SAM_PERCEPTRON_H_
#define NETWORKS_SAM_PERCEPTRON_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/types.h>

#include <cstdint>

namespace networks::sam {

class PerceptronImpl : public torch::nn::Module {
 public:
  // Three layers, as published.
  PerceptronImpl(int64_t in_channels, int64_t hidden_channels,
                 int64_t out_channels);

  torch::Tensor forward(const torch::Tensor& input);  // [.., in] -> [.., out]

 private:
  torch::nn::ModuleList layers_;
};
TORCH_MODULE(Perceptron);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_PERCEPTRON_H_
