#include "losses/embedding_cache.h"

#include <torch/nn/module.h>
#include <torch/types.h>

#include <filesystem>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "networks/files/folder.h"
#include "networks/files/system_error.h"
#include "networks/weights/safetensors.h"
#include "networks/weights/sha256.h"
#include "third_party/absl/status_macros.h"

namespace losses {

namespace fs = std::filesystem;
using networks::weights::Sha256;
using torch::Tensor;

namespace {

constexpr char kTensorName[] = "embedding";

// More than a file has besides the tensor.
constexpr int64_t kHeaderBytes = 512;

constexpr int64_t kInsertsPerMeasure = 32;

void AddTensor(const Tensor& tensor, Sha256* digest) {
  const Tensor bytes = tensor.detach().to(torch::kCPU).contiguous();
  digest->Add(absl::StrCat(torch::toString(bytes.scalar_type()), "[",
                           absl::StrJoin(bytes.sizes(), ","), "]"));
  digest->Add({static_cast<const char*>(bytes.data_ptr()), bytes.nbytes()});
}

}  // namespace

std::string ExtractorName(const torch::nn::Module& extractor) {
  Sha256 digest;
  const auto add = [&digest](const auto& named) {
    digest.Add(named.key());
    AddTensor(named.value(), &digest);
  };
  for (const auto& named : extractor.named_parameters()) add(named);
  for (const auto& named : extractor.named_buffers()) add(named);
  return absl::BytesToHexString(digest.Finish());
}

absl::StatusOr<EmbeddingCache> EmbeddingCache::Open(
    EmbeddingCacheOptions options) {
  RETURN_IF_ERROR(networks::files::MakeFolder(options.folder));
  EmbeddingCache cache(std::move(options));
  RETURN_IF_ERROR(cache.MeasureFolder());
  return cache;
}

absl::Status EmbeddingCache::MeasureFolder() {
  size_ = 0;
  std::error_code error;
  for (fs::directory_iterator entry(options_.folder, error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code vanished;  // another process may tidy up meanwhile
    const auto size = entry->file_size(vanished);
    if (!vanished) size_ += static_cast<int64_t>(size);
  }
  if (!error) return absl::OkStatus();
  return networks::files::SystemError(error, options_.folder,
                                      "list this folder");
}

std::string EmbeddingCache::PathOf(const Tensor& image) const {
  Sha256 digest;
  digest.Add(options_.extractor);
  AddTensor(image, &digest);
  return absl::StrCat(options_.folder, "/",
                      absl::BytesToHexString(digest.Finish()), ".safetensors");
}

absl::optional<Tensor> EmbeddingCache::Find(const Tensor& image) const {
  const auto file = networks::weights::SafetensorsFile::Open(PathOf(image));
  if (!file.ok()) return absl::nullopt;
  // Those of earlier programs have no checksum.
  if (file->has_checksum() && !file->VerifyChecksum().ok()) {
    return absl::nullopt;
  }
  const auto embedding = file->tensor(kTensorName);
  if (!embedding.ok()) return absl::nullopt;
  const Tensor copy = embedding->to(torch::kFloat32, /*non_blocking=*/false,
                                    /*copy=*/true);
  if (!file->Check().ok()) return absl::nullopt;
  return copy;
}

absl::Status EmbeddingCache::Insert(const Tensor& image,
                                    const Tensor& embedding) {
  const Tensor stored =
      embedding.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const int64_t bytes = static_cast<int64_t>(stored.nbytes()) + kHeaderBytes;
  if (++num_inserted_ % kInsertsPerMeasure == 0) {
    RETURN_IF_ERROR(MeasureFolder());
  }
  if (size_ + bytes > options_.budget) return absl::OkStatus();
  const std::string path = PathOf(image);
  std::error_code absent;
  const bool replaced = fs::exists(path, absent);
  const absl::Status written = networks::weights::WriteSafetensors(
      path, {{kTensorName, stored}}, {}, networks::weights::Checksum::kSha256);
  if (!written.ok()) return written;
  if (!replaced) size_ += static_cast<int64_t>(fs::file_size(path, absent));
  return absl::OkStatus();
}

Tensor EmbeddingCache::Through(
    const Tensor& images, const std::function<Tensor(const Tensor&)>& embed) {
  std::vector<Tensor> embeddings;
  for (int64_t i = 0; i < images.size(0); ++i) {
    const Tensor image = images.narrow(0, i, 1);
    if (const auto kept = Find(image)) {
      embeddings.push_back(kept->to(images.options()));
      continue;
    }
    embeddings.push_back(embed(image));
    if (insert_status_.ok()) insert_status_ = Insert(image, embeddings.back());
    // As Find gives it back.
    embeddings.back() =
        embeddings.back().to(torch::kFloat32).to(images.options());
  }
  return torch::cat(embeddings);
}

}  // namespace losses
