#include "networks/weights/read.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/weights/mapped_file.h"
#include "networks/weights/not_weights.h"
#include "networks/weights/pytorch.h"
#include "networks/weights/pytorch_format.h"
#include "networks/weights/safetensors.h"
#include "third_party/absl/status_macros.h"

namespace networks::weights {
namespace {

absl::StatusOr<Weights> ReadPytorch(const std::string& path,
                                    const char* format) {
  ASSIGN_OR_RETURN(const PytorchFile file, PytorchFile::Open(path));
  Weights weights;
  weights.format = format;
  ASSIGN_OR_RETURN(weights.tensors, file.tensors());
  weights.metadata = file.scalars();
  weights.file = file.mapped();
  return weights;
}

absl::StatusOr<Weights> ReadSafetensors(const std::string& path) {
  ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  Weights weights;
  weights.format = "safetensors";
  ASSIGN_OR_RETURN(weights.tensors, file.tensors());
  weights.metadata = file.metadata();
  weights.has_checksum = file.has_checksum();
  weights.file = file.mapped();
  return weights;
}

}  // namespace

absl::StatusOr<Weights> ReadWeights(const std::string& path) {
  ASSIGN_OR_RETURN(const std::shared_ptr<MappedFile> file,
                   MappedFile::Open(path));
  const absl::string_view contents = file->contents();
  // The JSON begins behind its length, whose first bytes may be any, also those
  // that the other formats begin with; those have something else here.
  if (contents.size() > 8 && contents[8] == '{') return ReadSafetensors(path);
  if (IsZipArchive(contents)) return ReadPytorch(path, "PyTorch zip");
  if (IsLegacyPytorch(contents)) return ReadPytorch(path, "PyTorch legacy");
  RETURN_IF_ERROR(file->Check());
  if (const std::string what = WhatInsteadOfWeights(contents); !what.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": is ", what, "; download it anew"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      path, ": is neither a safetensors file nor one of torch.save (",
      contents.size(), " bytes)"));
}

absl::StatusOr<LoadReport> LoadFile(torch::nn::Module& module,
                                    const std::string& path,
                                    const LoadOptions& options) {
  ASSIGN_OR_RETURN(const Weights weights, ReadWeights(path));
  ASSIGN_OR_RETURN(LoadReport report,
                   LoadInto(module, weights.tensors, options, path));
  RETURN_IF_ERROR(weights.Check());
  return report;
}

}  // namespace networks::weights
