#include "pipelines/animate_flags.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "keypoints/one_euro_filter.h"
#include "keypoints/transfer.h"
#include "keypoints/zero_phase_filter.h"
#include "pipelines/animation/crop_blend.h"
#include "pipelines/animation/face_choice.h"
#include "pipelines/animation/figure_background.h"
#include "pipelines/animation/framing.h"
#include "pipelines/animation/motion_file.h"
#include "pipelines/animation/motion_scales.h"
#include "pipelines/animation/panels.h"
#include "pipelines/animation/precision.h"
#include "pipelines/animation/start_frame.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/base/user_path.h"
#include "pipelines/config/frame_size.h"
#include "pipelines/config/motion_choice.h"
#include "pipelines/media/colour.h"
#include "pipelines/media/device_sink.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/input_address.h"
#include "pipelines/media/rational.h"
#include "pipelines/pretrained/pretrained.h"
#include "third_party/absl/status_macros.h"

// --- What goes in
ABSL_FLAG(std::string, source, "",
          "The still to animate: a photo or any other image, or a frame of a "
          "video.");
ABSL_FLAG(std::string, driving, "",
          "The motion: a video or its URL, a folder of frames, frames side by "
          "side in one image, a motion file (see --save_motion), camera:0 "
          "(until Ctrl-C) or lavfi: with a graph of FFmpeg's filters, which is "
          "a camera, too: frames for which there is no time are left out. Or a "
          "pose: one picture, with --mode standard or avd.");
ABSL_FLAG(std::string, sources, "",
          "For many: a folder of sources, or a .txt file with a path a line. "
          "Each is animated by each of the drivings.");
ABSL_FLAG(std::string, drivings, "",
          "For many: a folder of driving videos, or a .txt file.");
ABSL_FLAG(std::string, checkpoint, "",
          "The trained model: the name of fetched weights, as tps-vox, which "
          "knows faces; a .pth.tar file of the paper's original implementation "
          "or of its thin-plate-spline predecessor; a training run's folder "
          "for its best checkpoint, or a .safetensors file. Without one, the "
          "one that comes with this program, which knows drawn puppets.");
ABSL_FLAG(
    std::string, model_size, "",
    "The size at which the model sees frames: 384, or 512x384. Empty: as "
    "it was trained, which .pth.tar files do not say; these are taken for "
    "256 (tps-ted is of 384).");
ABSL_FLAG(std::string, source_frame, "0",
          "The frame of a source that is a video, from 0; or all, each moved "
          "as the driving frame of its number.");
ABSL_FLAG(std::string, crop, "centre",
          "What the model sees of the source: none (all, squeezed), centre, "
          "face (the surroundings of one, see --face), or a part in pixels, as "
          "x,y,width,height.");
ABSL_FLAG(
    std::string, face, "largest",
    "With --crop face, whose surroundings: largest, a number from 1 (from "
    "left to right), several as 1,3, or all. Of several each is moved; "
    "--paste_back puts all back, else they stand side by side.");
ABSL_FLAG(std::string, driving_crop, "",
          "What the model sees of the driving video: none, centre or face (the "
          "largest). Empty: as --crop, and the centre for a part in pixels.");
ABSL_FLAG(int64_t, max_frames, 0, "At most so many driving frames; 0 is all.");
ABSL_FLAG(
    std::string, fps, "25",
    "Frames a second of what states no times: a folder of images, frames "
    "side by side, and a raw stream (.h264, .hevc, .obu, .mjpeg) without "
    "a rate in it: 30, 29.97 or 30000/1001. Other videos have their own.");
ABSL_FLAG(bool, allow_damaged, false,
          "Read on after damaged places of a driving video, and say what was "
          "lost.");

// --- Motion
ABSL_FLAG(std::string, motion, "",
          absl::StrCat("The motion model: ", pipelines::MotionFlagHelp()));
ABSL_FLAG(
    std::string, mode, "auto",
    "relative: the source moves as the driving figure moves away from its "
    "first frame; standard: it takes the driving figure's own shape; avd: it "
    "takes its pose, by a network that not every checkpoint has. auto: "
    "relative, but standard for the example, whose two puppets differ little "
    "in shape.");
