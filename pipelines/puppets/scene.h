// One clip: a puppet, its motion, a background, a camera.
#ifndef PIPELINES_PUPPETS_SCENE_H_
#define PIPELINES_PUPPETS_SCENE_H_

#include <vector>

#include "opencv2/core.hpp"
#include "pipelines/base/random.h"
#include "pipelines/puppets/shape.h"
#include "pipelines/puppets/texture.h"
#include "pipelines/puppets/truth.h"

namespace pipelines::puppets {

struct SceneOptions {
  int size = 64;  // of a frame in pixels
  int num_frames = 32;
  int supersampling = 3;  // samples a pixel and axis
  bool camera_motion = false;
};

class Scene {
 public:
  // Draws everything from `random`.
  Scene(const SceneOptions& options, Random random);

  const Truth& truth() const { return truth_; }

  // The frame as CV_8UC3 RGB [size, size]; averages supersampling^2 samples a
  // pixel, each of the uppermost layer there.
  cv::Mat Render(int frame) const;

 private:
  cv::Mat_<cv::Vec3b> PaintBackground(
      const Affine2& frame_from_background) const;
  void PaintLayer(int layer, const Affine2& frame_from_layer,
                  cv::Mat_<cv::Vec3b>& samples) const;

  SceneOptions options_;
  Truth truth_;
  std::vector<Texture> textures_;  // of the layers
  // The background's samples, the same in every frame unless the camera moves.
  cv::Mat_<cv::Vec3b> still_background_;
};

}  // namespace pipelines::puppets

#endif  // PIPELINES_PUPPETS_SCENE_H_
