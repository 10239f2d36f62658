#include "pipelines/animation/export_torchscript.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/module.h>
#include <torch/script.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/background.h"
#include "networks/dense_motion.h"
#include "networks/files/atomic_file.h"
#include "networks/files/folder.h"
#include "networks/files/temporary.h"
#include "networks/inpainting.h"
#include "networks/torchscript.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

using networks::TensorFunction;
using torch::Tensor;

// The network sums in other kernels than the script, in another order. Both
// round as often, so that their errors differ by a small factor at the most.
constexpr double kMaxRoundings = 10;
// What float32 rounds off values of size 1, for outputs that round to nothing.
constexpr double kLeastRounding = 1e-6;

struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

// One network, and what it takes and gives.
struct Piece {
  std::string name;
  const torch::nn::Module* module;
  std::vector<NamedShape> inputs;
  std::vector<std::string> outputs;
  TensorFunction function;
};

// Values in [0, 1] suit images, maps and, as coordinates, deformations.
std::vector<Tensor> RandomInputs(const Piece& piece, uint64_t seed) {
  torch::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  std::vector<Tensor> inputs;
  for (const NamedShape& input : piece.inputs) {
    inputs.push_back(torch::rand(input.shape, generator));
  }
  return inputs;
}

std::string Signature(const Piece& piece, const std::vector<Tensor>& outputs) {
  const auto describe = [](std::string* out, const std::string& name,
                           torch::IntArrayRef shape) {
    absl::StrAppend(out, name, " [", absl::StrJoin(shape, ", "), "]");
  };
  std::string text;
  for (const NamedShape& input : piece.inputs) {
    if (!text.empty()) text += ", ";
    describe(&text, input.name, input.shape);
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    text += i == 0 ? " -> " : ", ";
    describe(&text, piece.outputs[i], outputs[i].sizes());
  }
  return text;
}

std::string PathOf(const std::string& folder, const std::string& name) {
  return std::filesystem::path(folder) / absl::StrCat(name, ".pt");
}

// Not a number where one of the outputs has such values.
double MaxDifference(const std::vector<Tensor>& a,
                     const std::vector<Tensor>& b) {
  std::vector<Tensor> differences;
  for (size_t i = 0; i < a.size(); ++i) {
    differences.push_back((a[i] - b[i]).abs().max().to(torch::kDouble));
  }
  return torch::stack(differences).max().item<double>();
}

// What float32 rounds off the outputs of `script`: how far those of the same
// operators in float64 are.
double RoundingOf(const torch::jit::Module& script,
                  const std::vector<Tensor>& inputs,
                  const std::vector<Tensor>& outputs) {
  torch::jit::Module in_double = script.clone();
  in_double.to(torch::kDouble);
  std::vector<Tensor> double_inputs;
  for (const Tensor& input : inputs) {
    double_inputs.push_back(input.to(torch::kDouble));
  }
  return MaxDifference(outputs, networks::RunScript(in_double, double_inputs));
}

// A network whose file has all its bytes and not yet its name.
struct Export {
  ExportedNetwork network;
  networks::files::AtomicFile file;
};

absl::StatusOr<Export> WriteChecked(const Piece& piece,
                                    const std::string& folder) {
  ExportedNetwork exported;
  exported.path = PathOf(folder, piece.name);
  std::stringstream file;
  networks::TraceToScript(*piece.module, piece.name,
                          RandomInputs(piece, /*seed=*/1), piece.function)
      .save(file);
  const std::string content = file.str();
  torch::jit::Module loaded = torch::jit::load(file);
  const std::vector<Tensor> inputs = RandomInputs(piece, /*seed=*/2);
  const torch::NoGradGuard no_grad;
  const std::vector<Tensor> expected = piece.function(inputs);
  const std::vector<Tensor> outputs = networks::RunScript(loaded, inputs);
  exported.difference = MaxDifference(outputs, expected);
  exported.signature = Signature(piece, outputs);
  const double rounding =
      std::max(kLeastRounding, RoundingOf(loaded, inputs, outputs));
  if (!(exported.difference <= kMaxRoundings * rounding)) {
    return absl::InternalError(absl::StrCat(
        exported.path, ": is not written: an output of it differs by ",
        exported.difference, " from the network's, where rounding explains ",
        rounding));
  }
  networks::files::OutputOptions options;
  options.wait = networks::files::kWaitToWrite;
  ASSIGN_OR_RETURN(networks::files::AtomicFile written,
                   networks::files::AtomicFile::Create(exported.path, options));
  RETURN_IF_ERROR(written.Append(content));
  return Export{std::move(exported), std::move(written)};
}

Piece DetectorPiece(AnimationModel& model, const NamedShape& image) {
  return {"detector",
          &model.parts().detector,
          {image},
          {"keypoints"},
          [&model](const std::vector<Tensor>& in) {
            return std::vector<Tensor>{model.DetectKeypoints(in[0])};
          }};
}

