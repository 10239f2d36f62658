// tools/bazelw run //tools/reliability:batch_trials: see kUsage.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/files/path_parts.h"
#include "networks/files/read_file.h"
#include "nlohmann/json.hpp"
#include "pipelines/app/command_line.h"
#include "pipelines/app/exit_code.h"
#include "pipelines/app/flag_error.h"
#include "pipelines/app/program.h"
#include "pipelines/media/frame_source.h"
#include "third_party/absl/status_macros.h"
#include "tools/reliability/scratch_folder.h"

ABSL_FLAG(int, jobs, 1000, "Animations in the batch.");
ABSL_FLAG(double, broken, 5, "Per cent of them whose source is broken.");
ABSL_FLAG(int, kills, 5,
          "How often the program is killed, unless it has ended before.");
ABSL_FLAG(uint64_t, seed, 1,
          "Decides which sources are broken, and when it is killed.");

namespace reliability {
namespace {

namespace fs = std::filesystem;
using pipelines::BadFlag;
using pipelines::UsageError;
using Random = std::mt19937_64;

constexpr char kUsage[] =
    R"(Animates many stills, of which some are broken, in one batch that is killed.

  tools/bazelw run //tools/reliability:batch_trials

animate is killed several times and started again with the same command. At the
end all results of whole sources must be there and whole, each broken source
must be named with what is wrong and with a code, and nothing that was finished
before a kill may have been made again. With --halt_on_error, the results must
be those before the first broken source.

Exit codes: 0 all as it should be, 1 not, 2 bad flag.)";

constexpr char kStill[] = "pipelines/pretrained/puppet.png";
constexpr char kDriving[] = "pipelines/pretrained/dance.mp4";
constexpr int kFrames = 2;

struct Batch {
  std::string folder;
  std::set<std::string> good, broken;  // stems of sources, in their order
  std::string results_name = "results";

  std::string sources() const { return folder + "/sources"; }
  std::string results() const { return folder + "/" + results_name; }
  std::string report() const { return folder + "/report.json"; }
};

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// A source that is broken in one of several ways.
void MakeBroken(const std::string& path, const std::string& still, int way) {
  std::string bytes = still;
  switch (way % 5) {
    case 0:
      return WriteBytes(path, "");
    case 1:
      return WriteBytes(path, "<html>Not found</html>");
    case 2:
      return WriteBytes(path, still.substr(0, still.size() / 2));
    case 3:
      bytes[still.size() / 2] = static_cast<char>(~bytes[still.size() / 2]);
      return WriteBytes(path, bytes);
    default:
      fs::create_directories(path);  // a folder without frames
  }
}

absl::StatusOr<Batch> MakeBatch(const std::string& folder, Random& random) {
  Batch batch;
  batch.folder = folder;
  ASSIGN_OR_RETURN(const std::string still, networks::files::ReadFile(kStill));
  fs::create_directories(batch.sources());
  const int jobs = absl::GetFlag(FLAGS_jobs);
  const int broken = static_cast<int>(jobs * absl::GetFlag(FLAGS_broken) / 100);
  std::vector<int> order(static_cast<size_t>(jobs));
  for (int i = 0; i < jobs; ++i) order[static_cast<size_t>(i)] = i;
  std::shuffle(order.begin(), order.end(), random);
  for (int i = 0; i < jobs; ++i) {
    const std::string name =
        absl::StrFormat("job%04d", order[static_cast<size_t>(i)]);
    const std::string path = absl::StrCat(batch.sources(), "/", name, ".png");
    if (i < broken) {
      MakeBroken(path, still, i);
    } else {
      WriteBytes(path, still);
    }
    (i < broken ? batch.broken : batch.good).insert(name);
  }
  return batch;
}

// What tells one making of a file from the next, by the file's name.
using Made = std::map<std::string, std::pair<ino_t, int64_t>>;

Made Finished(const Batch& batch) {
  Made made;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(batch.results(), error)) {
    const std::string name = entry.path().filename();
    struct stat info;
    if (name[0] == '.' || stat(entry.path().c_str(), &info) != 0) continue;
    made[name] = {info.st_ino, int64_t{info.st_mtim.tv_sec} * 1000000000 +
                                   info.st_mtim.tv_nsec};
  }
  return made;
}

