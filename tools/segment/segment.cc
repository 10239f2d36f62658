// Segments an image; see kUsage.
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "networks/files/folder.h"
#include "networks/files/outputs.h"
#include "networks/files/system_error.h"
#include "networks/published/weight_files.h"
#include "networks/sam/options.h"
#include "opencv2/core.hpp"
#include "pipelines/app/allocation.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/device_flags.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/user_path.h"
#include "pipelines/media/frame_sink.h"
#include "pipelines/media/image_io.h"
#include "third_party/absl/status_macros.h"
#include "tools/segment/overlay.h"
#include "tools/segment/prompt_text.h"
#include "tools/segment/segmenter.h"

ABSL_FLAG(std::string, image, "", "Image to segment.");
ABSL_FLAG(std::string, output, "", "Folder for masks and overlay.");
ABSL_FLAG(
    bool, overwrite, false,
    "Replace overlay.png and all mask_<n>.png and mask_<n>_<m>.png that the "
    "folder holds.");
ABSL_FLAG(std::string, points, "",
          "Points \"x,y x,y,0 ...\" in pixels; label 0: not part of it.");
ABSL_FLAG(std::string, boxes, "",
          "Boxes \"left,top,right,bottom ...\" in pixels.");
ABSL_FLAG(bool, each, false, "Takes each point as a prompt of its own.");
ABSL_FLAG(std::string, weights, "sam_vit_b_01ec64.pth",
          "Published name, as sam-vit-b or mobile-sam, which is many times as "
          "fast; or path of a .pth, .pt or .safetensors file.");
ABSL_FLAG(std::string, model, "",
          "vit_t (MobileSAM), vit_b, vit_l, vit_h or tiny; told from the "
          "weights if not given.");
ABSL_FLAG(std::string, precision, "float32",
          "float32, or bfloat16: faster on processors that multiply it.");
ABSL_FLAG(std::string, device, "auto", "auto, cpu, cuda or cuda:N.");
ABSL_FLAG(int, threads, 0, "CPU threads; 0: one a core.");

namespace {

constexpr char kUsage[] =
    R"(Segments an image by points and boxes, with Segment Anything.

  tools/bazelw run //tools:fetch_weights -- sam-vit-b
  tools/bazelw run //tools/segment -- \
      --image portrait.jpg --output masks --points "256,180"
  tools/bazelw run //tools/segment -- \
      --image street.jpg --output masks --boxes "40,30,200,180 220,10,400,300"

All points together mean one object, each of several boxes one of its own, one
box and points one object. Written to the folder:

  mask_<n>.png     one a prompt, of the image's size: 255 inside, 0 outside
  mask_<n>_<m>.png other readings of a prompt that is a single point (the thing,
                   a part of it), best first
  overlay.png      the image with masks and prompts

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only.)";

struct Inputs {
  cv::Mat image;
  std::vector<tools::SegmentPrompt> prompts;
  tools::SegmenterOptions segmenter;
};

absl::StatusOr<std::vector<tools::SegmentPrompt>> PromptsOf(
    const std::vector<tools::LabelledPoint>& points,
    const std::vector<tools::Box>& boxes, bool each) {
  if (points.empty() && boxes.empty()) {
    return absl::InvalidArgumentError(
        "what to segment? Give --points or "
        "--boxes; --help shows examples");
  }
  if (!points.empty() && boxes.size() > 1) {
    return absl::InvalidArgumentError(
        "with several --boxes it is open which of them the --points belong "
        "to; give one box");
  }
  if (each && !boxes.empty()) {
    return absl::InvalidArgumentError("--each is for points without a box");
  }
  std::vector<tools::SegmentPrompt> prompts;
  if (each) {
    for (const tools::LabelledPoint& point : points) {
      prompts.push_back({{point}, {}});
    }
  } else if (boxes.size() > 1) {
    for (const tools::Box& box : boxes) prompts.push_back({{}, {box}});
  } else {
    prompts.push_back({points, boxes});
  }
  return prompts;
}

