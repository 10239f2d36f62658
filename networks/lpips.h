// LPIPS, a learned perceptual distance of pictures: [LPIPS] Eq. (1), version
// 0.1 of the authors' weights.
//
//   d(a, b) = sum_l  mean_{h,w}  w_l . (f_l(a) - f_l(b))^2
//
// f_l are the channels of layer l of an ImageNet classifier, divided by their
// norm at each pixel, and w_l >= 0 one weight a channel.
#ifndef NETWORKS_LPIPS_H_
#define NETWORKS_LPIPS_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

namespace networks {

enum class LpipsBackbone {
  kAlexNet,  // relu1 to relu5; pictures of at least 31 x 31
  kVgg16,    // relu1_2, 2_2, 3_3, 4_3, 5_3; pictures of at least 16 x 16
};

// A metric, not a loss: its gradient is not finite where all channels are 0.
// No parameter requires one. Without loaded weights it has random ones.
class LpipsImpl : public torch::nn::Module {
 public:
  explicit LpipsImpl(LpipsBackbone backbone);

  // Distances [B] of pictures [B, 3, H, W] in [0, 1] (float32 or float64, as
  // the module); one of the two may be a single picture. 0 for equal pictures,
  // symmetric.
  torch::Tensor forward(const torch::Tensor& a, const torch::Tensor& b);

  // The same in two parts, for a picture that is compared several times.
  // Features: [B, C_l, h_l, w_l] for each layer, of norm 1 (or 0) over C_l.
  std::vector<torch::Tensor> Features(const torch::Tensor& pictures);
  torch::Tensor Distance(const std::vector<torch::Tensor>& a,
                         const std::vector<torch::Tensor>& b) const;

  // To load weights into. The backbone's keys are those of torchvision's
  // `features`, "0.weight"; the head's are the authors', "lin0.model.1.weight",
  // each [1, C_l, 1, 1].
  torch::nn::Module& backbone() { return *backbone_; }
  torch::nn::Module& head() { return *head_; }

 private:
  std::vector<int> taps_;  // layers of the backbone whose outputs are compared
  torch::nn::Sequential backbone_;
  std::shared_ptr<torch::nn::Module> head_;
  std::vector<torch::Tensor> weights_;  // w_l [1, C_l, 1, 1], the head's own
  torch::Tensor shift_, scale_;
};
TORCH_MODULE(Lpips);

// The published files of a backbone and of its head (networks/published).
struct LpipsFiles {
  std::string backbone, head;
};
LpipsFiles PublishedLpips(LpipsBackbone backbone);

}  // namespace networks

#endif  // NETWORKS_LPIPS_H_