pid_t Start(const Batch& batch, bool halt_on_error = false) {
  std::vector<std::string> command = {"pipelines/animate",
                                      "--sources",
                                      batch.sources(),
                                      "--driving",
                                      fs::absolute(kDriving).string(),
                                      "--output",
                                      batch.results(),
                                      "--max_frames",
                                      absl::StrCat(kFrames),
                                      "--threads",
                                      "1",
                                      "--quiet",
                                      "--json"};
  if (halt_on_error) command.push_back("--halt_on_error");
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const int report = open(batch.report().c_str(),
                            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    dup2(report, STDOUT_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  return child;
}

// Kills a session once it has finished so many more; false if it has ended.
bool KillAfter(const Batch& batch, pid_t child, size_t more, Random& random) {
  const size_t before = Finished(batch).size();
  while (Finished(batch).size() < before + more) {
    if (waitpid(child, nullptr, WNOHANG) == child) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return true;
}

// Adds what is wrong to `wrong`.
void CheckUnchanged(const Made& before, const Made& now,
                    std::vector<std::string>* wrong) {
  for (const auto& [name, made] : before) {
    const auto found = now.find(name);
    if (found == now.end() || found->second != made) {
      wrong->push_back(name + ": was finished, and made again");
    }
  }
}

std::string ResultName(const std::string& source) {
  return absl::StrCat(source, "--", networks::files::Stem(kDriving), ".mp4");
}

// "" if the video has all its frames.
std::string WhatIsWrongWith(const std::string& video) {
  const auto source = pipelines::media::OpenFrameSource(video);
  if (!source.ok()) return std::string(source.status().message());
  for (int i = 0;; ++i) {
    const auto frame = (*source)->Next();
    if (!frame.ok()) return std::string(frame.status().message());
    if (!*frame) {
      return i == kFrames ? "" : absl::StrCat(video, ": has ", i, " frames");
    }
  }
}

void CheckResults(const Batch& batch, std::vector<std::string>* wrong) {
  for (const std::string& name : batch.good) {
    const std::string error =
        WhatIsWrongWith(absl::StrCat(batch.results(), "/", ResultName(name)));
    if (!error.empty()) wrong->push_back(error);
  }
  std::error_code none;  // of whole sources, no results and no folder
  for (const auto& entry : fs::directory_iterator(batch.results(), none)) {
    const std::string name = entry.path().filename();
    const std::string source = name.substr(0, name.find("--"));
    if (name != ResultName(source) || batch.good.count(source) == 0) {
      wrong->push_back(name + ": should not be there");
    }
  }
}

void CheckReport(const Batch& batch, std::vector<std::string>* wrong) {
  const auto text = networks::files::ReadFile(batch.report());
  const auto report =
      nlohmann::json::parse(text.ok() ? *text : "", nullptr, false);
  if (report.is_discarded()) {
    wrong->push_back("the report is no JSON");
    return;
  }
  std::set<std::string> named;
  for (const auto& item : report["items"]) {
    if (item["state"] != "failed") continue;
    const std::string source = item["source"];
    named.insert(networks::files::Stem(source));
    if (!absl::StrContains(item["error"].get<std::string>(), source)) {
      wrong->push_back(source + ": its error does not name it");
    }
    if (item.value("code", "").empty()) {
      wrong->push_back(source + ": its error has no code");
    }
  }
  if (named != batch.broken) {
    wrong->push_back(absl::StrCat(named.size(), " failures are named, ",
                                  batch.broken.size(), " sources are broken"));
  }
}

// Whether `status`, of a process that was waited for, is this exit code.
bool IsExit(int status, int code) {
  return WIFEXITED(status) && WEXITSTATUS(status) == code;
}

void CheckHalt(Batch batch, std::vector<std::string>* wrong) {
  batch.results_name = "halted";
  int status = 0;
  waitpid(Start(batch, /*halt_on_error=*/true), &status, 0);
  if (!IsExit(status, 1)) {
    wrong->push_back(absl::StrCat("--halt_on_error: status ", status));
  }
  std::set<std::string> expected;
  for (const std::string& name : batch.good) {
    if (name < *batch.broken.begin()) expected.insert(ResultName(name));
  }
  std::set<std::string> found;
  for (const auto& [name, made] : Finished(batch)) found.insert(name);
  if (found != expected) {
    wrong->push_back(absl::StrCat("--halt_on_error: ", found.size(),
                                  " results, not ", expected.size()));
  }
}

struct Outcome {
  int kills = 0;
  std::vector<std::string> wrong;
};

Outcome RunBatch(const Batch& batch, Random& random) {
  Outcome outcome;
  std::vector<std::string>& wrong = outcome.wrong;
  const int kills = absl::GetFlag(FLAGS_kills);
  const size_t share = batch.good.size() / (static_cast<size_t>(kills) + 1);
  Made before;
  while (outcome.kills < kills) {
    const size_t more = 1 + random() % std::max<size_t>(1, share);
    if (!KillAfter(batch, Start(batch), more, random)) break;
    ++outcome.kills;
    const Made now = Finished(batch);
    CheckUnchanged(before, now, &wrong);
    before = now;
    std::printf("killed with %zu finished\n", now.size());
    std::fflush(stdout);
  }
  int status = 0;
  waitpid(Start(batch), &status, 0);
  const int expected = batch.broken.empty() ? 0 : 1;
  if (!IsExit(status, expected)) {
    wrong.push_back(absl::StrCat("animate ended with status ", status));
  }
  CheckUnchanged(before, Finished(batch), &wrong);
  CheckResults(batch, &wrong);
  CheckReport(batch, &wrong);
  if (!batch.broken.empty()) CheckHalt(batch, &wrong);
  return outcome;
}

absl::Status Run(const pipelines::CommandLine& line) {
  RETURN_IF_ERROR(UsageError(pipelines::RefuseArguments(line)));
  if (absl::GetFlag(FLAGS_jobs) < 1 || absl::GetFlag(FLAGS_jobs) > 9999) {
    return BadFlag("jobs is ", absl::GetFlag(FLAGS_jobs), "; use 1 to 9999");
  }
  const double broken = absl::GetFlag(FLAGS_broken);
  if (!(broken >= 0 && broken <= 100)) {
    return BadFlag("broken is ", broken, "; use 0 to 100");
  }
  if (absl::GetFlag(FLAGS_kills) < 0) {
    return BadFlag("kills is ", absl::GetFlag(FLAGS_kills), "; use 0 or more");
  }
  Random random(absl::GetFlag(FLAGS_seed));
  ASSIGN_OR_RETURN(const ScratchFolder scratch,
                   ScratchFolder::Make("", "batch_trials"));
  ASSIGN_OR_RETURN(const Batch batch, MakeBatch(scratch.path(), random));
  const Outcome outcome = RunBatch(batch, random);
  for (const std::string& text : outcome.wrong) {
    std::printf("%s\n", text.c_str());
  }
  std::printf("| a batch | %zu good and %zu broken jobs, %d kills | %zu |\n",
              batch.good.size(), batch.broken.size(), outcome.kills,
              outcome.wrong.size());
  return outcome.wrong.empty()
             ? absl::OkStatus()
             : absl::DataLossError(
                   "the batch did not end as it should; see above");
}

}  // namespace
}  // namespace reliability

int main(int argc, char** argv) {
  return pipelines::RunProgram({"batch_trials", reliability::kUsage, __FILE__},
                               argc, argv, reliability::Run);
}
