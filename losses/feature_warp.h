// Warp loss: the source's features, moved by the deformation, should be the
// driving frame's.
//
// Source: [CPABMM] warp loss, from [TPS]; "warp loss" of GeneratorFullModel in
// modules/model.py of both codes.
#ifndef LOSSES_FEATURE_WARP_H_
#define LOSSES_FEATURE_WARP_H_

#include <torch/types.h>

#include <vector>

namespace losses {

// Sum over levels of the mean absolute difference.
//
// driving_maps:       InpaintingNetwork::EncodeDriving, largest first.
// warped_source_maps: InpaintingOutput::warped_encoder_maps, deepest first.
// Returns a scalar; unweighted.
torch::Tensor WarpLoss(const std::vector<torch::Tensor>& driving_maps,
                       const std::vector<torch::Tensor>& warped_source_maps);

}  // namespace losses

#endif  // LOSSES_FEATURE_WARP_H_
