#include "pipelines/puppets/motion.h"

#include <array>
#include <cmath>

#include "pipelines/base/smooth_step.h"

namespace pipelines::puppets {
namespace {

constexpr double kPi = 3.14159265358979323846;

struct Range {
  double low, high;  // degrees
};

double DrawAngle(Range range, Random& random) {
  return random.Uniform(range.low, range.high) * kPi / 180;
}

struct LimbRange {
  Range raise, bend;
};

LimbPose Draw(const LimbRange& range, Random& random) {
  LimbPose pose;
  pose.raise = DrawAngle(range.raise, random);
  pose.bend = DrawAngle(range.bend, random);
  return pose;
}

constexpr LimbRange kArms[] = {
    {{5, 25}, {0, 40}},       // hangs
    {{135, 175}, {-20, 40}},  // up
    {{135, 175}, {-20, 40}},  // up, twice as often
    {{75, 110}, {-15, 20}},   // spread
    {{70, 105}, {70, 115}},   // flexed
    {{35, 55}, {-110, -85}},  // hand on hip
    {{100, 130}, {50, 100}},  // waves
    {{-35, -5}, {-60, -10}},  // before the belly
};

constexpr LimbRange kStandingLeg = {{2, 12}, {-8, 8}};
constexpr LimbRange kWideLeg = {{25, 42}, {-15, 5}};
constexpr LimbRange kSquattingLeg = {{45, 65}, {-105, -75}};
constexpr LimbRange kKickingLeg = {{60, 105}, {-15, 15}};
constexpr LimbRange kRaisedKnee = {{65, 95}, {-115, -75}};
constexpr LimbRange kFlyingLeg = {{25, 60}, {-70, 5}};

void SetLegs(const LimbRange& left, const LimbRange& right, Random& random,
             Pose& pose) {
  pose.left_leg = Draw(left, random);
  pose.right_leg = Draw(right, random);
}

void DrawLegsAndTorso(Random& random, Pose& pose) {
  const double side = random.Uniform() < 0.5 ? 1 : -1;  // leans to the right
  pose.lean = DrawAngle({-10, 10}, random);
  switch (random.Below(7)) {
    case 0:
      SetLegs(kStandingLeg, kStandingLeg, random, pose);
      break;
    case 1:
      SetLegs(kWideLeg, kWideLeg, random, pose);
      break;
    case 2:
      SetLegs(kSquattingLeg, kSquattingLeg, random, pose);
      break;
    case 3:  // kick, leaning away from the leg
    case 4: {
      const LimbRange& raised =
          random.Uniform() < 0.6 ? kKickingLeg : kRaisedKnee;
      pose.lean = side * DrawAngle({5, 25}, random);
      side > 0 ? SetLegs(raised, kStandingLeg, random, pose)
               : SetLegs(kStandingLeg, raised, random, pose);
      break;
    }
    case 5:  // jump
      SetLegs(kFlyingLeg, kFlyingLeg, random, pose);
      pose.jump = random.Uniform(0.08, 0.2);
      break;
    default:  // bend sideways
      SetLegs(kWideLeg, kWideLeg, random, pose);
      pose.lean = side * DrawAngle({35, 75}, random);
  }
}

Pose RandomPose(Random& random) {
  Pose pose;
  DrawLegsAndTorso(random, pose);
  const LimbRange& left = kArms[random.Below(std::size(kArms))];
  const LimbRange& other = kArms[random.Below(std::size(kArms))];
  const LimbRange& right = random.Uniform() < 0.5 ? left : other;
  pose.left_arm = Draw(left, random);
  pose.right_arm = Draw(right, random);
  pose.nod = DrawAngle({-22, 22}, random) - 0.4 * pose.lean;
  pose.sway = random.Uniform(-0.18, 0.18);
  return pose;
}

constexpr std::array<double LimbPose::*, 2> kLimbAngles = {&LimbPose::raise,
                                                           &LimbPose::bend};
constexpr std::array<LimbPose Pose::*, 4> kLimbs = {
    &Pose::left_arm, &Pose::right_arm, &Pose::left_leg, &Pose::right_leg};
constexpr std::array<double Pose::*, 4> kBody = {&Pose::lean, &Pose::nod,
                                                 &Pose::jump, &Pose::sway};

struct KeyPose {
  double frame = 0;
  Pose pose;
};

std::vector<KeyPose> RandomKeyPoses(int num_frames, Random& random) {
  std::vector<KeyPose> keys;
  double frame = random.Uniform(-8, 0);
  // Past both ends, for parts that run late or early.
  while (keys.size() < 2 || keys[keys.size() - 2].frame < num_frames + 3) {
    keys.push_back({frame - 3, RandomPose(random)});
    frame += random.Uniform(6, 10);
  }
  return keys;
}

// The value at `frame` of one quantity: at rest at each key, gliding between.
template <typename Get>
double Glide(const std::vector<KeyPose>& keys, double frame, const Get& get) {
  size_t next = 1;
  while (next + 1 < keys.size() && keys[next].frame < frame) ++next;
  const KeyPose& from = keys[next - 1];
  const KeyPose& to = keys[next];
  const double t = SmoothStep(from.frame, to.frame, frame);
  return get(from.pose) + t * (get(to.pose) - get(from.pose));
}

// A sum of two slow sines within [-1, 1].
class SlowWave {
 public:
  explicit SlowWave(Random& random) {
    for (Sine& sine : sines_) {
      sine.frequency = random.Uniform(0.08, 0.3);
      sine.phase = random.Uniform(0, 2 * kPi);
    }
  }
  double At(double frame) const {
    double sum = 0;
    for (const Sine& sine : sines_) {
      sum += 0.5 * std::sin(sine.frequency * frame + sine.phase);
    }
    return sum;
  }

 private:
  struct Sine {
    double frequency, phase;  // radians a frame, radians
  };
  std::array<Sine, 2> sines_;
};

}  // namespace

std::vector<Pose> RandomMotion(int num_frames, Random& random) {
  const std::vector<KeyPose> keys = RandomKeyPoses(num_frames, random);
  std::array<double, kLimbs.size()> lateness;
  for (double& late : lateness) late = random.Uniform(-1.5, 1.5);
  std::vector<Pose> poses(num_frames);
  for (int frame = 0; frame < num_frames; ++frame) {
    for (auto part : kBody) {
      poses[frame].*part =
          Glide(keys, frame, [=](const Pose& pose) { return pose.*part; });
    }
    for (size_t limb = 0; limb < kLimbs.size(); ++limb) {
      for (auto angle : kLimbAngles) {
        poses[frame].*kLimbs[limb].*angle =
            Glide(keys, frame - lateness[limb],
                  [=](const Pose& pose) { return pose.*kLimbs[limb].*angle; });
      }
    }
  }
  return poses;
}

std::vector<Affine2> RandomCameraPath(int num_frames, Random& random) {
  const SlowWave x(random), y(random), zoom(random), angle(random);
  std::vector<Affine2> path;
  for (int frame = 0; frame < num_frames; ++frame) {
    path.push_back(Similarity(std::exp(0.14 * zoom.At(frame)),
                              8 * kPi / 180 * angle.At(frame),
                              {0.15 * x.At(frame), 0.15 * y.At(frame)}));
  }
  return path;
}

}  // namespace pipelines::puppets
