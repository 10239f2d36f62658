// The bundled data set: clips of articulated 2-D puppets with ground truth.
//
// Every clip shows another puppet (head, torso, two-segment arms and legs;
// random proportions, colours and textures) that moves through random poses
// with large joint swings before a textured background, optionally under a
// moving camera. What a puppet looks like and how it moves is in
// pipelines/puppets/; reading the ground truth is in puppets/truth.h.
//
// A finished folder:
//
//   manifest.json           the options; written last, so that a folder that
//                           has it is whole
//   train/00000.png ...     one clip a file: its frames side by side, RGB
//   test/00000.png ...
//   truth/train/00000/...   ground truth of train/00000.png: joints.csv,
//                           layers.csv, outlines.csv and, on request, flow.npy
//   truth/test/00000/...    (formats: pipelines/puppets/truth.h)
#ifndef PIPELINES_PUPPETS_PUPPETS_H_
#define PIPELINES_PUPPETS_PUPPETS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "pipelines/base/work_hooks.h"

namespace pipelines::puppets {

struct PuppetOptions {
  // Width and height of a frame in pixels, 16 to 1024.
  int size = 64;
  // Clips, 0 to 100000 each. No puppet and no motion is in both splits.
  int num_train = 96;
  int num_test = 12;
  // 2 to 1000, together at most 447,392,426 pixels, what image_io.h reads: 426
  // frames of size 1024. At 8 frames a pose, 32 frames visit four or five
  // poses.
  int frames_per_clip = 32;
  // Equal options give equal files, whatever the number of threads.
  uint64_t seed = 1;
  // Translation by up to 0.15, zoom by up to 15 %, rotation by up to 8 degrees.
  bool camera_motion = false;
  // Also write flow.npy beside each clip: 6 bytes a pixel and frame. Without
  // it the flow is computed on demand from layers.csv and outlines.csv.
  bool write_flow = false;
  // Samples a pixel and axis, 1 to 8.
  int supersampling = 3;
};

// InvalidArgument, naming the field and its range, unless all are in range.
absl::Status ValidatePuppetOptions(const PuppetOptions& options);

// Makes the data set in `folder`, with one thread per core, and the folders
// above it. It is written to a temporary folder beside it and renamed
// (networks/files/atomic_folder.h); an interrupted call leaves nothing of that
// name. Does nothing if `folder` already holds this data set whole; waits for
// another process that makes it. Reports the stage "puppets".
//
// AlreadyExists if `folder` holds anything else; Cancelled; the system's error,
// with the path, if it cannot be written.
absl::Status MakePuppets(const std::string& folder,
                         const PuppetOptions& options,
                         const WorkHooks& hooks = {});

// True if `folder` holds the whole data set that `options` describe.
bool HasPuppets(const std::string& folder, const PuppetOptions& options);

// A name for the data set, equal if and only if the options are:
// "puppets1-64-120+12x32-seed0" (the 1 is the version of the pictures).
std::string PuppetSetName(const PuppetOptions& options);

}  // namespace pipelines::puppets

#endif  // PIPELINES_PUPPETS_PUPPETS_H_
