// How puppets and cameras move: smooth random walks through key poses.
#ifndef PIPELINES_PUPPETS_MOTION_H_
#define PIPELINES_PUPPETS_MOTION_H_

#include <vector>

#include "pipelines/base/random.h"
#include "pipelines/puppets/shape.h"

namespace pipelines::puppets {

// One arm or leg. Angles in radians; 0 hangs straight down.
struct LimbPose {
  double raise = 0;  // of the upper half, outward: pi / 2 is level
  double bend = 0;   // of the lower half against the upper, outward and up
};

struct Pose {
  double lean = 0;  // of the torso, clockwise
  double nod = 0;   // of the head against the torso, clockwise
  LimbPose left_arm, right_arm;
  LimbPose left_leg, right_leg;
  double jump = 0;  // height of the lower foot above the ground
  double sway = 0;  // shift of the pelvis to the right
};

// One pose a frame. Every 6 to 10 frames a new key pose is reached: arms hang,
// rise, spread, flex; legs stand, kick, squat, jump; the torso bends. Parts set
// out at slightly different times, as people do.
std::vector<Pose> RandomMotion(int num_frames, Random& random);

// One map frame_from_world a frame: smooth translation (up to 0.15), zoom (15
// %) and rotation (8 degrees) about the centre.
std::vector<Affine2> RandomCameraPath(int num_frames, Random& random);

}  // namespace pipelines::puppets

#endif  // PIPELINES_PUPPETS_MOTION_H_
