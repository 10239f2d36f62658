// From the config's messages to the plain options of the libraries.
#ifndef PIPELINES_MODEL_MODEL_OPTIONS_H_
#define PIPELINES_MODEL_MODEL_OPTIONS_H_

#include "cpab/field/tessellation.h"
#include "cpab/fit/fit.h"
#include "networks/avd.h"
#include "networks/dense_motion.h"
#include "networks/inpainting.h"
#include "pipelines/config/config.pb.h"
#include "pipelines/model/bspline.h"
#include "pipelines/model/thin_plate.h"

namespace pipelines {

// Each struct has the message's values, and its own default in a field that the
// message does not have.
cpab::TessellationOptions TessellationOptionsOf(const CpabConfig& config);
cpab::FitOptions FitOptionsOf(const CpabConfig& config);
ThinPlateOptions ThinPlateOptionsOf(const ThinPlateConfig& config);
BSplineOptions BSplineOptionsOf(const BSplineConfig& config);
networks::DenseMotionOptions DenseMotionOptionsOf(const ModelConfig& config);
networks::InpaintingOptions InpaintingOptionsOf(const ModelConfig& config);

// The keypoint sets are the model's.
networks::AvdOptions AvdOptionsOf(const ModelConfig& model,
                                  const AvdConfig& config);

}  // namespace pipelines

#endif  // PIPELINES_MODEL_MODEL_OPTIONS_H_
