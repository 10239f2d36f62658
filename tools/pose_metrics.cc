// tools/bazelw run //tools:pose_metrics: see kUsage.
#include "pipelines/evaluation/pose_metrics.h"

#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "networks/files/atomic_file.h"
#include "networks/files/outputs.h"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/program.h"
#include "pipelines/app/user_outputs.h"
#include "pipelines/base/user_path.h"
#include "pipelines/evaluation/detections.h"
#include "third_party/absl/status_macros.h"

ABSL_FLAG(std::string, real_keypoints, "",
          "Keypoints found in the real frames: a .csv, a .npy, or a folder "
          "with a .npy for each clip.");
ABSL_FLAG(std::string, keypoints, "",
          "Keypoints found in the generated frames.");
ABSL_FLAG(std::string, real_embeddings, "",
          "Identity embeddings of the real frames.");
ABSL_FLAG(std::string, embeddings, "",
          "Identity embeddings of the generated frames.");
ABSL_FLAG(std::string, output, "",
          "File for the scores as JSON. Without it they are only printed.");
ABSL_FLAG(bool, overwrite, false, "Replace an --output that exists.");

namespace {

using pipelines::UserPath;

constexpr char kUsage[] =
    R"(Computes AKD, MKR and AED from what detectors found in frames.

  tools/bazelw run //tools:pose_metrics -- \
      --real_keypoints real.csv --keypoints generated.csv
  tools/bazelw run //pipelines:evaluate -- \
      --checkpoint CHECKPOINT --frames FOLDER
      makes FOLDER/real and FOLDER/generated; detectors of your choice make the
      tables of them

A .csv has the columns file_name,frame_number and then x0,y0,x1,y1,... (pixels)
or the numbers of an embedding, a line for each frame. A .npy is [frames,
keypoints, 2] or [frames, size] for one clip; a folder of them has one for each.
A keypoint that was not found has x = -1 (in a .csv it may be left empty). The
formulas are those of the scripts that the field's papers use.

Exit codes: 0 done, 1 bad input, 2 bad flag; above 128, try again: 129 disk full
or folder read-only.)";

std::vector<pipelines::FlagGroup> FlagGroups() {
  return {{"What is compared",
           {"real_keypoints", "keypoints", "real_embeddings", "embeddings"}},
          {"What comes out", {"output", "overwrite"}}};
}

struct Scores {
  std::vector<std::string> text, json;
};

absl::Status AddKeypoints(Scores& scores) {
  ASSIGN_OR_RETURN(
      const auto real,
      pipelines::ReadDetections(UserPath(absl::GetFlag(FLAGS_real_keypoints)),
                                pipelines::DetectionKind::kKeypoints));
  ASSIGN_OR_RETURN(
      const auto generated,
      pipelines::ReadDetections(UserPath(absl::GetFlag(FLAGS_keypoints)),
                                pipelines::DetectionKind::kKeypoints));
  ASSIGN_OR_RETURN(const pipelines::KeypointScore score,
                   pipelines::CompareKeypoints(real, generated));
  scores.text.push_back(
      absl::StrFormat("AKD %.6g, of %d frames\n", score.akd, score.akd_frames));
  scores.text.push_back(
      absl::StrFormat("MKR %.6g, of %d frames\n", score.mkr, score.mkr_frames));
  scores.json.push_back(absl::StrFormat(
      "\"akd\": %.17g,\n  \"akd_frames\": %d,\n  \"mkr\": %.17g,\n  "
      "\"mkr_frames\": %d",
      score.akd, score.akd_frames, score.mkr, score.mkr_frames));
  return absl::OkStatus();
}

absl::Status AddEmbeddings(Scores& scores) {
  ASSIGN_OR_RETURN(
      const auto real,
      pipelines::ReadDetections(UserPath(absl::GetFlag(FLAGS_real_embeddings)),
                                pipelines::DetectionKind::kEmbeddings));
  ASSIGN_OR_RETURN(
      const auto generated,
      pipelines::ReadDetections(UserPath(absl::GetFlag(FLAGS_embeddings)),
                                pipelines::DetectionKind::kEmbeddings));
  ASSIGN_OR_RETURN(const pipelines::EmbeddingScore score,
                   pipelines::CompareEmbeddings(real, generated));
  scores.text.push_back(absl::StrFormat(
      "AED %.6g (squared, as papers report it; Euclidean %.6g), of %d frames\n",
      score.aed, score.distance, score.frames));
  scores.json.push_back(
      absl::StrFormat("\"aed\": %.17g,\n  \"embedding_distance\": %.17g,\n  "
                      "\"aed_frames\": %d",
                      score.aed, score.distance, score.frames));
  return absl::OkStatus();
}

absl::Status CheckFlags() {
  const bool keypoints = !absl::GetFlag(FLAGS_keypoints).empty();
  const bool embeddings = !absl::GetFlag(FLAGS_embeddings).empty();
  if (keypoints == absl::GetFlag(FLAGS_real_keypoints).empty() ||
      embeddings == absl::GetFlag(FLAGS_real_embeddings).empty()) {
    return absl::InvalidArgumentError(
        "--real_keypoints and --keypoints, and --real_embeddings and "
        "--embeddings, belong together; see --help");
  }
  if (keypoints || embeddings) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "nothing to compare: give keypoints or embeddings; see --help");
}

absl::Status CheckOutput(const std::string& output) {
  networks::files::PlannedOutputs planned;
  planned.files = {output};
  for (const auto* flag : {&FLAGS_real_keypoints, &FLAGS_keypoints,
                           &FLAGS_real_embeddings, &FLAGS_embeddings}) {
    planned.inputs.push_back(UserPath(absl::GetFlag(*flag)));
  }
  planned.overwrite = absl::GetFlag(FLAGS_overwrite);
  return pipelines::CheckUserOutputs(planned);
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(pipelines::UsageError(pipelines::RefuseArguments(line)));
  RETURN_IF_ERROR(pipelines::UsageError(CheckFlags()));
  const std::string output = UserPath(absl::GetFlag(FLAGS_output));
  RETURN_IF_ERROR(CheckOutput(output));
  Scores scores;
  if (!absl::GetFlag(FLAGS_keypoints).empty()) {
    RETURN_IF_ERROR(AddKeypoints(scores));
  }
  if (!absl::GetFlag(FLAGS_embeddings).empty()) {
    RETURN_IF_ERROR(AddEmbeddings(scores));
  }
  std::fputs(absl::StrJoin(scores.text, "").c_str(), stdout);
  if (output.empty()) return absl::OkStatus();
  return networks::files::WriteAtomically(
      output,
      absl::StrCat("{\n  ", absl::StrJoin(scores.json, ",\n  "), "\n}\n"));
}

}  // namespace

int main(int argc, char** argv) {
  return pipelines::RunProgram({"pose_metrics", kUsage, __FILE__, FlagGroups()},
                               argc, argv, Run);
}
