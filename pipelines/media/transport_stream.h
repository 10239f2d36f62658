// The packets of an MPEG transport stream. Such a file states neither its
// length nor its number of frames, and FFmpeg's demuxer passes over what it
// does not understand. Private to this folder.
#ifndef PIPELINES_MEDIA_TRANSPORT_STREAM_H_
#define PIPELINES_MEDIA_TRANSPORT_STREAM_H_

#include <cstdint>
#include <istream>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pipelines::media {

// Walks over all packets of `file` and looks into those of the elementary
// stream `pid`. Returns how many of its pieces (PES packets) state a time; at
// least one frame begins in each of them, so that a sound demuxer finds as many
// frames or more. Empty when the file is no transport stream.
//
// DataLoss with the place where the last packet is cut, where a packet does not
// begin with its mark, where a piece does not begin with its own, and where the
// mark of a piece of video stands within another piece.
absl::StatusOr<std::optional<int64_t>> CountTimedPieces(std::istream& file,
                                                        int pid);

// How the packets of one elementary stream follow one another.
struct PacketOrder {
  // Places before the flaw where another recording begins behind one that is
  // whole. The numbers of the packets jump there, and the clock goes back.
  int64_t num_joints = 0;
  // The first place where something is missing or may be: DataLoss with its
  // byte and what is known; OK if there is none.
  absl::Status flaw;
};

// Looks at the numbers, marks and lengths by which a demuxer takes frames of
// the stream `pid` for damaged. Of a file that is no transport stream: no joint
// and no flaw.
PacketOrder CheckPacketOrder(std::istream& file, int pid);

}  // namespace pipelines::media

#endif  // PIPELINES_MEDIA_TRANSPORT_STREAM_H_
