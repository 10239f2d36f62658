#include "pipelines/training/meeting.h"

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "pipelines/config/config.h"
#include "pipelines/data/clips_fingerprint.h"
#include "third_party/absl/status_macros.h"

namespace pipelines {
namespace {

// What each process may have of its own.
Config WithoutOwn(Config config) {
  DataConfig* data = config.mutable_data();
  if (data->has_folder()) data->set_folder("");
  data->clear_workers();
  data->clear_cache_mib();
  return config;
}

absl::Status Differs(int rank, int size, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat(
      "process ", rank, " of ", size, " has ", what,
      "; start all processes of a run with the same config and data"));
}

// Names, sizes and times of a split, as Fingerprint has them, a line each.
std::string Lines(const data::Dataset& clips) {
  const data::Fingerprint of = data::FingerprintOf(clips.clips());
  return absl::StrJoin({of.names, of.sizes, of.times}, "\n");
}

data::Fingerprint Parsed(const std::string& lines) {
  const std::vector<std::string> parts = absl::StrSplit(lines, '\n');
  return parts.size() == 3 ? data::Fingerprint{parts[0], parts[1], parts[2]}
                           : data::Fingerprint();
}

absl::Status CheckSplitsAgree(parallel::ProcessGroup& group, const char* split,
                              const data::Dataset& clips) {
  const std::vector<std::string> all = group.Gather(Lines(clips));
  for (int rank = 1; rank < group.size(); ++rank) {
    const std::string difference = data::Difference(
        Parsed(all[0]), Parsed(all[rank]), /*with_times=*/false);
    if (difference.empty()) continue;
    return Differs(rank, group.size(),
                   absl::StrCat("other ", split, " clips than process 0 (",
                                difference, ")"));
  }
  return absl::OkStatus();
}

// A status as a text: code, message, and a line each for url and content of its
// payloads, without line feeds inside.
std::string TextOf(const absl::Status& status) {
  std::string text =
      absl::StrCat(status.raw_code(), "\n", absl::CEscape(status.message()));
  status.ForEachPayload(
      [&text](absl::string_view url, const absl::Cord& payload) {
        absl::StrAppend(&text, "\n", url, "\n",
                        absl::CEscape(std::string(payload)));
      });
  return text;
}

// The error of `rank` in its TextOf.
absl::Status ErrorIn(const std::string& text, int rank) {
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  const auto unescaped = [&lines](size_t i) {
    std::string line;
    return i < lines.size() && absl::CUnescape(lines[i], &line) ? line : "";
  };
  int code = 0;
  if (!absl::SimpleAtoi(lines[0], &code) || code == 0) {
    code = static_cast<int>(absl::StatusCode::kInternal);
  }
  absl::Status status(static_cast<absl::StatusCode>(code),
                      absl::StrCat("process ", rank, ": ", unescaped(1)));
  for (size_t i = 2; i + 1 < lines.size(); i += 2) {
    status.SetPayload(lines[i], absl::Cord(unescaped(i + 1)));
  }
  return status;
}

}  // namespace

absl::Status AgreeOn(parallel::ProcessGroup* group, const absl::Status& mine) {
  if (group == nullptr) return mine;
  const std::vector<std::string> all = group->Gather(TextOf(mine));
  if (!mine.ok()) return mine;
  const std::string ok = TextOf(absl::OkStatus());
  for (int rank = 0; rank < group->size(); ++rank) {
    if (all[rank] != ok) return ErrorIn(all[rank], rank);
  }
  return absl::OkStatus();
}

absl::Status CheckConfigsAgree(parallel::ProcessGroup& group,
                               const Config& config) {
  const std::vector<std::string> all = group.Gather(config.SerializeAsString());
  Config of_first;
  if (!of_first.ParseFromString(all[0])) {
    return Differs(0, group.size(), "a config that cannot be read");
  }
  for (int rank = 1; rank < group.size(); ++rank) {
    Config other;
    if (!other.ParseFromString(all[rank])) {
      return Differs(rank, group.size(), "a config that cannot be read");
    }
    const std::vector<std::string> differences =
        ConfigDifferences(WithoutOwn(of_first), WithoutOwn(other));
    if (differences.empty()) continue;
    return Differs(rank, group.size(),
                   absl::StrCat("another config than process 0 (",
                                absl::StrJoin(differences, "; "), ")"));
  }
  return absl::OkStatus();
}

absl::Status CheckClipsAgree(parallel::ProcessGroup& group,
                             const data::Dataset& train,
                             const data::Dataset& test) {
  RETURN_IF_ERROR(CheckSplitsAgree(group, "training", train));
  return CheckSplitsAgree(group, "test", test);
}

}  // namespace pipelines
