#include "tools/studio/runs/run_lock.h"

#include <limits.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace studio {
namespace {

constexpr int64_t kQuietSeconds = 600;

struct Holder {
  int process = 0;
  std::string host;
};

// "process 123 on host", as FileLock writes it; process 0 for anything else.
Holder HolderOf(absl::string_view content) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(content.substr(0, content.find('\n')), ' ');
  Holder holder;
  if (words.size() == 4 && words[0] == "process" && words[2] == "on" &&
      absl::SimpleAtoi(words[1], &holder.process) && holder.process > 0) {
    holder.host = std::string(words[3]);
  } else {
    holder.process = 0;
  }
  return holder;
}

std::string ThisHost() {
  char host[HOST_NAME_MAX + 1] = {};
  gethostname(host, HOST_NAME_MAX);
  return host;
}

// Whether the kernel lists an flock of `process` on the file `inode`:
// "1: FLOCK  ADVISORY  WRITE 123 fe:01:456 0 EOF".
bool IsListed(int process, uint64_t inode) {
  std::ifstream locks("/proc/locks");
  std::string line;
  while (std::getline(locks, line)) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, ' ', absl::SkipEmpty());
    int owner;
    if (words.size() >= 6 && words[1] == "FLOCK" &&
        absl::SimpleAtoi(words[4], &owner) && owner == process &&
        absl::EndsWith(words[5], absl::StrCat(":", inode))) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsTraining(const SafeFolder& run, int64_t last_write, int64_t now) {
  constexpr int64_t kMaxLock = 1024;
  const absl::StatusOr<SafeFile> lock = run.OpenFile("lock");
  if (!lock.ok()) return false;
  const absl::StatusOr<std::string> content = lock->Read(0, kMaxLock);
  const Holder holder = HolderOf(content.ok() ? *content : "");
  if (holder.process > 0 && holder.host == ThisHost()) {
    if (IsListed(holder.process, lock->identity().inode)) return true;
    if (kill(holder.process, 0) != 0 && errno == ESRCH) return false;
  }
  return now - last_write < kQuietSeconds;
}

}  // namespace studio
