// Decoded pictures that are warped again and again.
#ifndef TOOLS_STUDIO_API_PICTURE_CACHE_H_
#define TOOLS_STUDIO_API_PICTURE_CACHE_H_

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tools/studio/base/rgba_image.h"

namespace studio {

// Safe to use from many threads.
class PictureCache {
 public:
  using Decode =
      std::function<absl::StatusOr<RgbaImage>(const std::string& id)>;

  // Keeps the `most` pictures that were used last.
  PictureCache(size_t most, Decode decode)
      : most_(most), decode_(std::move(decode)) {}

  // The picture of this id: the same object as long as it is kept. The errors
  // of `decode`, which are not kept. One picture is decoded at a time.
  absl::StatusOr<std::shared_ptr<const RgbaImage>> Get(const std::string& id);

 private:
  const size_t most_;
  const Decode decode_;
  absl::Mutex mutex_;
  // The one that was used last is the first.
  std::list<std::pair<std::string, std::shared_ptr<const RgbaImage>>> pictures_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace studio

#endif  // TOOLS_STUDIO_API_PICTURE_CACHE_H_