// The file that --weights means.
absl::StatusOr<std::string> WeightsPath() {
  namespace published = networks::published;
  std::string weights = absl::GetFlag(FLAGS_weights);
  if (weights.find('/') != std::string::npos) {
    weights = pipelines::UserPath(weights);
  } else {
    std::vector<std::string> names;  // of what this program can use
    bool is_known = false;
    for (const published::WeightFile& file : published::WeightFiles()) {
      if (!absl::StrContains(file.purpose, "segment")) continue;
      names.emplace_back(file.short_name);
      is_known |= weights == file.short_name || weights == file.name;
    }
    if (!is_known) {
      return pipelines::BadFlag("weights is '", weights, "'; use ",
                                absl::StrJoin(names, ", "),
                                ", or the path of a file, as ./", weights);
    }
  }
  return published::FindWeights(
      weights, published::WeightsFolder(pipelines::CacheFolder()));
}

absl::StatusOr<tools::SegmenterOptions> SegmenterOptionsFromFlags() {
  tools::SegmenterOptions options;
  options.model = absl::GetFlag(FLAGS_model);
  if (!options.model.empty()) {
    RETURN_IF_ERROR(pipelines::UsageError(
        networks::sam::SamByName(options.model).status()));
  }
  const std::string precision = absl::GetFlag(FLAGS_precision);
  if (precision != "float32" && precision != "bfloat16") {
    return pipelines::BadFlag("precision is '", precision,
                              "'; use float32 or bfloat16");
  }
  options.bfloat16 = precision == "bfloat16";
  RETURN_IF_ERROR(pipelines::UsageError(
      pipelines::SetThreads(absl::GetFlag(FLAGS_threads))));
  ASSIGN_OR_RETURN(options.device,
                   pipelines::UsageError(
                       pipelines::SelectDevice(absl::GetFlag(FLAGS_device))));
  ASSIGN_OR_RETURN(options.weights_path, WeightsPath());
  return options;
}

absl::StatusOr<Inputs> ReadInputs() {
  for (const auto& [name, value] :
       {std::pair{"image", absl::GetFlag(FLAGS_image)},
        {"output", absl::GetFlag(FLAGS_output)}}) {
    if (value.empty()) {
      return pipelines::BadFlag(name, " is missing; --help tells what it is");
    }
  }
  const std::string output = absl::GetFlag(FLAGS_output);
  if (pipelines::media::IsPictureInsteadOfFolder(pipelines::UserPath(output))) {
    return pipelines::BadFlag(
        "output is '", output,
        "', the name of a picture; name the folder for masks and overlay");
  }
  Inputs inputs;
  ASSIGN_OR_RETURN(inputs.image,
                   pipelines::media::ReadImage(
                       pipelines::UserPath(absl::GetFlag(FLAGS_image))));
  const int width = inputs.image.cols, height = inputs.image.rows;
  ASSIGN_OR_RETURN(const auto points,
                   pipelines::UsageError(tools::ParsePoints(
                       absl::GetFlag(FLAGS_points), width, height)));
  ASSIGN_OR_RETURN(const auto boxes,
                   pipelines::UsageError(tools::ParseBoxes(
                       absl::GetFlag(FLAGS_boxes), width, height)));
  ASSIGN_OR_RETURN(inputs.prompts,
                   pipelines::UsageError(
                       PromptsOf(points, boxes, absl::GetFlag(FLAGS_each))));
  ASSIGN_OR_RETURN(inputs.segmenter, SegmenterOptionsFromFlags());
  return inputs;
}

// Of reading `m` of prompt `index`.
std::string MaskName(size_t index, size_t m) {
  return absl::StrCat("mask_", index, m == 0 ? "" : absl::StrCat("_", m),
                      ".png");
}

bool IsMaskName(const std::string& name) {
  size_t index = 0, m = 0;
  std::sscanf(name.c_str(), "mask_%zu_%zu", &index, &m);
  return name == MaskName(index, m);
}

// Those of earlier prompts, which would pass for masks of the new ones.
absl::StatusOr<std::set<std::string>> MasksIn(const std::string& folder) {
  std::set<std::string> paths;
  const auto names = networks::files::ListFolder(folder);
  // It is to be made, or is none, which CheckUserOutputs says.
  if (absl::IsNotFound(names.status()) ||
      absl::IsFailedPrecondition(names.status())) {
    return paths;
  }
  RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    if (IsMaskName(name)) paths.insert(absl::StrCat(folder, "/", name));
  }
  return paths;
}

