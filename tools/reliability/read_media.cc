// Reads each file that is named, as the programs of pipelines do, and says what
// came of it. A call of access() with the name kMark stands before each, so
// that a trace tells which file made it do what.
//
//   read_media FILE...
#include <unistd.h>

#include <cstdio>
#include <string>

#include "pipelines/media/frame_source.h"

namespace {

constexpr char kMark[] = "/read_media: next file";

std::string Read(const std::string& path) {
  pipelines::media::FrameSourceOptions options;
  // As of a file that stands in a list or a folder.
  options.allow_addresses = false;
  const auto source = pipelines::media::OpenFrameSource(path, options);
  if (!source.ok()) return std::string(source.status().message());
  const auto frame = (*source)->Next();
  if (!frame.ok()) return std::string(frame.status().message());
  return "a frame is read";
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    access(kMark, F_OK);
    std::printf("%s: %s\n", argv[i], Read(argv[i]).c_str());
  }
}
