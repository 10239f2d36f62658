// What the name of an input means: a file, a device, or a URL. The one place
// that tells them apart; without FFmpeg.
#ifndef PIPELINES_MEDIA_INPUT_ADDRESS_H_
#define PIPELINES_MEDIA_INPUT_ADDRESS_H_

#include <string>

namespace pipelines::media {

enum class AddressKind { kFile, kDevice, kUrl };

// kDevice: "camera:0", "/dev/video0", and "lavfi:" with a graph of FFmpeg's
// filters, which stands in for a camera in tests. kUrl: a scheme, then "://".
// kFile: every other name.
//
// Devices and URLs reach beyond the file that a name seems to be. So only a
// name that the user gave may be read as one; a name that was found in a list,
// a folder or a data set is always a file's (see allow_addresses in
// frame_source.h).
AddressKind ClassifyAddress(const std::string& name);

inline bool IsDevice(const std::string& name) {
  return ClassifyAddress(name) == AddressKind::kDevice;
}

// Whether `name` is that of a file that can be read once: of a pipe.
bool IsPipe(const std::string& name);

// What FFmpeg calls a device: "video4linux2" and "/dev/video0". Both empty for
// what is none.
struct Device {
  std::string format;
  std::string address;
};
Device DeviceOf(const std::string& name);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_INPUT_ADDRESS_H_
