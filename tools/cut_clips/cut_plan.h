// What is to be done so that a data set holds the clips of a table, and no
// others of that table.
#ifndef TOOLS_CUT_CLIPS_CUT_PLAN_H_
#define TOOLS_CUT_CLIPS_CUT_PLAN_H_

#include <string>
#include <vector>

#include "tools/cut_clips/clip_cutter.h"
#include "tools/cut_clips/clip_list.h"
#include "tools/cut_clips/clip_record.h"

namespace tools {

// A clip in the data set that the table does not ask for as it is.
struct StaleClip {
  std::string key;  // ClipKey
  std::string why;  // what is wrong with it
  // Whether this program cut it, so that it may take it away.
  bool is_ours = false;
};

struct CutPlan {
  std::vector<const ClipSpec*> to_cut;
  std::vector<const ClipSpec*> kept;  // cut already, as the table asks
  // Of these, the clips that the table names are in `to_cut`, too.
  std::vector<StaleClip> stale;
  // The record when the stale clips that are ours are gone and `to_cut` is cut.
  ClipRecord record;
};

// Compares `specs`, of the list with the file name `table`, with the clips that
// are in options.output_folder and their `record`. A clip is stale if the table
// names it and it was cut in another way, or nothing says how; if it is the
// same as a clip of the other partition, so that test data would be trained on;
// or if it comes from this table, which no longer names it; but not, where the
// table is a folder ("videos/"), if its video is gone.
CutPlan MakePlan(const std::vector<ClipSpec>& specs, const std::string& table,
                 const ClipRecord& record, const CutOptions& options);

// Pairs of a training and a test clip that show the same frames of a video: the
// same file by whatever name, times that overlap, and boxes that overlap when
// they have grown to the aspect of options.size. The videos are not opened:
// boxes grow as in a frame without an end to the right and below. A sentence
// each, with the lines of the table, or the files without one.
std::vector<std::string> SharedFrames(const std::vector<ClipSpec>& specs,
                                      const CutOptions& options);

// The same of `specs` and clips that other tables have left in
// options.output_folder. A video is known by its file name, size and time of
// change, also where it has moved. Where one clip is cut by seconds and the
// other by frames, boxes alone tell. `record` is that of the plan.
std::vector<std::string> SharedWithOthers(const std::vector<ClipSpec>& specs,
                                          const ClipRecord& record,
                                          const CutOptions& options);

}  // namespace tools

#endif  // TOOLS_CUT_CLIPS_CUT_PLAN_H_