ABSL_FLAG(bool, adapt_scale, true,
          "In relative mode, scale motion by the sizes of the two figures.");
ABSL_FLAG(std::string, start, "first",
          "The driving frame that relative mode starts from: first, a "
          "number, or the one whose keypoints are most like the source's, by "
          "place and size (keypoints) or by turn, too (alignment).");
ABSL_FLAG(
    std::string, motion_scale, "1",
    "How much of the motion is shown, 0 to 2: one value; one for each "
    "keypoint set, 1,0.5,0; or of some by number or name, 3=0,head=0.5. "
    "Names are in CHECKPOINT.sets.textproto; --show_sets shows the sets.");
ABSL_FLAG(bool, smooth, false, "Reduce the jitter of keypoints.");
ABSL_FLAG(std::string, smooth_filter, "causal",
          "For --smooth: causal (one-euro filter: uses no later frame, lags a "
          "little, serves cameras), or zero_phase (no lag; reads the driving "
          "video twice).");
ABSL_FLAG(double, smooth_cutoff, 1,
          "For --smooth: Hz that pass at rest; lower is steadier.");
ABSL_FLAG(double, smooth_gain, 20,
          "For --smooth: Hz that the cutoff rises for each half side a second; "
          "higher lags less.");

// --- What comes out
ABSL_FLAG(
    std::string, output, "animation.mp4",
    "What to write, by its ending: mp4, mov, mkv, webm, avi, gif, webp, png or "
    "jpg for a single frame, or a folder of PNGs without one; or a virtual "
    "camera, v4l2:/dev/video9. For many, the folder of the results.");
ABSL_FLAG(std::string, format, ".mp4",
          "For many: the ending of the results: .mp4, .mov, .mkv, .webm, .avi, "
          ".gif, .webp, .png or .jpg; empty for folders of PNGs.");
ABSL_FLAG(bool, comparison, false,
          "For many: also all results of a driving video in one grid.");
ABSL_FLAG(std::string, panels, "result",
          "What a frame shows: some of source, driving, result, keypoints, "
          "flow, occlusion, grid, warped (the source moved, before the network "
          "paints what it hid), sets (which keypoint set moves what, by "
          "number), with commas between.");
ABSL_FLAG(int, columns, 0, "Panels beside each other; 0 chooses.");
ABSL_FLAG(bool, side_by_side, false,
          "Short for --panels=source,driving,result.");
ABSL_FLAG(bool, paste_back, false,
          "Put the animated crop back into the whole source.");
ABSL_FLAG(
    double, fade, 0.15,
    "With --paste_back: the share of the crop's side, 0 to 0.5, over which "
    "motion fades to none at its border, so that no seam shows; 0 only "
    "mixes pixels there.");
ABSL_FLAG(
    std::string, background, "",
    "Behind the figure: still (the source's), driving (the driving "
    "video's, and whoever is in it), a colour (white, black or #rrggbb), or "
    "a picture's path. Empty: as the model makes it.");
ABSL_FLAG(std::string, mask, "",
          "For --background: a picture of the source's size, white where the "
          "figure is. Empty: the source's alpha, or it is found by motion and "
          "colours.");
ABSL_FLAG(std::string, alpha_over, "",
          "What is seen through a transparent source: white, black or #rrggbb. "
          "Empty: png, webp, webm, mov (as ProRes 4444) and folders keep the "
          "transparency, others are over white.");
ABSL_FLAG(
    std::string, size, "",
    "Of the result: 640x480, or 512 for the shorter side. Empty: the "
    "model's own, enlarged by a whole factor to at least 256. Videos have "
    "even sizes: an odd one gets a column or a row more, but not in "
    "pictures, .gif and .webp.");
ABSL_FLAG(std::string, save_keypoints, "",
          "Also write the driving keypoints to this .npy file.");
ABSL_FLAG(std::string, save_deformation, "",
          "Also write the deformation to this .npy file: for each frame and "
          "place the point of the source that it shows, (x, y) in [-1, 1].");
ABSL_FLAG(std::string, save_flow, "", "The former name of --save_deformation.");
ABSL_FLAG(std::string, save_motion, "",
          "Also write the driving keypoints and frame times, without pictures "
          "and sound, as a motion file: x.motion.safetensors. As --driving it "
          "gives any source the same motion, with the same checkpoint. Without "
          "--source nothing else is written.");
