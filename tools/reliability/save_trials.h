// What becomes of a run's checkpoints when a save is killed or fails anywhere,
// and when files are damaged.
//
// Each trial saves or damages a small checkpoint with everything in it (model,
// optimizer, average) in a folder of its own and then goes on as the next
// session of the run would.
#ifndef TOOLS_RELIABILITY_SAVE_TRIALS_H_
#define TOOLS_RELIABILITY_SAVE_TRIALS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace reliability {

struct TrialReport {
  int64_t trials = 0;
  std::vector<std::string> failures;  // a sentence each
};

class SaveTrials {
 public:
  // `folder` is new or empty.
  static absl::StatusOr<std::unique_ptr<SaveTrials>> Create(
      const std::string& folder);
  virtual ~SaveTrials() = default;

  // Kills the saving process before each of its system calls that change a
  // file, after the last one, and in the middle of each write. Each time the
  // newest checkpoint must be the old one or the new one, whole, and the next
  // save must succeed and leave nothing else in the folder. Here and below, of
  // the writes only each `every`th is taken: a tensor is one.
  virtual absl::StatusOr<TrialReport> KillEverywhere(int every) = 0;

  // Lets each of these calls fail, once each with ENOSPC, EIO, EDQUOT and
  // EROFS, and the disk be full after `offsets` numbers of bytes drawn from
  // `seed`. The save must fail, unless the call removes a file, and say so with
  // the path, and where the disk is full with the bytes that it needs, in an
  // error that says that trying again can help; the old checkpoint must be as
  // it was; no other file may be left; the next save must succeed. Counts as a
  // trial, too, that a save syncs the file, renames it and syncs the folder.
  virtual absl::StatusOr<TrialReport> FailEverywhere(int every, int offsets,
                                                     uint64_t seed) = 0;

  // Flips one bit, `flips` times, and cuts the file off, `cuts` times, at
  // places drawn from `seed`. Each time the damage must be found before a
  // tensor is used. Every hundredth time the whole run goes on: the older
  // checkpoint must be taken, and the damaged one set aside so that it is never
  // tried again.
  virtual absl::StatusOr<TrialReport> Damage(int flips, int cuts,
                                             uint64_t seed) = 0;
};

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_SAVE_TRIALS_H_
