// Decoded pictures that are warped again and again.
#ifndef TOOLS_STUDIO_API_PICTURE_CACHE_H_
#define TOOLS_STUDIO_API_PICTURE_CACHE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "third_party/absl/status_macros.h"
#include "tools/studio/base/rgba_image.h"
#include "tools/studio/warp/recent_values.h"

namespace studio {

// Safe to use from many threads.
class PictureCache {
 public:
  using Decode =
      std::function<absl::StatusOr<RgbaImage>(const std::string& id)>;
  using Picture = absl::StatusOr<std::shared_ptr<const RgbaImage>>;

  // Keeps the `most` pictures that were used last.
  PictureCache(size_t most, Decode decode)
      : pictures_(most), decode_(std::move(decode)) {}

  // The picture of this id: the same object as long as it is kept. The errors
  // of `decode`, which are not kept. One picture is decoded at a time; those
  // that are kept do not wait for it.
  Picture Get(const std::string& id) {
    return pictures_.Get(id, [&]() -> Picture {
      const std::lock_guard<std::mutex> lock(decoding_);
      // Another thread may have decoded it meanwhile.
      return pictures_.Get(id, [&]() -> Picture {
        ASSIGN_OR_RETURN(RgbaImage picture, decode_(id));
        return std::make_shared<const RgbaImage>(std::move(picture));
      });
    });
  }

 private:
  RecentValues<std::string, RgbaImage> pictures_;
  const Decode decode_;
  std::mutex decoding_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_API_PICTURE_CACHE_H_