ABSL_FLAG(
    std::string, show_sets, "",
    "Instead of an animation, write this picture: where the keypoint sets "
    "are on --source, what they move, their numbers and names.");
ABSL_FLAG(bool, overwrite, false,
          "Replace an output that exists, but no folder with files in it.");

// --- How
ABSL_FLAG(int, batch_size, 0,
          "Frames computed together; 0 chooses by their size.");
ABSL_FLAG(std::string, device, "auto",
          "auto (the first GPU if there is one), cpu, cuda or cuda:N.");
ABSL_FLAG(std::string, precision, "auto",
          "float32, bfloat16, float16 (on GPUs), or auto: bfloat16 on a "
          "processor with matrix units for it (AMX), else float32.");
ABSL_FLAG(bool, tf32, true,
          "On NVIDIA GPUs from Ampere on, float32's convolutions and matrix "
          "products round their inputs to 11 bits, but for what says where a "
          "pixel comes from.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0 is one a core.");
ABSL_FLAG(bool, halt_on_error, false,
          "For many: end at the first that fails instead of trying the rest. "
          "What is finished stays, and the same command goes on with what is "
          "missing.");
ABSL_FLAG(bool, quiet, false, "Say nothing but errors and warnings.");
ABSL_FLAG(bool, json, false, "Print a report as JSON, for scripts.");

namespace pipelines {

const char kAnimateUsage[] =
    R"(Animates a photo, or any other still image, by the motion of a video.

  tools/bazelw run //tools:fetch_weights -- tps-vox
  tools/bazelw run //pipelines:animate -- --checkpoint tps-vox --source me.png \
      --driving talk.mp4 --crop face --paste_back
      a photo, with weights that know faces
  tools/bazelw run //pipelines:animate
      shows what it does: moves a drawn puppet, writes animation.mp4
  tools/bazelw run //pipelines:animate -- --source me.png --driving dance.mp4 \
      --checkpoint runs/mine --output out.mp4
  tools/bazelw run //pipelines:animate -- --sources stills/ --drivings videos/ \
      --checkpoint ... --output results/
      animates each still by each video; run again to do what is missing

Writes an H.264 mp4 that browsers play, with the driving video's frame times and
audio, and a note in it that it is synthetic. More is in
pipelines/animation/README.md of the source tree.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only, 130 Ctrl-C, 143 SIGTERM.)";

const char kAnimateFlagsFile[] = __FILE__;

std::vector<FlagGroup> AnimateFlagGroups() {
  return {{"What goes in",
           {"source", "driving", "sources", "drivings", "checkpoint",
            "model_size", "source_frame", "crop", "face", "driving_crop", "fps",
            "max_frames", "allow_damaged"}},
          {"Motion",
           {"motion", "mode", "adapt_scale", "start", "motion_scale", "smooth",
            "smooth_filter", "smooth_cutoff", "smooth_gain"}},
          {"What comes out",
           {"output", "format", "comparison", "panels", "columns",
            "side_by_side", "paste_back", "fade", "background", "mask",
            "alpha_over", "size", "save_keypoints", "save_deformation",
            "save_flow", "save_motion", "show_sets", "overwrite"}},
          {"How",
           {"batch_size", "device", "precision", "tf32", "threads",
            "halt_on_error", "quiet", "json"}}};
}

