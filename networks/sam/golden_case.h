// The comparison of a whole SAM with the original, for networks of any size.
#ifndef NETWORKS_SAM_GOLDEN_CASE_H_
#define NETWORKS_SAM_GOLDEN_CASE_H_

#include <string>
#include <vector>

#include "networks/sam/options.h"
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

}  // namespace networks::sam

#endif  // NETWORKS_SAM_GOLDEN_CASE_H_
