// The comparison of a whole SAM with the original, for networks of any size.
#ifndef NETWORKS_SAM_GOLDEN_CASE_H_
#define NETWORKS_SAM_GOLDEN_CASE_H_

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "networks/sam/options.h"
#include "networks/sam/sam.h"
#include "networks/testing/golden.h"

namespace networks::sam {

struct GoldenCase {
  std::string path;  // of the golden file, from the workspace's root
  SamOptions options;
};

GoldenCase TinyCase();
GoldenCase PaddedWindowsCase();
GoldenCase VitBCase();

// The keys of the original's state dict, in no particular order.
std::vector<std::string> PublishedKeys(const test_util::Golden& golden);

// Reports, as GoogleTest failures, every stored output that ours is not equal
// to: image encoder, prompt encoder, decoder, gradients to the points.
void ExpectEqualToOriginal(const GoldenCase& golden_case);

struct DecodedMaps {
  torch::Tensor prompts;  // of the prompt encoder
  torch::Tensor decoder;  // of the decoder's transformer
};

// Reports likewise the outputs stored under `tag` of prompt encoder and decoder
// for points [P, N, 2] with `labels`, in an image of side `image_size` with
// `embedding`. What is returned is not compared: not every file has it.
DecodedMaps ExpectPromptsEqualToOriginal(const test_util::Golden& golden,
                                         const std::string& tag, Sam& sam,
                                         int64_t image_size,
                                         const torch::Tensor& embedding,
                                         const torch::Tensor& golden_points,
                                         const torch::Tensor& labels);

}  // namespace networks::sam

#endif  // NETWORKS_SAM_GOLDEN_CASE_H_