namespace {

constexpr int kLargestSide = 16384;
constexpr int kSmallestResult = 256;

template <typename T>
absl::Status NotNegative(absl::string_view flag, T value) {
  if (value >= 0) return absl::OkStatus();
  return BadFlag(flag, " is ", value, "; use 0 or more");
}

template <typename T>
bool IsDefault(const absl::Flag<T>& flag) {
  const absl::CommandLineFlag& reflected = absl::GetFlagReflectionHandle(flag);
  return reflected.CurrentValue() == reflected.DefaultValue();
}

// A flag that differs from its default says nothing where another is not given.
template <typename T>
absl::Status NeedsFlag(const absl::Flag<T>& flag, bool has_other,
                       absl::string_view other) {
  if (has_other || IsDefault(flag)) return absl::OkStatus();
  const absl::CommandLineFlag& reflected = absl::GetFlagReflectionHandle(flag);
  return BadFlag(reflected.Name(), " is '", reflected.CurrentValue(),
                 "', which has no effect without ", other,
                 "; give both or neither");
}

// A note and no error: a script, or a page, may give the flags of relative
// mode beside every mode, and those of a video beside a motion file.
template <typename T>
void NoteWithoutEffect(const absl::Flag<T>& flag, absl::string_view why,
                       AnimateRequest* request) {
  if (IsDefault(flag)) return;
  request->notes.push_back(
      absl::StrCat("--", absl::GetFlagReflectionHandle(flag).Name(),
                   " has no effect ", why));
}

void AddNotes(AnimateRequest* request) {
  const bool animates = request->show_sets.empty() && !request->records_motion;
  const bool is_relative =
      request->animator.transfer.mode == keypoints::TransferMode::kRelative;
  if (!animates || !is_relative) {
    const absl::string_view why =
        animates ? "without --mode relative" : "without an animation";
    NoteWithoutEffect(FLAGS_start, why, request);
    NoteWithoutEffect(FLAGS_adapt_scale, why, request);
    // Others than the first would have the driving video read twice.
    request->video.start = StartFrame();
  }
  if (!animates) {
    NoteWithoutEffect(FLAGS_output, "without an animation", request);
  }
  if (IsMotionFile(request->inputs.driving)) {
    constexpr absl::string_view kWhy = "with a motion file as --driving";
    NoteWithoutEffect(FLAGS_driving_crop, kWhy, request);
    NoteWithoutEffect(FLAGS_allow_damaged, kWhy, request);
  }
}

absl::StatusOr<keypoints::TransferMode> GetMode(const AnimateInputs& inputs) {
  std::string mode = absl::GetFlag(FLAGS_mode);
  if (mode == "auto") mode = DefaultMode(AreTheExample(inputs));
  if (mode == "relative") return keypoints::TransferMode::kRelative;
  if (mode == "standard") return keypoints::TransferMode::kStandard;
  if (mode == "avd") return keypoints::TransferMode::kAvd;
  return BadFlag("mode is '", mode, "'; use auto, relative, standard or avd");
}

absl::Status CheckSmoothing(double cutoff, double gain) {
  if (!(cutoff > 0) || !std::isfinite(cutoff)) {
    return BadFlag("smooth_cutoff is ", cutoff, "; use a number of Hz above 0");
  }
  if (!(gain >= 0) || !std::isfinite(gain)) {
    return BadFlag("smooth_gain is ", gain, "; use a number of Hz, 0 or more");
  }
  return absl::OkStatus();
}

// Causal smoothing is the animator's, the other one the video's.
absl::Status SetSmoothing(AnimateRequest* request) {
  const bool smooth = absl::GetFlag(FLAGS_smooth);
  RETURN_IF_ERROR(NeedsFlag(FLAGS_smooth_filter, smooth, "--smooth"));
  RETURN_IF_ERROR(NeedsFlag(FLAGS_smooth_cutoff, smooth, "--smooth"));
  RETURN_IF_ERROR(NeedsFlag(FLAGS_smooth_gain, smooth, "--smooth"));
  const double cutoff = absl::GetFlag(FLAGS_smooth_cutoff);
  const double gain = absl::GetFlag(FLAGS_smooth_gain);
  const std::string filter = absl::GetFlag(FLAGS_smooth_filter);
  if (!smooth) return absl::OkStatus();
  RETURN_IF_ERROR(CheckSmoothing(cutoff, gain));
  if (filter == "causal") {
    keypoints::OneEuroOptions& causal = request->animator.smoothing.emplace();
    causal.min_cutoff = cutoff;
    causal.speed_gain = gain;
    return absl::OkStatus();
  }
  if (filter == "zero_phase") {
    keypoints::ZeroPhaseOptions& zero_phase =
        request->video.zero_phase.emplace();
    zero_phase.min_cutoff = cutoff;
    zero_phase.speed_gain = gain;
    return absl::OkStatus();
  }
  return BadFlag("smooth_filter is '", filter, "'; use causal or zero_phase");
}

absl::StatusOr<AnimatorOptions> GetAnimatorOptions() {
  AnimatorOptions options;
  ASSIGN_OR_RETURN(
      options.precision,
      OfFlag("precision", ParsePrecision(absl::GetFlag(FLAGS_precision))));
  options.transfer.adapt_scale = absl::GetFlag(FLAGS_adapt_scale);
  ASSIGN_OR_RETURN(
      options.motion_scales,
      OfFlag("motion_scale",
             ParseMotionScales(absl::GetFlag(FLAGS_motion_scale))));
  if (const std::string motion = absl::GetFlag(FLAGS_motion); !motion.empty()) {
    ASSIGN_OR_RETURN(options.motion, OfFlag("motion", ParseMotion(motion)));
  }
  const std::string size = absl::GetFlag(FLAGS_model_size);
  if (!size.empty()) {
    ASSIGN_OR_RETURN(options.model_size,
                     OfFlag("model_size", ParseFrameSize(size)));
  }
  return options;
}

// "640x480", "512", "".
absl::StatusOr<cv::Size> ParseSize(const std::string& text) {
  if (text.empty()) return cv::Size();
  const std::vector<std::string> sides = absl::StrSplit(text, 'x');
  std::vector<int> values(sides.size());
  bool good = sides.size() <= 2;
  for (size_t i = 0; i < sides.size(); ++i) {
    good = good && absl::SimpleAtoi(sides[i], &values[i]) && values[i] >= 1 &&
           values[i] <= kLargestSide;
  }
  if (!good) {
    return BadFlag("size is '", text,
                   "'; use 640x480, or 512 for the shorter side, each 1 to ",
                   kLargestSide);
  }
  return values.size() == 1 ? cv::Size(0, values[0])
                            : cv::Size(values[0], values[1]);
}

// Empty: none.
absl::StatusOr<std::optional<cv::Vec3b>> ParseAlphaOver(
    const std::string& text) {
  if (text.empty()) return std::nullopt;
  const std::optional<cv::Vec3b> colour = media::ParseColour(text);
  if (colour) return colour;
  return BadFlag("alpha_over is '", text,
                 "'; use white, black or #rrggbb, as #00ff00");
}

absl::StatusOr<media::Rational> ParseFps(const std::string& text) {
  const std::optional<media::Rational> rate = media::ParseFrameRate(text);
  if (rate) return *rate;
  return BadFlag("fps is '", text, "'; use a number above 0, at most ",
                 media::kMaxFrameRate, ": 30, 29.97 or 30000/1001");
}

// "40,20,300,300": empty where it is something else.
std::optional<cv::Rect> ParseBox(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ',');
  int values[4] = {};
  if (parts.size() != 4) return std::nullopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!absl::SimpleAtoi(parts[i], &values[i]) || values[i] < 0) {
      return std::nullopt;
    }
  }
  return cv::Rect(values[0], values[1], values[2], values[3]);
}

