// Whether a run's clips are those that it had before.
#ifndef PIPELINES_TRAINING_CLIPS_OF_RUN_H_
#define PIPELINES_TRAINING_CLIPS_OF_RUN_H_

#include <string>
#include <vector>

#include "pipelines/checkpoint/checkpoint.pb.h"
#include "pipelines/data/dataset.h"

namespace pipelines {

// Puts the fingerprints of the clips into `state`. Returns a sentence for each
// split that differs from what the state said before, as another session of the
// run left it; a state that says nothing differs from nothing. Where
// `with_times` is false, files may have other times, as copies have.
std::vector<std::string> UpdateClips(const data::Dataset& train,
                                     const data::Dataset& test, bool with_times,
                                     CheckpointState* state);

}  // namespace pipelines

#endif  // PIPELINES_TRAINING_CLIPS_OF_RUN_H_
