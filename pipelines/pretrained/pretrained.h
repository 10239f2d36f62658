// The checkpoint that comes with the repository, and an example to try it on.
#ifndef PIPELINES_PRETRAINED_PRETRAINED_H_
#define PIPELINES_PRETRAINED_PRETRAINED_H_

#include <filesystem>
#include <string>
#include <system_error>

#include "pipelines/base/runfile.h"

namespace pipelines {

// Trained on drawn puppets; pretrained/README.md says how.
inline std::string PretrainedCheckpoint() {
  return RunfilePath("pipelines/pretrained/puppets-128.safetensors");
}

// Whether `path` leads to it. It is the repository's or the installation's:
// nothing may be written into it.
inline bool IsPretrainedCheckpoint(const std::string& path) {
  std::error_code error;
  return std::filesystem::equivalent(path, PretrainedCheckpoint(), error);
}

// A puppet, and a video of another one.
inline std::string ExampleSource() {
  return RunfilePath("pipelines/pretrained/puppet.png");
}
inline std::string ExampleDriving() {
  return RunfilePath("pipelines/pretrained/dance.mp4");
}

// The mode in which a video moves a source where none is asked for. The two
// puppets of the example differ little in shape, but much in their first poses,
// between which relative motion can tear an arm off.
inline std::string DefaultMode(bool is_example) {
  return is_example ? "standard" : "relative";
}

}  // namespace pipelines

#endif  // PIPELINES_PRETRAINED_PRETRAINED_H_
