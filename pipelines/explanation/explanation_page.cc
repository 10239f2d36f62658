#include "pipelines/explanation/explanation_page.h"

#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "opencv2/imgproc.hpp"
#include "pipelines/config/motion_choice.h"
#include "pipelines/explanation/field_lines.h"
#include "pipelines/explanation/stage_pictures.h"
#include "pipelines/report/document.h"
#include "pipelines/report/html.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// The names of files, in the order of the page.
constexpr absl::string_view kKeypoints = "keypoints.jpg";
constexpr absl::string_view kCandidates = "candidates.jpg";
constexpr absl::string_view kContributions = "contributions.jpg";
constexpr absl::string_view kMotion = "motion.jpg";
constexpr absl::string_view kOcclusion = "occlusion.jpg";
constexpr absl::string_view kResult = "result.jpg";
constexpr absl::string_view kPage = "index.html";
constexpr absl::string_view kPictures[] = {
    kKeypoints, kCandidates, kContributions, kMotion, kOcclusion, kResult};

// Of JPEG, 0 to 100: a sheet of thin lines takes 0.6 of what it does at that
// of media::WriteImage, and looks the same on a page.
constexpr int kQuality = 82;

struct Stage {
  std::string title;
  std::string text;   // plain sentences
  std::string place;  // in the paper
  absl::string_view picture;
};

Stage KeypointStage(const Stages& stages) {
  const int sets = stages.model.num_transforms();
  return {
      "1. Keypoints",
      absl::StrCat(
          "A network finds ", sets, sets == 1 ? " set" : " sets", " of ",
          stages.model.keypoints_per_transform(),
          " keypoints in each frame. It was trained without labels, so a set "
          "is where the network found it useful to have one. Each set has a "
          "colour and a number. ",
          stages.is_relative
              ? "The motion is relative: the source's keypoints take the "
                "displacement that the driving ones have had since the first "
                "frame of the video."
              : "The source takes the driving frame's keypoints as they are."),
      stages.is_relative ? "[CPABMM] Sec. 3; relative motion: [FOMM]"
                         : "[CPABMM] Sec. 3",
      kKeypoints};
}

// What the transforms of a motion model are.
std::string Transform(const MotionConfig& motion) {
  const std::string name = MotionName(motion);
  if (name == "cpab") {
    return "a CPAB transform: the frame is cut into triangles, in each of "
           "which the velocity is affine, and points flow along these "
           "velocities for one unit of time. The map is continuous and has an "
           "inverse, so nothing tears or folds";
  }
  if (name == "affine") return "an affine map, by least squares";
  if (name == "bspline") {
    return "a free-form deformation: a cubic B-spline on a lattice of control "
           "points";
  }
  return "a thin-plate spline";
}

// Where a set's motion is from. [CPABMM] Eq. (6) is the fit of CPAB.
const char* TransformSource(const MotionConfig& motion) {
  if (MotionName(motion) == "cpab") return "[CPABMM] Sec. 3.2, Eq. (6)";
  return motion.has_thin_plate() || motion.has_thin_plate_original()
             ? "[CPABMM] Sec. 3.2; thin-plate splines: [TPS] Sec. 3.1"
             : "[CPABMM] Sec. 3.2";
}

Stage CandidateStage(const Stages& stages) {
  return {
      "2. Candidate motions",
      absl::StrCat(
          "A motion says for each point of the new frame where it comes from "
          "in the source. Each keypoint set gives one",
          stages.model.global_transform() ? ", all sets together give one more"
                                          : "",
          ", and the background is at rest",
          stages.model.background()
              ? " (in training it has an affine one, which a network predicts)"
              : "",
          ". A set's motion is ", Transform(stages.model.local()),
          ". Left of each pair: the source warped by one candidate alone, with "
          "straight lines of the frame",
          !CellBorders(stages.model.local()).empty()
              ? " (white: the borders of the triangles)"
              : "",
          "; black is what lies outside of the source. Right: where these "
          "lines come from in the source."),
      TransformSource(stages.model.local()), kCandidates};
}

Stage ContributionStage(const Stages& stages) {
  return {"3. Contribution maps",
          absl::StrCat(
              "A network sees the source warped by each candidate. It gives "
              "each candidate a share of each pixel; the shares of a pixel "
              "have the sum 1. The first picture mixes the candidates' colours "
              "by their shares; grey is the background",
              stages.model.global_transform()
                  ? ", white the motion of all sets together"
                  : "",
              ". The percentages are means over the frame."),
          "[CPABMM] Sec. 3, the weights of Eq. (7)", kContributions};
}

