// Embeddings of frames kept on the disk, for frozen extractors that see the
// same frames in every epoch.
//
//   ASSIGN_OR_RETURN(EmbeddingCache cache, EmbeddingCache::Open(options));
//   embeddings = cache.Through(images, [&](const torch::Tensor& image) {
//     return semantic_loss->Embed(image);
//   });
//
// Frames are told apart by their pixels, so that each flip of one is kept as
// an image of its own. Of no use where colours or zoom are drawn at random: no
// image comes twice then.
#ifndef LOSSES_EMBEDDING_CACHE_H_
#define LOSSES_EMBEDDING_CACHE_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"

namespace losses {

struct EmbeddingCacheOptions {
  std::string folder;  // made if need be

  // Which embeddings these are: ExtractorName of the network and whatever else
  // they depend on, as the size of its input. Those of another extractor in
  // the same folder are left alone.
  std::string extractor;

  // Bytes of all files in the folder, which processes may share: those of
  // others are counted again after every 32 of one's own. When it is full
  // nothing more is kept, and nothing removed: frames come in random order once
  // an epoch, so what is there serves as well as what could replace it, and the
  // most recently used is the last to come again.
  int64_t budget = int64_t{4} << 30;
};

// A digest of a network's weights and statistics.
std::string ExtractorName(const torch::nn::Module& extractor);

class EmbeddingCache {
 public:
  // Errors of making or listing the folder.
  static absl::StatusOr<EmbeddingCache> Open(EmbeddingCacheOptions options);

  // The embedding kept for an image [...], in float32 on the CPU, if there is
  // one and it is whole.
  absl::optional<torch::Tensor> Find(const torch::Tensor& image) const;

  // Keeps an embedding, unless the budget is spent. Errors of writing, after
  // which training can go on without.
  absl::Status Insert(const torch::Tensor& image,
                      const torch::Tensor& embedding);

  // The embeddings of `images` [B, ...], stacked: those that are kept, the
  // others computed by `embed` ([1, ...] -> [1, ...]) and kept. One image at a
  // time, so that none depends on which others were kept. What cannot be kept
  // is no error, for the result is right without: from the first failure on
  // nothing more is kept, and insert_status() tells why.
  torch::Tensor Through(
      const torch::Tensor& images,
      const std::function<torch::Tensor(const torch::Tensor&)>& embed);

  // The error at which Through gave up keeping embeddings. The caller reports
  // it to the user.
  const absl::Status& insert_status() const { return insert_status_; }

  int64_t size() const { return size_; }  // bytes on the disk

 private:
  explicit EmbeddingCache(EmbeddingCacheOptions options)
      : options_(std::move(options)) {}

  std::string PathOf(const torch::Tensor& image) const;
  // Sets size_. Errors of listing the folder.
  absl::Status MeasureFolder();

  EmbeddingCacheOptions options_;
  int64_t size_ = 0;
  int64_t num_inserted_ = 0;
  absl::Status insert_status_;
};

}  // namespace losses

#endif  // LOSSES_EMBEDDING_CACHE_H_