absl::Status SetCrops(AnimateVideoOptions* options) {
  const std::string crop = absl::GetFlag(FLAGS_crop);
  options->source_box = ParseBox(crop);
  if (!options->source_box) {
    const absl::StatusOr<CropMode> mode = ParseCropMode(crop);
    if (!mode.ok()) {
      return BadFlag("crop is '", crop,
                     "'; use none, centre, face, or a part in pixels as "
                     "x,y,width,height");
    }
    options->source_crop = *mode;
  } else if (options->source_box->empty()) {
    return BadFlag("crop is '", crop, "', which is empty; use at least 1x1");
  }
  const std::string driving_crop = absl::GetFlag(FLAGS_driving_crop);
  if (driving_crop.empty()) {
    options->driving_crop = options->source_crop;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(options->driving_crop,
                   OfFlag("driving_crop", ParseCropMode(driving_crop)));
  return absl::OkStatus();
}

absl::Status SetInput(AnimateVideoOptions* options) {
  const std::string frame = absl::GetFlag(FLAGS_source_frame);
  options->animate_source_video = frame == "all";
  if (frame != "all" && (!absl::SimpleAtoi(frame, &options->source_frame) ||
                         options->source_frame < 0)) {
    return BadFlag("source_frame is '", frame,
                   "'; use a number from 0, or all");
  }
  RETURN_IF_ERROR(SetCrops(options));
  const bool has_face = options->source_crop == CropMode::kFace;
  RETURN_IF_ERROR(NeedsFlag(FLAGS_face, has_face, "--crop face"));
  ASSIGN_OR_RETURN(options->source_face,
                   OfFlag("face", ParseFaceChoice(absl::GetFlag(FLAGS_face))));
  ASSIGN_OR_RETURN(
      options->start,
      OfFlag("start", ParseStartFrame(absl::GetFlag(FLAGS_start))));
  options->max_frames = absl::GetFlag(FLAGS_max_frames);
  options->allow_damaged = absl::GetFlag(FLAGS_allow_damaged);
  if (!options->allow_damaged) {
    options->damage_advice = "--allow_damaged leaves out what is damaged";
  }
  ASSIGN_OR_RETURN(options->image_rate, ParseFps(absl::GetFlag(FLAGS_fps)));
  return NotNegative("max_frames", options->max_frames);
}

absl::StatusOr<std::vector<Panel>> GetPanels() {
  const bool side_by_side = absl::GetFlag(FLAGS_side_by_side);
  const std::string panels = absl::GetFlag(FLAGS_panels);
  if (side_by_side && panels != "result") {
    return BadFlag("side_by_side stands for some panels and --panels is '",
                   panels, "'; give one of the two");
  }
  return OfFlag("panels",
                ParsePanels(side_by_side ? "source,driving,result" : panels));
}

absl::Status SetBackground(AnimateVideoOptions* options) {
  const std::string background = absl::GetFlag(FLAGS_background);
  RETURN_IF_ERROR(NeedsFlag(FLAGS_mask, !background.empty(), "--background"));
  ASSIGN_OR_RETURN(options->background,
                   OfFlag("background", ParseBackground(background)));
  options->background.picture = UserPath(options->background.picture);
  options->background.mask = UserPath(absl::GetFlag(FLAGS_mask));
  return absl::OkStatus();
}

absl::Status SetPasting(AnimateVideoOptions* options) {
  options->paste_back = absl::GetFlag(FLAGS_paste_back);
  options->fade = absl::GetFlag(FLAGS_fade);
  RETURN_IF_ERROR(NeedsFlag(FLAGS_fade, options->paste_back, "--paste_back"));
  if (options->fade >= 0 && options->fade <= kLargestFade) {
    return absl::OkStatus();
  }
  return BadFlag("fade is ", options->fade, "; use 0 to ", kLargestFade);
}

// The path of the deformation, by the flag's name of now or its former one.
absl::StatusOr<std::string> SaveDeformation() {
  const std::string former = absl::GetFlag(FLAGS_save_flow);
  const std::string path = absl::GetFlag(FLAGS_save_deformation);
  if (former.empty()) return path;
  if (path.empty()) return former;
  return BadFlag(
      "save_flow is the former name of --save_deformation; give one of them");
}

absl::StatusOr<AnimateVideoOptions> GetVideoOptions() {
  AnimateVideoOptions options;
  // The user names them; a list of many holds files only, see ListInputs.
  options.allow_addresses = true;
  RETURN_IF_ERROR(SetInput(&options));
  ASSIGN_OR_RETURN(options.panels, GetPanels());
  options.columns = absl::GetFlag(FLAGS_columns);
  RETURN_IF_ERROR(NotNegative("columns", options.columns));
  RETURN_IF_ERROR(
      NeedsFlag(FLAGS_columns, options.panels.size() > 1, "several --panels"));
  RETURN_IF_ERROR(SetPasting(&options));
  RETURN_IF_ERROR(SetBackground(&options));
  ASSIGN_OR_RETURN(options.alpha_over,
                   ParseAlphaOver(absl::GetFlag(FLAGS_alpha_over)));
  ASSIGN_OR_RETURN(options.size, ParseSize(absl::GetFlag(FLAGS_size)));
  options.min_output_side = options.paste_back ? 0 : kSmallestResult;
  options.save_keypoints = UserPath(absl::GetFlag(FLAGS_save_keypoints));
  ASSIGN_OR_RETURN(const std::string deformation, SaveDeformation());
  options.save_deformation = UserPath(deformation);
  options.save_motion = UserPath(absl::GetFlag(FLAGS_save_motion));
  options.batch_size = absl::GetFlag(FLAGS_batch_size);
  RETURN_IF_ERROR(NotNegative("batch_size", options.batch_size));
  return options;
}

absl::Status CheckPair(absl::string_view one, bool has_one,
                       absl::string_view many, bool has_many) {
  if (!has_one || !has_many) return absl::OkStatus();
  return BadFlag(one, " and --", many, " exclude each other; give one of them");
}

// Results among the sources would be sources of the next run.
absl::Status CheckIsAnotherFolder(const AnimateInputs& inputs) {
  for (const auto& [flag, folder] : {std::pair("sources", &inputs.sources),
                                     std::pair("drivings", &inputs.drivings),
                                     std::pair("source", &inputs.source),
                                     std::pair("driving", &inputs.driving)}) {
    std::error_code error;
    if (!std::filesystem::equivalent(inputs.output, *folder, error)) continue;
    return BadFlag("output is '", inputs.output, "', the folder of --", flag,
                   "; name another folder");
  }
  return absl::OkStatus();
}

// What is said of an animation has no effect on a picture of the sets.
absl::Status CheckShowSets(bool is_driven) {
  if (is_driven) {
    return BadFlag(
        "show_sets is a picture of one --source; leave out what "
        "drives it");
  }
  if (absl::GetFlag(FLAGS_json)) {
    return BadFlag("json is a report of animations; --show_sets makes none");
  }
  for (const auto* flag : {&FLAGS_save_keypoints, &FLAGS_save_deformation,
                           &FLAGS_save_flow, &FLAGS_save_motion}) {
    if (absl::GetFlag(*flag).empty()) continue;
    return BadFlag(absl::GetFlagReflectionHandle(*flag).Name(),
                   " is of an animation; --show_sets makes none");
  }
  return absl::OkStatus();
}

absl::Status CheckInputs(const AnimateInputs& inputs) {
  RETURN_IF_ERROR(CheckPair("source", !inputs.source.empty(), "sources",
                            !inputs.sources.empty()));
  RETURN_IF_ERROR(CheckPair("driving", !inputs.driving.empty(), "drivings",
                            !inputs.drivings.empty()));
  const bool has_source = !inputs.source.empty() || !inputs.sources.empty();
  const bool has_driving = !inputs.driving.empty() || !inputs.drivings.empty();
  if (!absl::GetFlag(FLAGS_show_sets).empty()) {
    return CheckShowSets(has_driving || AreMany(inputs));
  }
  const bool is_motion_alone = !absl::GetFlag(FLAGS_save_motion).empty() &&
                               !inputs.driving.empty() && !has_source;
  if (has_source != has_driving && !is_motion_alone) {
    return BadFlag(has_source ? "driving" : "source",
                   " is needed, too; see --help");
  }
  for (const auto* flag :
       {&FLAGS_save_keypoints, &FLAGS_save_deformation, &FLAGS_save_flow}) {
    if (!is_motion_alone || absl::GetFlag(*flag).empty()) continue;
    return BadFlag(absl::GetFlagReflectionHandle(*flag).Name(),
                   " needs a --source to animate; --save_motion alone reads "
                   "the driving video only");
  }
  if (inputs.output.empty()) {
    return BadFlag("output is empty; name a file or a folder");
  }
  const bool many = AreMany(inputs);
  if (many && absl::GetFlagReflectionHandle(FLAGS_output).DefaultValue() ==
                  absl::GetFlag(FLAGS_output)) {
    return BadFlag("output is needed for many: the folder of the results");
  }
  if (many && media::IsDeviceOutput(inputs.output)) {
    return BadFlag("output is '", inputs.output,
                   "', a device; many animations need a folder");
  }
  if (many) RETURN_IF_ERROR(CheckIsAnotherFolder(inputs));
  // That of many is a folder, whatever its name.
  if (const absl::Status ending = media::CheckEnding(inputs.output);
      !many && !is_motion_alone && !ending.ok()) {
    return BadFlag("output: ", ending.message());
  }
  RETURN_IF_ERROR(NeedsFlag(FLAGS_format, many, "--sources or --drivings"));
  RETURN_IF_ERROR(NeedsFlag(FLAGS_comparison, many, "--sources or --drivings"));
  RETURN_IF_ERROR(
      NeedsFlag(FLAGS_halt_on_error, many, "--sources or --drivings"));
  for (const auto* flag : {&FLAGS_save_keypoints, &FLAGS_save_deformation,
                           &FLAGS_save_flow, &FLAGS_save_motion}) {
    if (!many || absl::GetFlag(*flag).empty()) continue;
    return BadFlag(absl::GetFlagReflectionHandle(*flag).Name(),
                   " is for one animation at a time; use --source and "
                   "--driving");
  }
  return absl::OkStatus();
}

std::string InputPath(const std::string& path) {
  return media::ClassifyAddress(path) == media::AddressKind::kFile
             ? UserPath(path)
             : path;
}

absl::StatusOr<AnimateInputs> GetInputs() {
  AnimateInputs inputs;
  inputs.source = InputPath(absl::GetFlag(FLAGS_source));
  inputs.driving = InputPath(absl::GetFlag(FLAGS_driving));
  inputs.sources = UserPath(absl::GetFlag(FLAGS_sources));
  inputs.drivings = UserPath(absl::GetFlag(FLAGS_drivings));
  inputs.output = absl::GetFlag(FLAGS_output);
  if (!media::IsDeviceOutput(inputs.output)) {
    inputs.output = UserPath(inputs.output);
  }
  inputs.ending = absl::GetFlag(FLAGS_format);
  RETURN_IF_ERROR(CheckInputs(inputs));
  constexpr absl::string_view kEndings[] = {"",      ".mp4", ".mov", ".mkv",
                                            ".webm", ".avi", ".gif", ".webp",
                                            ".png",  ".jpg"};
  for (const absl::string_view ending : kEndings) {
    if (inputs.ending == ending) return inputs;
  }
  return BadFlag("format is '", inputs.ending, "'; use one of '",
                 absl::StrJoin(kEndings, "' '"), "'");
}

}  // namespace

