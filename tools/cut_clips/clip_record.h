// How the clips of a data set were cut: a table in its folder.
//
// A row is written before its clip is cut, and the clip's file has its name
// only when it is whole. So a clip that is there was cut as its row says,
// however the program ended.
#ifndef TOOLS_CUT_CLIPS_CLIP_RECORD_H_
#define TOOLS_CUT_CLIPS_CLIP_RECORD_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "opencv2/core.hpp"
#include "tools/cut_clips/clip_cutter.h"
#include "tools/cut_clips/clip_list.h"

namespace tools {

struct ClipOrigin {
  std::string table;  // file name of the list
  std::string cut;    // CutText of the clip

  friend bool operator==(const ClipOrigin& a, const ClipOrigin& b) {
    return a.table == b.table && a.cut == b.cut;
  }
};

// By ClipKey.
using ClipRecord = std::map<std::string, ClipOrigin>;

// "train/name.mp4", or "train/name/" of a folder of PNGs.
std::string ClipKey(const ClipSpec& spec, const CutOptions& options);

// The name of the clip with this ClipKey, in whatever partition and format;
// nullopt if it is none. A clip may be taken away by its key, and a record may
// come from elsewhere: no key names what lies outside the data set.
std::optional<std::string> NameOfClip(absl::string_view key);

// All that decides what is in the clip: file, times, box, size, quality; and
// which video that is, for many have one name: its absolute path, its size and
// when it was last changed, unless it is not there.
std::string CutText(const ClipSpec& spec, const CutOptions& options);

// Whether a clip that was cut as `known`, a CutText, is the one of `spec`.
// Clips outlive their videos: of one that is not there, the rest of the text
// tells.
bool IsSameCut(const std::string& known, const ClipSpec& spec,
               const CutOptions& options);

// Size and time of change of each video of `specs`.
std::set<std::string> VideoStates(const std::vector<ClipSpec>& specs);

// Whether the video of a clip that was cut as `known`, a CutText, is gone: it
// is not where it was, nor, under another name, one of those in `states`.
bool IsVideoGone(const std::string& known, const std::set<std::string>& states);

// What differs, where IsSameCut is false: "with size 32x32, not 64x64".
std::string CutDifference(const std::string& known, const ClipSpec& spec,
                          const CutOptions& options);

// Whether it may show the same pictures: of a video that has the same path or
// size, or of which nothing is known.
bool MayShowTheSame(const std::string& known, const ClipSpec& spec,
                    const CutOptions& options);

// Which frames a clip shows.
struct ShownFrames {
  // The video's file name, size and time of change, wherever it is.
  std::string video;
  std::string unit;  // of the times
  double start = 0;
  double end = 0;  // infinity: to the end
  std::optional<cv::Rect> box;
  std::optional<cv::Size> size;  // of the clip; that of the box if empty
};

// Of a clip that was cut as `known`, a CutText; nullopt where it does not say
// which video that was.
std::optional<ShownFrames> FramesOf(const std::string& known);

// The record's path in the data set's folder.
std::string RecordPath(const std::string& folder);

// The record of the data set in `folder`; empty if it has none.
// FailedPrecondition if a file with its name is something else;
// InvalidArgument, naming file and line, if it is damaged or a row names
// something else than a clip in the folder's train/ or test/.
absl::StatusOr<ClipRecord> ReadClipRecord(const std::string& folder);

// Replaces it, all at once.
absl::Status WriteClipRecord(const std::string& folder,
                             const ClipRecord& record);

}  // namespace tools

#endif  // TOOLS_CUT_CLIPS_CLIP_RECORD_H_
