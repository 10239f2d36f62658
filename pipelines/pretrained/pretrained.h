// The checkpoint that comes with the repository, and an example to try it on.
#ifndef PIPELINES_PRETRAINED_PRETRAINED_H_
#define PIPELINES_PRETRAINED_PRETRAINED_H_

#include <string>

#include "pipelines/base/runfile.h"

namespace pipelines {

// Trained on drawn puppets; pretrained/README.md says how.
inline std::string PretrainedCheckpoint() {
  return RunfilePath("pipelines/pretrained/puppets-128.safetensors");
}

// A puppet, and a video of another one.
inline std::string ExampleSource() {
  return RunfilePath("pipelines/pretrained/puppet.png");
}
inline std::string ExampleDriving() {
  return RunfilePath("pipelines/pretrained/dance.mp4");
}

}  // namespace pipelines

#endif  // PIPELINES_PRETRAINED_PRETRAINED_H_
