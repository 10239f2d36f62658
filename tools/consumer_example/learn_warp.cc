// CPAB as a LibTorch operation: gradient steps on theta move points to where
// they should be.
#include <torch/torch.h>

#include <cstdio>

#include "cpab/torch/transform.h"

int main() {
  const auto transform = cpab::Transform::Create({4, 4});
  if (!transform.ok())
    return std::puts(transform.status().ToString().c_str()), 1;
  torch::manual_seed(0);
  const torch::Tensor from = torch::rand({1, 5, 2}, torch::kFloat64);
  const torch::Tensor to = from + 0.05;
  torch::Tensor theta =
      torch::zeros({1, transform->theta_size()}, torch::kFloat64)
          .requires_grad_();
  torch::optim::Adam adam({theta}, 0.01);
  double first = 0, last = 0;
  for (int step = 0; step < 100; ++step) {
    adam.zero_grad();
    const torch::Tensor loss =
        (transform->Apply(theta, from) - to).square().mean();
    loss.backward();
    adam.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  std::printf("loss %.2e -> %.2e\n", first, last);
  return last < first / 100 ? 0 : 1;
}