Piece BackgroundPiece(AnimationModel& model, const std::vector<int64_t>& size) {
  return {"background",
          model.parts().background.get(),
          {{"source", size}, {"driving", size}},
          {"matrix"},
          [&model](const std::vector<Tensor>& in) {
            return std::vector<Tensor>{model.PredictBackground(in[0], in[1])};
          }};
}

std::vector<Tensor> DenseMotionOutputs(
    const networks::DenseMotionOutput& output) {
  std::vector<Tensor> tensors = {output.source_from_driving,
                                 output.contribution_maps};
  tensors.insert(tensors.end(), output.occlusion_maps.begin(),
                 output.occlusion_maps.end());
  return tensors;
}

// The network's answer to any inputs, for the shapes of its outputs.
std::vector<Tensor> AnyDenseMotion(const Piece& dense_motion) {
  const torch::NoGradGuard no_grad;
  return dense_motion.function(RandomInputs(dense_motion, /*seed=*/0));
}

Piece DenseMotionPiece(AnimationModel& model, const Tensor& image) {
  networks::DenseMotionNetwork& network = model.parts().dense_motion;
  const networks::DenseMotionOptions& options = network->options();
  const std::vector<int64_t> small = network->Downsample(image).sizes().vec();
  const int64_t height = small[2], width = small[3];
  Piece piece{
      "dense_motion",
      network.ptr().get(),
      {{"source_small", small},
       {"heatmap_difference", {1, options.num_keypoints() + 1, height, width}},
       {"candidates", {1, options.num_candidates(), height, width, 2}}},
      {"source_from_driving", "contribution_maps"},
      [&network](const std::vector<Tensor>& in) {
        return DenseMotionOutputs(network(in[0], in[1], in[2]));
      }};
  const size_t num_maps = AnyDenseMotion(piece).size() - 2;
  for (size_t i = 0; i < num_maps; ++i) {
    piece.outputs.push_back(absl::StrCat("occlusion_", i));
  }
  return piece;
}

Piece InpaintingPiece(AnimationModel& model, const NamedShape& image,
                      const Piece& dense_motion) {
  const std::vector<Tensor> motion = AnyDenseMotion(dense_motion);
  Piece piece{"inpainting",
              model.parts().inpainting.get(),
              {{"source", image.shape},
               {"source_from_driving", motion[0].sizes().vec()}},
              {"prediction"},
              [&model](const std::vector<Tensor>& in) {
                const std::vector<Tensor> maps(in.begin() + 2, in.end());
                return std::vector<Tensor>{
                    model.parts()
                        .inpainting
                        ->forward(in[0], in[1], maps,
                                  /*with_warped_encoder_maps=*/false)
                        .prediction};
              }};
  for (size_t i = 2; i < motion.size(); ++i) {
    piece.inputs.push_back({dense_motion.outputs[i], motion[i].sizes().vec()});
  }
  return piece;
}

// A former model's network would be taken for one of this model.
absl::Status RemoveFormer(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      path, ": is of another model and cannot be removed: ", error.message()));
}

}  // namespace

std::vector<std::string> TorchScriptPaths(const std::string& folder) {
  std::vector<std::string> paths;
  for (const char* name :
       {"detector", "background", "dense_motion", "inpainting"}) {
    paths.push_back(PathOf(folder, name));
  }
  return paths;
}

absl::StatusOr<std::vector<ExportedNetwork>> ExportTorchScript(
    const TrainedModel& trained, const std::string& folder) {
  RETURN_IF_ERROR(networks::files::MakeFolder(folder));
  AnimationModel& model = *trained.model;
  const NamedShape image{
      "image",
      {1, 3, trained.config.data().height(), trained.config.data().width()}};
  const Piece dense_motion = DenseMotionPiece(model, torch::zeros(image.shape));
  std::vector<Piece> pieces = {DetectorPiece(model, image), dense_motion,
                               InpaintingPiece(model, image, dense_motion)};
  if (model.has_background()) {
    pieces.push_back(BackgroundPiece(model, image.shape));
  }
  // Files of two models would be taken for those of one.
  std::vector<Export> exports;
  for (const Piece& piece : pieces) {
    ASSIGN_OR_RETURN(Export written, WriteChecked(piece, folder));
    exports.push_back(std::move(written));
  }
  if (!model.has_background()) {
    RETURN_IF_ERROR(RemoveFormer(PathOf(folder, "background")));
  }
  std::vector<ExportedNetwork> exported;
  for (Export& written : exports) {
    RETURN_IF_ERROR(written.file.Commit());
    exported.push_back(std::move(written.network));
  }
  return exported;
}

}  // namespace pipelines
