#include "losses/embedding_cache.h"

#include <torch/torch.h>

#include <filesystem>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/weights/safetensors.h"

namespace losses {

namespace fs = std::filesystem;
using torch::Tensor;

namespace {

constexpr char kTensorName[] = "embedding";
constexpr char kKeyName[] = "key";

// More than a file has besides the tensor and its key.
constexpr int64_t kHeaderBytes = 512;

// FNV-1a: the same in every process, unlike std::hash.
uint64_t StableHash(const std::string& text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

absl::Status FileError(const std::error_code& error, const std::string& path) {
  return absl::ErrnoToStatus(error.value(), path);
}

}  // namespace

absl::StatusOr<EmbeddingCache> EmbeddingCache::Open(
    EmbeddingCacheOptions options) {
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return FileError(error, options.folder);
  EmbeddingCache cache(std::move(options));
  for (fs::directory_iterator entry(cache.options_.folder, error), end;
       !error && entry != end; entry.increment(error)) {
    std::error_code vanished;  // another process may tidy up meanwhile
    const auto size = entry->file_size(vanished);
    if (!vanished) cache.size_ += static_cast<int64_t>(size);
  }
  if (error) return FileError(error, cache.options_.folder);
  return cache;
}

std::string EmbeddingCache::KeyOf(const std::string& frame) const {
  return absl::StrCat(options_.extractor, "\n", frame);
}

std::string EmbeddingCache::PathOf(const std::string& key) const {
  return absl::StrFormat("%s/%016x.safetensors", options_.folder,
                         StableHash(key));
}

absl::optional<Tensor> EmbeddingCache::Find(const std::string& frame) const {
  const std::string key = KeyOf(frame);
  const auto file = networks::weights::SafetensorsFile::Open(PathOf(key));
  if (!file.ok()) return absl::nullopt;
  // Two keys of one hash share a file, which then is that of the first.
  const auto stored_key = file->metadata().find(kKeyName);
  if (stored_key == file->metadata().end() || stored_key->second != key) {
    return absl::nullopt;
  }
  const auto embedding = file->tensor(kTensorName);
  if (!embedding.ok()) return absl::nullopt;
  return embedding->to(torch::kFloat32);
}

absl::Status EmbeddingCache::Insert(const std::string& frame,
                                    const Tensor& embedding) {
  const Tensor stored =
      embedding.detach().to(torch::kCPU, options_.stored_as).contiguous();
  const std::string key = KeyOf(frame);
  const int64_t bytes = static_cast<int64_t>(stored.nbytes()) + kHeaderBytes +
                        2 * static_cast<int64_t>(key.size());
  if (size_ + bytes > options_.budget) return absl::OkStatus();
  const std::string path = PathOf(key);
  std::error_code absent;
  const bool replaced = fs::exists(path, absent);
  const absl::Status written = networks::weights::WriteSafetensors(
      path, {{kTensorName, stored}}, {{kKeyName, key}});
  if (!written.ok()) return written;
  if (!replaced) size_ += static_cast<int64_t>(fs::file_size(path, absent));
  return absl::OkStatus();
}

Tensor EmbeddingCache::Through(
    const std::vector<std::string>& frames, const Tensor& images,
    const std::function<Tensor(const Tensor&)>& embed) {
  TORCH_CHECK(static_cast<int64_t>(frames.size()) == images.size(0),
              "a frame's name for each image: ", frames.size(), " for ",
              images.size(0));
  std::vector<Tensor> embeddings(frames.size());
  std::vector<int64_t> missing;
  for (size_t i = 0; i < frames.size(); ++i) {
    const auto kept = frames[i].empty() ? absl::nullopt : Find(frames[i]);
    if (kept) {
      embeddings[i] = kept->to(images.options());
    } else {
      missing.push_back(static_cast<int64_t>(i));
    }
  }
  if (!missing.empty()) {
    const Tensor indices = torch::tensor(missing, torch::kInt64);
    const Tensor computed =
        embed(images.index_select(0, indices.to(images.device())));
    for (size_t i = 0; i < missing.size(); ++i) {
      const std::string& frame = frames[missing[i]];
      embeddings[missing[i]] = computed[static_cast<int64_t>(i)];
      if (frame.empty()) continue;
      insert_status_.Update(Insert(frame, embeddings[missing[i]]));
    }
  }
  return torch::stack(embeddings);
}

}  // namespace losses
