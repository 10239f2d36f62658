// Many sources by many driving videos.
#ifndef PIPELINES_ANIMATION_ANIMATE_BATCH_H_
#define PIPELINES_ANIMATION_ANIMATE_BATCH_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pipelines/animation/animate_video.h"
#include "pipelines/animation/animator.h"
#include "pipelines/animation/precision.h"
#include "pipelines/base/work_hooks.h"

namespace pipelines {

struct BatchItem {
  std::string source;
  std::string driving;
  std::string output;
};

// What `path` stands for: a folder's files and subfolders (each of which is a
// folder of frames) but notes (see media::IsSidecar), in the order in which
// people count, or a .txt file's lines (relative to where the user stands;
// empty ones and those that begin with # do not count). What of a folder is no
// picture, video, motion file or folder of frames, neither by name nor by
// content, is left out with a note. InvalidArgument where nothing is left, or
// for what is no text, or names a device or a URL: a list may come from
// elsewhere.
// takes_motion: whether a folder's motion files are inputs, as of driving
// videos; those that a list names always are.
// hooks.stop is asked while a list that is a pipe holds nothing; once it is
// true, Cancelled.
// results: the folder of the results, which may lie in `path` and is no input.
absl::StatusOr<std::vector<std::string>> ListInputs(
    const std::string& path, const WorkHooks& hooks = {},
    bool takes_motion = true, const std::string& results = "");

// Each of `sources` by each of `drivings`, source by source. Outputs are
// <folder>/<source>--<driving><ending>, after the names without their endings,
// or with them where two would be the same.
std::vector<BatchItem> PairAll(const std::vector<std::string>& sources,
                               const std::vector<std::string>& drivings,
                               const std::string& folder,
                               const std::string& ending);

struct BatchResult {
  enum class State { kDone, kSkipped, kFailed };
  BatchItem item;
  State state = State::kFailed;
  absl::Status status;        // why it failed
  AnimateVideoReport report;  // of what is done
};

struct BatchOptions {
  AnimateVideoOptions video;
  // Whether an item whose output exists is skipped, unless it is to be
  // overwritten. If not, it is as AnimateVideo takes it: an empty folder is
  // filled, anything else is an error.
  bool skips_existing = true;
  // The first item that fails is the last that is tried.
  bool halt_on_error = false;
  // WriteComparisons is to follow, which CheckBatch looks at, too.
  bool compares = false;
  // Before each item that is not skipped.
  std::function<void(size_t index, const BatchItem& item)> begin;
  // After each item, those that are skipped, too. `begin` and `end` may be
  // empty.
  std::function<void(const BatchResult& result)> end;
};

// Whether the outputs of `items` that are not skipped can be written without
// harm, to be asked before the work begins: no output is an input of any item,
// and no two are one file, nor has one the name of a comparison. Also, whether
// all inputs can be read as often as it takes: no pipe is read twice, and no
// camera is in a comparison. InvalidArgument, or the errors of
// networks::files::CheckOutputs.
absl::Status CheckBatch(const std::vector<BatchItem>& items,
                        const BatchOptions& options);

// Animates all items that are not skipped. One that fails does not stop the
// others, unless options.halt_on_error. Damage that was read over
// (allow_damaged) is no failure. options.video.hooks.stop ends the list, too:
// what is not tried is not in the result.
std::vector<BatchResult> AnimateBatch(Animator& animator,
                                      const std::vector<BatchItem>& items,
                                      const BatchOptions& options);

struct BatchComparison {
  std::string path;
  bool is_new = false;                // otherwise it was there and is as it was
  std::vector<std::string> warnings;  // see ComparisonReport
};

// One more video for each driving video: it (unless it is a motion file) and
// all results made by it in a grid, as "all--<driving>.mp4" beside them; one
// that exists is kept unless it is to be overwritten, or lacks a result,
// is a comparison that shows nothing else than the new one will, and no input.
// Driving videos without results are left out. The errors of WriteComparison.
absl::StatusOr<std::vector<BatchComparison>> WriteComparisons(
    const std::vector<BatchResult>& results, const BatchOptions& options);

// OK, or the first failure's kind, with how many failed of `num_items` and how
// many were not tried because of it.
absl::Status BatchStatus(const std::vector<BatchResult>& results,
                         size_t num_items);

// A line an item: name, frames, frames a second, seconds of each stage, or why
// it failed.
std::string BatchTable(const std::vector<BatchResult>& results);

// All that is known, for scripts: an object with `checkpoint`, `precision`
// (PrecisionName), `peak_memory_mb` and `items`, one for each result in their
// order. Of each: `source`, `driving`, `output` and `state` ("done", "skipped"
// or "failed"); of a failure `error` (a sentence) and `code` (the name of its
// absl::StatusCode in small letters, as "invalid_argument"); of what is done
// what it took and its `warnings` and `damage`.
std::string BatchJson(const std::vector<BatchResult>& results,
                      const std::string& checkpoint, Precision precision);

}  // namespace pipelines

#endif  // PIPELINES_ANIMATION_ANIMATE_BATCH_H_
