// Weights of a model without the global transform, in one that has it.
#ifndef PIPELINES_TRAINING_WIDEN_H_
#define PIPELINES_TRAINING_WIDEN_H_

#include <string>
#include <vector>

#include "networks/weights/tensor_map.h"

namespace pipelines {

// With a global transform the dense motion network has one candidate motion
// more: three channels more in its input, and so in the tensors that see it.
// Everywhere the new channels come last. `weights` that are for one candidate
// less than `model`, otherwise alike, get them such that the function hardly
// changes:
//
//   - weights of new inputs are 0;
//   - outputs inside of the network that are new have `model`'s own weights,
//     but nothing reads them, as their readers' weights are those of new
//     inputs;
//   - the new contribution map has weights of 0 and a bias of -8: at most 3e-4
//     of what a map with the logit 0 has, which training can raise. In a frame
//     256 wide that moves no pixel by more than some hundredths.
//
// model: all tensors of the model that is to take them.
// Returns the names of what was widened; none where `weights` are for as many
// candidates as `model`, or differ from it in other ways.
std::vector<std::string> WidenForGlobalTransform(
    const networks::weights::TensorMap& model,
    networks::weights::TensorMap* weights);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_WIDEN_H_
