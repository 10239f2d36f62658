// Animates a still image by a driving video, file to file.
#ifndef PIPELINES_ANIMATION_ANIMATE_VIDEO_H_
#define PIPELINES_ANIMATION_ANIMATE_VIDEO_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "keypoints/zero_phase_filter.h"
#include "opencv2/core.hpp"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/cropped_reader.h"
#include "pipelines/animation/face_choice.h"
#include "pipelines/animation/figure_background.h"
#include "pipelines/animation/framing.h"
#include "pipelines/animation/panels.h"
#include "pipelines/animation/start_frame.h"
#include "pipelines/animation/three_stages.h"
#include "pipelines/animation/video_source.h"
#include "pipelines/base/work_hooks.h"
#include "pipelines/media/frame_source.h"
#include "pipelines/media/rational.h"

namespace pipelines {

struct AnimateVideoOptions {
  // --- What goes in
  // `source` and `driving` may be devices or URLs; see
  // media::FrameSourceOptions for who may say so.
  bool allow_addresses = false;
  CropMode source_crop = CropMode::kCentre;
  CropMode driving_crop = CropMode::kCentre;
  // Instead of source_crop: a part of the source in its pixels, of which the
  // largest centred part with the model's aspect is taken.
  std::optional<cv::Rect> source_box;
  // With CropMode::kFace: whose surroundings. Of several each is animated.
  FaceChoice source_face;
  // The frame of a source that is a video, from 0; or all of them, each moved
  // as the driving frame of its number, until the shorter video ends.
  int64_t source_frame = 0;
  bool animate_source_video = false;
  // The driving frame that relative motion starts from. All but the first need
  // the driving video to be read twice, so it must not be a camera.
  StartFrame start;
  // Smooths the driving keypoints without delay, instead of the animator's
  // causal smoothing. Read twice, too; only keypoints are kept of all frames.
  std::optional<keypoints::ZeroPhaseOptions> zero_phase;
  // At most so many driving frames; 0 is all.
  int64_t max_frames = 0;
  // Read on after damaged places of the driving video, and say what was lost.
  // The sound ends, or begins, where the frames do then.
  bool allow_damaged = false;
  // Of errors about such places: see media::FrameSourceOptions.
  std::string damage_advice;
  // Ends the error of a single pose in relative mode: what the user of this
  // program can do, as "use --mode standard". Empty: the modes are named.
  std::string pose_advice;
  // Driving frames a second, where nothing states them: see
  // media::FrameSourceOptions.
  media::Rational image_rate = {25, 1};

  // --- What comes out
  // What is seen through a transparent source, (R, G, B). Without it, an output
  // that can hold alpha (media::HoldsAlphaOutput) and shows the result alone
  // keeps it, and all others are over white; so is what stands before a
  // `background`.
  std::optional<cv::Vec3b> alpha_over;
  std::vector<Panel> panels = {Panel::kResult};
  int columns = 0;  // see PanelPainter
  // Put the animated crop back into the whole source. Of several faces that are
  // not, the crops stand side by side.
  bool paste_back = false;
  // The share of the crop's side over which the motion fades to none where it
  // is pasted back, see CropBlendOptions.
  double fade = 0.15;
  // What stands behind the figure.
  BackgroundOptions background;
  // Of the result. Width 0: the shorter side has `size.height` pixels. Empty:
  // as the model makes it.
  cv::Size size;
  // Where `size` is empty: smaller results are enlarged by a whole factor to at
  // least so many pixels (video players blur small pictures); 0 is off.
  int min_output_side = 0;
  // Files for the driving keypoints as detected, [frames, P, 2], and the
  // deformation source_from_driving, [frames, h, w, 2] (h and w as in
  // networks/dense_motion.h), points of the source in [-1, 1], as .npy; none if
  // empty.
  std::string save_keypoints;
  std::string save_deformation;
  // The driving keypoints and frame times as a motion file (motion_file.h),
  // which can stand for the driving video; none if empty.
  std::string save_motion;
  // Whether outputs that exist are replaced.
  bool overwrite = false;
  // What else is read for this, as the checkpoint. No output may be an input.
  std::vector<std::string> other_inputs;

  // Frames that go through the networks together; 0 chooses by their size.
  int batch_size = 0;
  // Of this animation alone. Its stage is "animate", counted in frames; the
  // total is known where the driving video tells. What to warn of is in the
  // report.
  WorkHooks hooks;
  // Each frame of the output, from 0, once it is handed to the encoder: RGB, or
  // RGBA where the output keeps alpha. From the thread that writes, which waits
  // for it. May be empty.
  std::function<void(int64_t index, const cv::Mat& frame)> frame_written;
  // Hands RGBA to frame_written also where the output is over white since it
  // cannot hold alpha, if the result alone is shown and the source can be seen
  // through. The output stays as it is but for what comes from outside of the
  // source, which is white in place of black; the network paints such frames
  // twice.
  bool keeps_alpha_for_hook = false;
};

struct AnimateVideoReport {
  int64_t frames = 0;
  int64_t start_frame = 0;
  std::string damage;  // what of the driving video was lost; empty: nothing
  std::vector<std::string> warnings;  // for the user
  double seconds = 0;                 // all in all
  double look_ahead_seconds = 0;      // choosing the start
  StageSeconds stages;                // of the rest, overlapping each other
};

// What of `options` is about the driving video, and about the source.
media::FrameSourceOptions DrivingInputOf(const AnimateVideoOptions& options);
CroppedReaderOptions DrivingOptionsOf(const AnimateVideoOptions& options,
                                      const Animator& animator);
VideoSourceOptions SourceOptionsOf(const AnimateVideoOptions& options,
                                   const Animator& animator);

// Writes `output`, whose ending says what: .mp4, .mov, .mkv, .webm, .avi, .gif,
// .png or .jpg for a single frame, a folder of PNGs without one, or a device
// (media/device_sink.h). Keeps the driving video's exact frame times and audio.
// `source` and `driving` are what media::OpenFrameSource opens; an image is a
// row of frames as a source only if it holds five or more.
//
// `driving` may also be a motion file that the same detector made: the frames
// are those of the video that it was saved from, to the bit, without its sound.
// One picture, or a motion file of one frame, is a pose: a picture or a folder
// gets one frame, a video shows it for a second. Relative mode would move
// nothing then and is InvalidArgument.
//
// Reads, computes and writes at the same time; memory does not grow with the
// video's length. On error nothing appears at `output`; nor when hooks.stop
// asks to end, which is Cancelled. A camera merely ends then, and `output` is
// whole.
//
// Several animations can run at once in one process, each with an animator of
// its own.
//
// Before anything is computed the outputs are checked
// (networks/files/outputs.h) and locked: AlreadyExists where one is there and
// not to be replaced, InvalidArgument where one is an input, no file, or two
// are one file, Unavailable where another process writes one. Then the errors
// of OpenFrameSource and OpenFrameSink; DataLoss where the driving video is
// damaged, saying where; those of DrivingReader::Open for a motion file;
// InvalidArgument for options that do not go together.
absl::StatusOr<AnimateVideoReport> AnimateVideo(
    Animator& animator, const std::string& source, const std::string& driving,
    const std::string& output, const AnimateVideoOptions& options);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_ANIMATE_VIDEO_H_
