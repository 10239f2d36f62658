// The image encoder of SAM, here small and with random weights;
// networks/weights reads published ones.
#include <torch/torch.h>

#include <iostream>

#include "networks/sam/image_encoder.h"
#include "networks/sam/options.h"

int main() {
  const auto options = networks::sam::SamByName("tiny");
  if (!options.ok()) return std::cout << options.status() << "\n", 1;
  networks::sam::ImageEncoder encoder(options->image_encoder);
  encoder->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor embedding =
      encoder->forward(torch::rand({1, 3, 128, 128}));
  std::cout << "embedding " << embedding.sizes() << "\n";
  return embedding.size(2) == 8 ? 0 : 1;
}
