// A config small enough for tests: 32 x 32 frames, thin networks, and
// everything that the paper's has.
#ifndef PIPELINES_TESTING_TESTING_CONFIG_H_
#define PIPELINES_TESTING_TESTING_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pipelines/config/config.h"

namespace pipelines {

inline absl::StatusOr<Config> TinyConfig(
    const std::vector<std::string>& overrides = {}) {
  return ParseConfig(
      "tiny", R"pb(
        data {
          puppets { num_train: 4 num_test: 2 frames_per_clip: 6 }
          height: 32
          width: 32
          repeats: 2
        }
        model {
          num_transforms: 2
          detector { width: 8 }
          dense_motion { block_expansion: 8 max_features: 16 num_blocks: 2 }
          inpainting { block_expansion: 8 max_features: 16 }
        }
        losses {
          perceptual {
            untrained: true
            width: 4
            scales: [ 1, 0.5 ]
          }
        }
        training {
          num_epochs: 2
          batch_size: 2
          candidate_dropout { end_epoch: 1 start: 0.3 }
        }
      )pb",
      overrides);
}

}  // namespace pipelines

#endif  // PIPELINES_TESTING_TESTING_CONFIG_H_
