// Background loss: the motion from source to driving frame is the inverse of
// that from driving frame to source.
//
// Source: [CPABMM] background loss, from [TPS]; "bg loss" of GeneratorFullModel
// in modules/model.py of both codes.
#ifndef LOSSES_BACKGROUND_CONSISTENCY_H_
#define LOSSES_BACKGROUND_CONSISTENCY_H_

#include <torch/types.h>

namespace losses {

// Mean over all entries of |I - source_from_driving driving_from_source|, both
// [B, 3, 3]. Returns a scalar; unweighted.
torch::Tensor BackgroundLoss(const torch::Tensor& source_from_driving,
                             const torch::Tensor& driving_from_source);

}  // namespace losses

#endif  // LOSSES_BACKGROUND_CONSISTENCY_H_
