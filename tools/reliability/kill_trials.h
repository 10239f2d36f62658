// Trials of the promise that a run which is killed and started again ends as if
// it had not been.
#ifndef TOOLS_RELIABILITY_KILL_TRIALS_H_
#define TOOLS_RELIABILITY_KILL_TRIALS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "pipelines/base/random.h"

namespace reliability {

struct KillTrialsOptions {
  // The trainer and its flags, without --output. One thread, so that its result
  // is a function of them.
  std::vector<std::string> command;
  std::string folder;  // for the runs: new or empty
};

// What became of one run that was killed.
struct KillTrial {
  uint64_t seed = 0;
  int kills = 0;
  int kills_in_save = 0;  // a half-written checkpoint was left
  int sessions = 0;       // the trainer's starts
  // Of the last checkpoint's tensors and of losses.csv with those of the run
  // that was left alone.
  bool same_weights = false;
  bool same_losses = false;

  bool passed() const { return same_weights && same_losses; }
};

// Whether two files hold the same bytes. An error if one cannot be read or is
// empty: then there is nothing that could be the same.
absl::StatusOr<bool> HaveSameContents(const std::string& a,
                                      const std::string& b);

// A training run that was left alone, to which runs that are killed are
// compared.
class KillTrials {
 public:
  // Trains once without disturbance, for comparison. The errors of starting the
  // trainer; FailedPrecondition if it fails or saves nothing; the system's
  // error if saves cannot be watched.
  static absl::StatusOr<KillTrials> Create(const KillTrialsOptions& options);

  // Trains anew, kills the run (SIGKILL) one to three times, a third of them
  // while it writes a checkpoint, the others at any instant, each time starting
  // it again with the same command but for the number of loader threads, and
  // lets it end. `seed` decides when. FailedPrecondition if a session fails;
  // the errors of reading what one of the two runs should have left.
  absl::StatusOr<KillTrial> Run(uint64_t seed) const;

 private:
  KillTrials(KillTrialsOptions options, absl::Duration duration,
             int64_t num_saves)
      : options_(std::move(options)),
        duration_(duration),
        num_saves_(num_saves) {}

  absl::Status RunAndKill(const std::string& output, bool in_save,
                          pipelines::Random& random, KillTrial* trial) const;

  KillTrialsOptions options_;
  absl::Duration duration_;  // of the whole run
  int64_t num_saves_;        // in it, at least 1
};

}  // namespace reliability

#endif  // TOOLS_RELIABILITY_KILL_TRIALS_H_
