// What is to be read: what a name names, or bytes in memory. Private to this
// folder.
#ifndef PIPELINES_MEDIA_MEDIA_INPUT_H_
#define PIPELINES_MEDIA_MEDIA_INPUT_H_

#include <functional>
#include <memory>
#include <string>

#include "pipelines/media/rational.h"

namespace pipelines::media {

struct MediaInput {
  // Of a file; with allow_addresses, of a device or a URL, too (see
  // frame_source.h). With `bytes`, it only stands in messages.
  std::string name;
  bool allow_addresses = false;

  // The content; null for what `name` names.
  std::shared_ptr<const std::string> bytes = nullptr;

  // Asked while a pipe or a URL keeps us waiting, but not while a device does;
  // once it is true, reading ends with Cancelled. From the reading thread. May
  // be empty.
  std::function<bool()> stop = nullptr;

  // Frames a second of a stream that states neither times nor a rate.
  Rational image_rate = {25, 1};
};

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_MEDIA_INPUT_H_
