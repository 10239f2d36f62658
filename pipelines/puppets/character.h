// What a puppet is made of: measures, outlines and clothes.
#ifndef PIPELINES_PUPPETS_CHARACTER_H_
#define PIPELINES_PUPPETS_CHARACTER_H_

#include <array>

#include "pipelines/base/random.h"
#include "pipelines/puppets/motion.h"
#include "pipelines/puppets/shape.h"
#include "pipelines/puppets/texture.h"

namespace pipelines::puppets {

// The rigid parts. Coordinates of a part: its upper joint is the origin, limbs
// hang down along +y, torso and head stand up along -y.
enum Part {
  kTorso,
  kHead,
  kLeftUpperArm,
  kLeftLowerArm,
  kRightUpperArm,
  kRightLowerArm,
  kLeftThigh,
  kLeftShin,
  kRightThigh,
  kRightShin,
  kNumParts,
};

// Lengths in frame units (a frame is 2 high).
struct Measures {
  double neck, head_radius;
  double torso, shoulder, hip;  // length; half widths at the joints
  double upper_arm, lower_arm, arm_radius;
  double thigh, shin, leg_radius;
};

struct Character {
  Measures measures;
  std::array<Outline, kNumParts> outlines;
  std::array<Paint, kNumParts> paints;  // in part coordinates
  std::array<Part, kNumParts> painting_order;
};

// `background_value`: brightness of what is behind, from which the clothes are
// told apart.
Character RandomCharacter(double background_value, Random& random);

// Where each part is, standing on the ground (y = 0.88) or above it.
std::array<Affine2, kNumParts> WorldFromParts(const Character& character,
                                              const Pose& pose);

}  // namespace pipelines::puppets

#endif  // PIPELINES_PUPPETS_CHARACTER_H_
