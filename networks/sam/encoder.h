// What is common to SAM's image encoders.
#ifndef NETWORKS_SAM_ENCODER_H_
#define NETWORKS_SAM_ENCODER_H_

#include <torch/nn/module.h>
#include <torch/types.h>

namespace networks::sam {

// From an image to the map that the mask decoder sees, at a sixteenth of the
// resolution.
class EncoderImpl : public torch::nn::Module {
 public:
  // images [B, 3, S, S], normalised and padded (networks/sam/sam_input.h), S
  // a multiple of 16. Returns [B, C, S / 16, S / 16], C the mask decoder's
  // channels.
  virtual torch::Tensor forward(const torch::Tensor& images) = 0;
};

}  // namespace networks::sam

#endif  // NETWORKS_SAM_ENCODER_H_
