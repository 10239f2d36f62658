// Ground truth of a puppet clip: joints, and the motion of every pixel.
//
// A frame is a stack of layers, painted from the first (the background, which
// covers everything) to the last. A layer is a rigid shape that keeps its
// outline and only changes its place, so the two together say which layer shows
// at any point of any frame, and with that where any visible point comes from.
//
// Coordinates: x right, y down, [-1, 1] with align_corners: -1 and 1 are the
// centres of the first and last pixel of a frame. Each layer has a coordinate
// system of its own ("layer coordinates") in the same unit.
//
// Files of a clip, in a folder of its own (CSV, one header line each):
//   joints.csv    frame,joint,x,y,visible   visible: inside the frame and not
//                                           behind a layer that does not have
//                                           the joint
//   layers.csv    frame,layer,a,b,c,d,e,f   frame_from_layer:
//                                           x' = a x + b y + c,
//                                           y' = d x + e y + f
//   outlines.csv  layer,piece,radius,x,y    one line a corner: a piece is the
//                                           convex polygon of its corners,
//                                           grown by radius
//   flow.npy      optional; float16 [T, S, S, 3], source_from_driving from the
//                 first frame (source) to each frame (driving): x, y, valid
//                 (0/1)
#ifndef PIPELINES_PUPPETS_TRUTH_H_
#define PIPELINES_PUPPETS_TRUTH_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "opencv2/core.hpp"
#include "pipelines/puppets/shape.h"

namespace pipelines::puppets {

// The joints, in the order of joints.csv. Left and right are the picture's.
enum Joint {
  kHeadTop,
  kNeck,
  kLeftShoulder,
  kLeftElbow,
  kLeftHand,
  kRightShoulder,
  kRightElbow,
  kRightHand,
  kLeftHip,
  kLeftKnee,
  kLeftFoot,
  kRightHip,
  kRightKnee,
  kRightFoot,
  kNumJoints,
};

struct JointState {
  Point2 position;
  bool visible = false;
};

struct FrameTruth {
  std::array<JointState, kNumJoints> joints;
  std::vector<Affine2> frame_from_layer;  // one a layer, the background first
};

struct Truth {
  // Of the layers in painting order; that of the background is empty, for it
  // has no end.
  std::vector<Outline> outlines;
  std::vector<FrameTruth> frames;
};

// The uppermost layer at `point` of `frame`; 0 is the background.
int TopLayer(const Truth& truth, int frame, Point2 point);

// TopLayer of every pixel: CV_32S [size, size].
cv::Mat TopLayers(const Truth& truth, int frame, int size);

// For every pixel of frame `driving`, where the same point of the same layer is
// in frame `source`.
//
// Returns CV_32FC3 [size, size]: x, y in [-1, 1] and 1 if that place is in the
// source's frame and visible there, else 0 (x, y then still say where the point
// has gone, hidden or out of sight). Both frames in [0, number of frames).
cv::Mat SourceFromDriving(const Truth& truth, int source, int driving,
                          int size);

// A file of a folder of ground truth.
struct TruthFile {
  std::string name;
  std::string content;
};

// outlines.csv, layers.csv and joints.csv.
std::vector<TruthFile> TruthFiles(const Truth& truth);

// Reads them back. NotFound or InvalidArgument names the file and the line.
absl::StatusOr<Truth> ReadTruth(const std::string& folder);

}  // namespace pipelines::puppets

#endif  // PIPELINES_PUPPETS_TRUTH_H_