absl::StatusOr<AnimateRequest> AnimateRequestFromFlags() {
  AnimateRequest request;
  request.checkpoint = UserPath(absl::GetFlag(FLAGS_checkpoint));
  ASSIGN_OR_RETURN(request.animator, GetAnimatorOptions());
  request.animator.can_name_sets = !request.checkpoint.empty();
  ASSIGN_OR_RETURN(request.video, GetVideoOptions());
  RETURN_IF_ERROR(SetSmoothing(&request));
  ASSIGN_OR_RETURN(request.inputs, GetInputs());
  ASSIGN_OR_RETURN(request.animator.transfer.mode, GetMode(request.inputs));
  if (!absl::GetFlag(FLAGS_save_flow).empty()) {
    request.notes.push_back(
        "--save_flow is called --save_deformation now: what it writes are "
        "points of the source, no displacements");
  }
  request.show_sets = UserPath(absl::GetFlag(FLAGS_show_sets));
  request.records_motion = !request.video.save_motion.empty() &&
                           request.inputs.source.empty() &&
                           !request.inputs.driving.empty();
  AddNotes(&request);
  request.comparison = absl::GetFlag(FLAGS_comparison);
  if (request.comparison && request.video.panels.size() > 1) {
    return BadFlag(
        "comparison shows the middle of each result, and several --panels "
        "stand beside each other; leave out one of the two");
  }
  request.halt_on_error = absl::GetFlag(FLAGS_halt_on_error);
  request.overwrite = absl::GetFlag(FLAGS_overwrite);
  request.device = absl::GetFlag(FLAGS_device);
  request.tf32 = absl::GetFlag(FLAGS_tf32);
  request.threads = absl::GetFlag(FLAGS_threads);
  RETURN_IF_ERROR(NotNegative("threads", request.threads));
  request.quiet = absl::GetFlag(FLAGS_quiet);
  request.json = absl::GetFlag(FLAGS_json);
  return request;
}

}  // namespace pipelines
