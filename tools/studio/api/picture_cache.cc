#include "tools/studio/api/picture_cache.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "third_party/absl/status_macros.h"

namespace studio {

absl::StatusOr<std::shared_ptr<const RgbaImage>> PictureCache::Get(
    const std::string& id) {
  absl::MutexLock lock(&mutex_);
  for (auto entry = pictures_.begin(); entry != pictures_.end(); ++entry) {
    if (entry->first != id) continue;
    pictures_.splice(pictures_.begin(), pictures_, entry);
    return pictures_.front().second;
  }
  ASSIGN_OR_RETURN(RgbaImage picture, decode_(id));
  pictures_.emplace_front(
      id, std::make_shared<const RgbaImage>(std::move(picture)));
  if (pictures_.size() > most_) pictures_.pop_back();
  return pictures_.front().second;
}

}  // namespace studio
