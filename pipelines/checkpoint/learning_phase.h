// Which phase of a training a model comes from. The steps of
// training.motion_steps teach motion alone; what paints learns after them.
#ifndef PIPELINES_CHECKPOINT_LEARNING_PHASE_H_
#define PIPELINES_CHECKPOINT_LEARNING_PHASE_H_

#include <cstdint>
#include <string>

#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/config/config.pb.h"

namespace pipelines {

// Whether training.initial_weights, if there are some, had learnt to paint.
bool BeganPainting(const CheckpointState& state);

// What the functions below take for the training of a checkpoint: that of its
// config, without training.initial_weights that had not learnt to paint.
TrainingConfig PhasesOf(TrainingConfig training, bool began_painting);
TrainingConfig PhasesOf(const CheckpointState& state);

// Whether the inpainting network has learnt nothing after `step` steps, since
// all of them taught motion alone and the run began at random:
// training.initial_weights paint.
bool IsUnpainted(const TrainingConfig& training, int64_t step);

// Takes training.initial_weights out of the config of a checkpoint for others:
// a path of the machine that trained. "(left out)" stays where the model would
// else count as unpainted.
void LeaveOutInitialWeights(CheckpointState* state);

// "motion alone, 53 of 800 steps" during training.motion_steps; empty later,
// and where there are none.
std::string PhaseText(const TrainingConfig& training, int64_t step);

// For the user, before such a model is used: what is missing and what to do.
// `finished`: whether the run ended by its config. Empty unless IsUnpainted.
std::string UnpaintedWarning(const TrainingConfig& training, int64_t step,
                             bool finished = false);

}  // namespace pipelines

#endif  // PIPELINES_CHECKPOINT_LEARNING_PHASE_H_
