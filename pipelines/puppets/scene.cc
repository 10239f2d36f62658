#include "pipelines/puppets/scene.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "opencv2/imgproc.hpp"
#include "pipelines/puppets/character.h"
#include "pipelines/puppets/motion.h"

namespace pipelines::puppets {
namespace {

// What the camera can see of the background: the frame's corner, shifted by
// 0.15, over the least zoom.
constexpr double kBackgroundReach = 1.9;

struct JointPlace {
  Part part;       // that the joint is fixed to
  Part neighbour;  // that may cover it without hiding it
  Point2 position;
};

std::array<JointPlace, kNumJoints> JointPlaces(const Measures& m) {
  std::array<JointPlace, kNumJoints> places;
  places[kHeadTop] = {kHead, kHead, {0, -m.neck - 1.8 * m.head_radius}};
  places[kNeck] = {kHead, kTorso, {0, 0}};
  places[kLeftShoulder] = {kLeftUpperArm, kTorso, {0, 0}};
  places[kLeftElbow] = {kLeftLowerArm, kLeftUpperArm, {0, 0}};
  places[kLeftHand] = {kLeftLowerArm, kLeftLowerArm, {0, m.lower_arm}};
  places[kRightShoulder] = {kRightUpperArm, kTorso, {0, 0}};
  places[kRightElbow] = {kRightLowerArm, kRightUpperArm, {0, 0}};
  places[kRightHand] = {kRightLowerArm, kRightLowerArm, {0, m.lower_arm}};
  places[kLeftHip] = {kLeftThigh, kTorso, {0, 0}};
  places[kLeftKnee] = {kLeftShin, kLeftThigh, {0, 0}};
  places[kLeftFoot] = {kLeftShin, kLeftShin, {0, m.shin}};
  places[kRightHip] = {kRightThigh, kTorso, {0, 0}};
  places[kRightKnee] = {kRightShin, kRightThigh, {0, 0}};
  places[kRightFoot] = {kRightShin, kRightShin, {0, m.shin}};
  return places;
}

// Layer 0 is the background; part `painting_order[i]` is layer i + 1.
std::array<int, kNumParts> LayerOfPart(const Character& puppet) {
  std::array<int, kNumParts> layer;
  for (int i = 0; i < kNumParts; ++i) layer[puppet.painting_order[i]] = i + 1;
  return layer;
}

void SetJoints(const Character& puppet, int frame, Truth& truth) {
  const std::array<int, kNumParts> layer_of = LayerOfPart(puppet);
  const auto places = JointPlaces(puppet.measures);
  FrameTruth& state = truth.frames[frame];
  for (int j = 0; j < kNumJoints; ++j) {
    const int layer = layer_of[places[j].part];
    const Point2 p = state.frame_from_layer[layer](places[j].position);
    const int top = TopLayer(truth, frame, p);
    const bool in_frame = std::max(std::abs(p.x), std::abs(p.y)) <= 1;
    state.joints[j].position = p;
    state.joints[j].visible =
        in_frame && (top == layer || top == layer_of[places[j].neighbour]);
  }
}

Truth MakeTruth(const Character& puppet, const std::vector<Pose>& poses,
                const std::vector<Affine2>& frame_from_world) {
  Truth truth;
  truth.outlines.emplace_back();
  for (Part part : puppet.painting_order) {
    truth.outlines.push_back(puppet.outlines[part]);
  }
  for (size_t frame = 0; frame < poses.size(); ++frame) {
    const auto world_from_part = WorldFromParts(puppet, poses[frame]);
    FrameTruth state;
    state.frame_from_layer.push_back(frame_from_world[frame]);
    for (Part part : puppet.painting_order) {
      state.frame_from_layer.push_back(frame_from_world[frame] *
                                       world_from_part[part]);
    }
    truth.frames.push_back(std::move(state));
    SetJoints(puppet, static_cast<int>(frame), truth);
  }
  return truth;
}

Texture BakePart(const Paint& paint, const Outline& outline,
                 double samples_per_unit) {
  const Disc disc = BoundingDisc(outline);
  const Point2 reach{disc.radius, disc.radius};
  return Texture(paint, outline, disc.centre - reach, disc.centre + reach,
                 samples_per_unit);
}

}  // namespace

Scene::Scene(const SceneOptions& options, Random random) : options_(options) {
  const double value = random.Uniform() < 0.5 ? random.Uniform(0.3, 0.42)
                                              : random.Uniform(0.65, 0.85);
  const Paint background = RandomBackground(value, random);
  const Character puppet = RandomCharacter(value, random);
  const std::vector<Pose> poses = RandomMotion(options.num_frames, random);
  const std::vector<Affine2> frame_from_world =
      options.camera_motion ? RandomCameraPath(options.num_frames, random)
                            : std::vector<Affine2>(options.num_frames);
  truth_ = MakeTruth(puppet, poses, frame_from_world);

  // Two samples a pixel and axis keep what a pixel can show.
  const double samples_per_unit = options.size;
  const double reach = options.camera_motion ? kBackgroundReach : 1.05;
  textures_.emplace_back(background, Outline(), Point2{-reach, -reach},
                         Point2{reach, reach}, samples_per_unit);
  for (Part part : puppet.painting_order) {
    textures_.push_back(
        BakePart(puppet.paints[part], puppet.outlines[part], samples_per_unit));
  }
  if (!options.camera_motion) still_background_ = PaintBackground(Affine2());
}

cv::Mat Scene::Render(int frame) const {
  const std::vector<Affine2>& places = truth_.frames[frame].frame_from_layer;
  cv::Mat_<cv::Vec3b> samples = still_background_.clone();
  if (samples.empty()) samples = PaintBackground(places[0]);
  for (size_t layer = 1; layer < places.size(); ++layer) {
    PaintLayer(static_cast<int>(layer), places[layer], samples);
  }
  cv::Mat picture;
  cv::resize(samples, picture, {options_.size, options_.size}, 0, 0,
             cv::INTER_AREA);
  return picture;
}

cv::Mat_<cv::Vec3b> Scene::PaintBackground(
    const Affine2& frame_from_background) const {
  const int samples_across = options_.size * options_.supersampling;
  cv::Mat_<cv::Vec3b> samples(samples_across, samples_across);
  PaintLayer(0, frame_from_background, samples);
  return samples;
}

void Scene::PaintLayer(int layer, const Affine2& frame_from_layer,
                       cv::Mat_<cv::Vec3b>& samples) const {
  const Outline& outline = truth_.outlines[layer];
  const bool everywhere = outline.empty();
  // Sample s of pixel i lies at i + (s + 0.5) / supersampling - 0.5, and pixel
  // i at 2 i / (size - 1) - 1.
  const double step = 2.0 / (options_.size - 1) / options_.supersampling;
  const double first = -1 + 0.5 * step - 1.0 / (options_.size - 1);
  const Affine2 layer_from_frame = Inverse(frame_from_layer);
  const Disc disc = BoundingDisc(outline);
  const Point2 centre = frame_from_layer(disc.centre);
  const double reach =
      disc.radius * std::hypot(frame_from_layer.a, frame_from_layer.d);
  const auto index = [&](double x) {
    return static_cast<int>(
        std::clamp((x - first) / step, 0.0, static_cast<double>(samples.cols)));
  };
  const int top = everywhere ? 0 : index(centre.y - reach);
  const int bottom = everywhere ? samples.rows : index(centre.y + reach + step);
  const int left = everywhere ? 0 : index(centre.x - reach);
  const int right = everywhere ? samples.cols : index(centre.x + reach + step);
  for (int row = top; row < bottom; ++row) {
    for (int column = left; column < right; ++column) {
      const Point2 p =
          layer_from_frame({first + column * step, first + row * step});
      textures_[layer].Cover(p, samples(row, column));
    }
  }
}

}  // namespace pipelines::puppets
