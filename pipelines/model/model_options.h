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

// The cells of a CPAB transform and their constraints.
cpab::TessellationOptions TessellationOptionsOf(const CpabConfig& config);
// How it is fitted: the solver and its iterations, tension, noise
// (keypoint_noise) and prior (prior_length is its length_scale, prior_gradient
// its gradient).
cpab::FitOptions FitOptionsOf(const CpabConfig& config);
// The spline's bending, and how it is regularised.
ThinPlateOptions ThinPlateOptionsOf(const ThinPlateConfig& config);
// The grid of control points.
BSplineOptions BSplineOptionsOf(const BSplineConfig& config);
// Sizes of the hourglass and what it blends; the keypoint sets are the model's.
networks::DenseMotionOptions DenseMotionOptionsOf(const ModelConfig& config);
// Sizes of the network that paints.
networks::InpaintingOptions InpaintingOptionsOf(const ModelConfig& config);

// The keypoint sets are the model's.
networks::AvdOptions AvdOptionsOf(const ModelConfig& model,
                                  const AvdConfig& config);

}  // namespace pipelines

#endif  // PIPELINES_MODEL_MODEL_OPTIONS_H_