std::string OverlayPath(const std::string& folder) {
  return folder + "/overlay.png";
}

// Of what is written, and of the masks that are there, which are removed.
absl::Status CheckOutputs(const std::string& folder, const Inputs& inputs) {
  constexpr size_t kMostReadings = 3;  // of the model
  ASSIGN_OR_RETURN(std::set<std::string> masks, MasksIn(folder));
  for (size_t i = 0; i < inputs.prompts.size(); ++i) {
    for (size_t m = 0; m < kMostReadings; ++m) {
      masks.insert(absl::StrCat(folder, "/", MaskName(i, m)));
    }
  }
  networks::files::PlannedOutputs planned;
  planned.files.assign(masks.begin(), masks.end());
  planned.files.push_back(OverlayPath(folder));
  planned.makes_folders = true;
  planned.inputs = {pipelines::UserPath(absl::GetFlag(FLAGS_image)),
                    inputs.segmenter.weights_path};
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  return pipelines::CheckUserOutputs(planned);
}

absl::Status WriteMasks(const std::string& folder, size_t index,
                        const std::vector<tools::SegmentMask>& masks,
                        std::set<std::string>* stale) {
  for (size_t m = 0; m < masks.size(); ++m) {
    const std::string path = absl::StrCat(folder, "/", MaskName(index, m));
    RETURN_IF_ERROR(pipelines::media::WriteImage(path, masks[m].pixels));
    stale->erase(path);
    const double share =
        static_cast<double>(cv::countNonZero(masks[m].pixels)) /
        static_cast<double>(masks[m].pixels.total());
    absl::PrintF("%s  %5.1f %% of the image, expected IoU %.2f\n", path,
                 100 * share, masks[m].expected_iou);
  }
  return absl::OkStatus();
}

absl::Status Remove(const std::set<std::string>& paths) {
  for (const std::string& path : paths) {
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) {
      return networks::files::SystemError(
          error, path, "remove this mask of earlier prompts");
    }
  }
  return absl::OkStatus();
}

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {{"What is segmented", {"image", "points", "boxes", "each"}},
          {"What comes out", {"output", "overwrite"}},
          {"How", {"weights", "model", "device", "precision", "threads"}}};
}

absl::Status Run(const pipelines::CommandLine& command_line) {
  RETURN_IF_ERROR(
      pipelines::UsageError(pipelines::RefuseArguments(command_line)));
  ASSIGN_OR_RETURN(const Inputs inputs, ReadInputs());
  const std::string folder = pipelines::UserPath(absl::GetFlag(FLAGS_output));
  RETURN_IF_ERROR(CheckOutputs(folder, inputs));
  RETURN_IF_ERROR(pipelines::CheckAddressSpace());
  ASSIGN_OR_RETURN(tools::Segmenter segmenter,
                   tools::Segmenter::Create(inputs.segmenter));
  RETURN_IF_ERROR(networks::files::MakeFolder(folder));
  std::set<std::string> stale;
  if (absl::GetFlag(FLAGS_overwrite)) {
    ASSIGN_OR_RETURN(stale, MasksIn(folder));
  }
  segmenter.SetImage(inputs.image);
  cv::Mat overlay = inputs.image.clone();
  for (size_t i = 0; i < inputs.prompts.size(); ++i) {
    const std::vector<tools::SegmentMask> masks =
        segmenter.Segment(inputs.prompts[i]);
    RETURN_IF_ERROR(WriteMasks(folder, i, masks, &stale));
    tools::DrawMask(masks.front().pixels, static_cast<int>(i), overlay);
  }
  for (const tools::SegmentPrompt& prompt : inputs.prompts) {
    tools::DrawPrompt(prompt, overlay);
  }
  const std::string path = OverlayPath(folder);
  RETURN_IF_ERROR(pipelines::media::WriteImage(path, overlay));
  absl::PrintF("%s\n", path);
  return Remove(stale);
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"segment", kUsage, __FILE__, FlagGroups()},
                               argc, argv, Run);
}
