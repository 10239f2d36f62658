// Facts, previews and pixels of uploaded files, by a child process that can do
// nothing else: the server itself never decodes what a user sent.
//
// Each call starts one `studio_decoder` (decoder_main.cc), which reads one
// descriptor and writes one pipe. Before it reads, it gives up files, network,
// programs and processes (jail.h); memory, processor time and the answer's size
// are limited. A file that breaks the decoder ends that child and gives an
// error here. Nothing of the answer is trusted: it is limited and parsed
// strictly.
#ifndef TOOLS_STUDIO_JOBS_DECODER_CLIENT_H_
#define TOOLS_STUDIO_JOBS_DECODER_CLIENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tools/studio/base/rgba_image.h"
#include "tools/studio/jobs/media_facts.h"

namespace studio {

struct DecoderOptions {
  // The program, absolute. Empty: the one that was built with this library.
  std::string program;
  // Beyond the size of the file, which the decoder holds in memory.
  int64_t memory = int64_t{2} << 30;  // bytes
  absl::Duration processor_time = absl::Seconds(60);
  // From start to answer, whatever the processor does meanwhile.
  absl::Duration timeout = absl::Seconds(120);
  // Decoders that run at a time; further calls wait, at most for `timeout`.
  int max_children = 2;
  // True when the server is about to end: decoders end, too, and calls give
  // Unavailable. Empty: never. Called from any thread.
  std::function<bool()> is_stopping;
};

// A square of the upright picture, in its pixels.
struct CropBoxProposal {
  int x = 0;
  int y = 0;
  int side = 0;
  // A face was found and is inside; else it is the centre.
  bool is_face = false;
};

// Safe to use from many threads; each call blocks until the child has ended.
//
// descriptor: a regular file, open for reading. It is read by pread from its
// beginning, so that its offset does not matter; it stays open.
//
// Errors of all calls: InvalidArgument where the file is not what `kind` says,
// is damaged, or made the decoder exceed its memory or time, with a sentence
// for the user that calls it "the picture", "the video" or "the motion file";
// Unavailable where no decoder was free in time, or is_stopping; Internal where
// the program cannot be started.
class DecoderClient {
 public:
  explicit DecoderClient(DecoderOptions options = {});
  ~DecoderClient();
  DecoderClient(const DecoderClient&) = delete;
  DecoderClient& operator=(const DecoderClient&) = delete;

  // Decodes the picture, or the video's first frame, and counts its frames.
  absl::StatusOr<MediaFacts> Probe(int descriptor, MediaKind kind) const;

  // A PNG of frame `frame` (from 0), scaled down to at most `side` (16 to 4096)
  // pixels on the longer side. OutOfRange behind the last frame. A motion file
  // has no pictures: its keypoints are drawn.
  absl::StatusOr<std::string> Preview(int descriptor, MediaKind kind,
                                      int64_t frame, int side) const;

  // The picture, scaled down to at most `side` pixels on the longer side.
  absl::StatusOr<RgbaImage> Pixels(int descriptor, int side) const;

  // The largest square about the largest face, or in the centre.
  absl::StatusOr<CropBoxProposal> ProposeCrop(int descriptor,
                                              bool by_face) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace studio

#endif  // TOOLS_STUDIO_JOBS_DECODER_CLIENT_H_