Stage MotionStage() {
  return {"4. Dense motion",
          "The candidates, blended by these shares, are the motion of the "
          "frame. In the first picture the colour says in which direction and "
          "how far a pixel has moved; the wheel is its legend. The arrows lead "
          "from a place in the source to its place in the frame. The last "
          "picture has the source's regular grid as it lies in the frame.",
          "[CPABMM] Eq. (7)", kMotion};
}

Stage OcclusionStage(const Stages& stages) {
  const size_t count = stages.occlusion_maps.size();
  return {"5. Occlusion maps",
          absl::StrCat("The same network says which pixels of the frame the "
                       "source shows (bright), and which have to be painted "
                       "(dark), in ",
                       count, count == 1 ? " resolution" : " resolutions",
                       ". Each is applied to the features of its size in the "
                       "next stage."),
          "[CPABMM] Sec. 3, from [TPS]", kOcclusion};
}

Stage ResultStage() {
  return {"6. Warped source and painted frame",
          "The source and its features are warped by the motion and masked by "
          "the occlusion maps. The inpainting network paints the frame from "
          "them: where the map is bright, the warped source itself shows.",
          "[CPABMM] Sec. 3, from [TPS]", kResult};
}

absl::Status WriteJpeg(const std::string& path, const cv::Mat& rgb) {
  cv::Mat bgr;
  cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
  std::vector<uint8_t> jpeg;
  cv::imencode(".jpg", bgr, jpeg, {cv::IMWRITE_JPEG_QUALITY, kQuality});
  return networks::files::WriteAtomically(
      path, {reinterpret_cast<const char*>(jpeg.data()), jpeg.size()});
}

std::string Section(const Stage& stage) {
  const std::string url = UrlOfPath(stage.picture);
  return absl::StrCat(
      "<h2>", EscapeHtml(stage.title), "</h2>\n<p>", EscapeHtml(stage.text),
      "</p>\n<p class=\"soft\">Paper: ", EscapeHtml(stage.place),
      "</p>\n<figure class=\"card\"><div class=\"sheet\"><a href=\"", url,
      "\"><img src=\"", url, "\" alt=\"", EscapeHtml(stage.title),
      "\"></a></div></figure>\n");
}

std::string Page(const Stages& stages, const std::string& subtitle) {
  std::string body =
      "<p>Everything is computed from the frame that is made to the source: "
      "for each of its pixels, where in the source it comes from.</p>\n";
  for (const Stage& stage : {KeypointStage(stages), CandidateStage(stages),
                             ContributionStage(stages), MotionStage(),
                             OcclusionStage(stages), ResultStage()}) {
    absl::StrAppend(&body, Section(stage));
  }
  absl::StrAppend(
      &body,
      "<p class=\"soft\">[CPABMM] Wang et al. Continuous Piecewise-Affine "
      "Based Motion Model for Image Animation. AAAI 2024. [TPS] Zhao, Zhang. "
      "Thin-Plate Spline Motion Model for Image Animation. CVPR 2022. [FOMM] "
      "Siarohin et al. First Order Motion Model for Image Animation. NeurIPS "
      "2019.</p>\n");
  return HtmlDocument("How this frame was made", subtitle, body,
                      /*reload_seconds=*/0);
}

}  // namespace

std::vector<std::string> ExplanationFiles(const std::string& folder) {
  std::vector<std::string> files = {absl::StrCat(folder, "/", kPage)};
  for (const absl::string_view name : kPictures) {
    files.push_back(absl::StrCat(folder, "/", name));
  }
  return files;
}

absl::Status WriteExplanation(const std::string& folder, const Stages& stages,
                              const std::string& subtitle, int tile) {
  const StagePictures drawn = DrawStages(stages, tile);
  const cv::Mat* const pictures[] = {&drawn.keypoints,     &drawn.candidates,
                                     &drawn.contributions, &drawn.motion,
                                     &drawn.occlusion,     &drawn.result};
  RETURN_IF_ERROR(networks::files::MakeFolder(folder));
  for (size_t i = 0; i < std::size(kPictures); ++i) {
    RETURN_IF_ERROR(
        WriteJpeg(absl::StrCat(folder, "/", kPictures[i]), *pictures[i]));
  }
  // Last, so that a page has its pictures.
  return networks::files::WriteAtomically(absl::StrCat(folder, "/", kPage),
                                          Page(stages, subtitle));
}

}  // namespace pipelines
