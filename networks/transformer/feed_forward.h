// The two-layer perceptron of a transformer block, and linear layers that may
// be stored in a narrower type than the activations.
//
//   tokens -> linear -> GELU or ReLU -> linear -> tokens
#ifndef NETWORKS_TRANSFORMER_FEED_FORWARD_H_
#define NETWORKS_TRANSFORMER_FEED_FORWARD_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstdint>
#include <string>

namespace networks::transformer {

enum class Activation { kGelu, kRelu };  // GELU: the exact one, by erf.

struct FeedForwardOptions {
  int64_t channels = 0;
  int64_t hidden_channels = 0;
  Activation activation = Activation::kGelu;
  // Keys of the layers: the published files disagree (DINO fc1, fc2).
  std::string first_name = "lin1";
  std::string second_name = "lin2";
};

class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(const FeedForwardOptions& options);

  // [.., channels] -> [.., channels].
  torch::Tensor forward(const torch::Tensor& tokens);

 private:
  Activation activation_;
  torch::nn::Linear first_{nullptr};
  torch::nn::Linear second_{nullptr};
};
TORCH_MODULE(FeedForward);

// `layer` applied to `tokens` in the dtype of the layer's weight, in which the
// result comes back; see MultiplyIn.
torch::Tensor Project(torch::nn::Linear& layer, const torch::Tensor& tokens);

// Stores the weights of all linear layers of `module` in `dtype` (bfloat16 on
// processors and GPUs that multiply it faster), so that Project multiplies in
// it, while norms and residual sums stay in float32.
void MultiplyIn(torch::Dtype dtype, torch::nn::Module& module);

}  // namespace networks::transformer

#endif  // NETWORKS_TRANSFORMER_FEED_FORWARD_H_
