#include "pipelines/base/child_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::networks::files::ReadText;
using ::testing::HasSubstr;

using ChildProcessTest = networks::files::FolderTest;

TEST_F(ChildProcessTest, WritesToItsLogWithItsVariables) {
  ChildOptions options;
  options.log = folder_ + "/log";
  options.variables = {{"ANSWER", "42"}, {"HOME", "/elsewhere"}};
  for (const char* line : {"echo $ANSWER $HOME", "echo again >&2"}) {
    auto child = ChildProcess::Start({"/bin/sh", "-c", line}, options);
    ASSERT_THAT(child, IsOk());
    EXPECT_EQ(child->Wait(), 0);
  }
  EXPECT_EQ(ReadText(options.log), "42 /elsewhere\nagain\n");
  options.log = folder_ + "/no_folder/log";
  EXPECT_THAT(ChildProcess::Start({"/bin/true"}, options),
              StatusIs(StatusCode::kNotFound, HasSubstr(options.log)));
}

TEST_F(ChildProcessTest, IsKilledWithItsObject) {
  pid_t id = 0;
  {
    auto child = ChildProcess::Start({"/bin/sleep", "1000"});
    ASSERT_THAT(child, IsOk());
    EXPECT_EQ(child->WaitFor(absl::Milliseconds(1)), -1);
    id = child->id();
    EXPECT_EQ(getpgid(id), id);
  }
  EXPECT_NE(kill(id, 0), 0);
}

// Reads to the end, and closes the pipe.
std::string ReadAll(int descriptor) {
  std::string text(100, '\0');
  size_t size = 0;
  for (;;) {
    const ssize_t count = read(descriptor, &text[size], text.size() - size);
    if (count <= 0) break;
    size += static_cast<size_t>(count);
  }
  close(descriptor);
  return text.substr(0, size);
}

TEST_F(ChildProcessTest, HasTheDescriptorsThatItIsGiven) {
  int pipes[2][2];
  ASSERT_EQ(pipe(pipes[0]), 0);
  ASSERT_EQ(pipe(pipes[1]), 0);
  ChildOptions options;
  options.descriptors = {{0, pipes[0][0]}, {1, pipes[1][1]}};
  options.closes_others = true;
  auto child = ChildProcess::Start(
      {"/bin/sh", "-c", "cat; ls /proc/self/fd | wc -l"}, options);
  ASSERT_THAT(child, IsOk());
  ASSERT_EQ(write(pipes[0][1], "hello ", 6), 6);
  for (const int descriptor : {pipes[0][0], pipes[0][1], pipes[1][1]}) {
    close(descriptor);
  }
  // The fourth is the folder that ls reads.
  EXPECT_EQ(ReadAll(pipes[1][0]), "hello 4\n");
  EXPECT_EQ(child->Wait(), 0);
}

TEST_F(ChildProcessTest, HasNoVariablesButThoseThatItIsGiven) {
  ChildOptions options;
  options.log = folder_ + "/log";
  options.variables = {{"ANSWER", "42"}};
  options.only_variables = true;
  auto child = ChildProcess::Start({"/usr/bin/env"}, options);
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(child->Wait(), 0);
  EXPECT_EQ(ReadText(options.log), "ANSWER=42\n");
}

TEST_F(ChildProcessTest, StartsOnlyIfWhatComesBeforeSucceeds) {
  ChildOptions options;
  options.before_start = [] { return ENOSPC; };
  EXPECT_THAT(ChildProcess::Start({"/bin/true"}, options),
              StatusIs(StatusCode::kResourceExhausted, HasSubstr("/bin/true")));
  options.before_start = [] { return chdir("/proc"); };
  options.log = folder_ + "/log";
  auto child = ChildProcess::Start({"/bin/pwd"}, options);
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(child->Wait(), 0);
  EXPECT_EQ(ReadText(options.log), "/proc\n");
}

// Before the program has started, too.
TEST_F(ChildProcessTest, HasNoHandlerOfItsParentThatWouldTakeASignal) {
  const auto before = std::signal(SIGTERM, [](int) {});
  ChildOptions options;
  options.before_start = [] {
    struct sigaction action = {};
    sigaction(SIGTERM, nullptr, &action);
    return action.sa_handler == SIG_DFL ? 0 : EBUSY;
  };
  auto child = ChildProcess::Start({"/bin/true"}, options);
  std::signal(SIGTERM, before);
  ASSERT_THAT(child, IsOk());
  EXPECT_EQ(child->Wait(), 0);
}

// The signal is that of a thread's end, and every thread has one.
TEST_F(ChildProcessTest, GetsItsSignalWhenItsThreadEnds) {
  ChildOptions options;
  options.death_signal = SIGKILL;
  std::optional<ChildProcess> child;
  std::thread([&] {
    auto started = ChildProcess::Start({"/bin/sleep", "1000"}, options);
    if (started.ok()) child.emplace(*std::move(started));
  }).join();
  ASSERT_TRUE(child.has_value());
  EXPECT_EQ(child->Wait(), 128 + SIGKILL);
}

TEST_F(ChildProcessTest, RunChildGivesTheExitCode) {
  EXPECT_THAT(RunChild({"/bin/sh", "-c", "exit 7"}), IsOkAndHolds(7));
  EXPECT_THAT(RunChild({"/bin/sh", "-c", "kill -9 $$"}), IsOkAndHolds(137));
}

// As whoever started this process may have set it.
TEST_F(ChildProcessTest, GivesTheExitCodeWhereEndsOfChildrenWereIgnored) {
  std::signal(SIGCHLD, SIG_IGN);
  EXPECT_THAT(RunChild({"/bin/sh", "-c", "exit 3"}), IsOkAndHolds(3));
}

TEST_F(ChildProcessTest, EndsWithoutACodeIfAnotherHasTakenIt) {
  auto child = ChildProcess::Start({"/bin/true"});
  ASSERT_THAT(child, IsOk());
  ASSERT_EQ(waitpid(child->id(), nullptr, 0), child->id());
  EXPECT_EQ(child->WaitFor(absl::Seconds(60)), 255);
}

// The state of a process, as S (sleeps) or T (stopped).
std::string StateOf(pid_t id) {
  const std::string stat = ReadText(absl::StrCat("/proc/", id, "/stat"));
  const size_t name_end = stat.rfind(')');
  return name_end == std::string::npos ? "" : stat.substr(name_end + 2, 1);
}

void WaitForState(pid_t id, const std::string& state) {
  for (int i = 0; i < 6000 && StateOf(id) != state; ++i) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(StateOf(id), state);
}

TEST_F(ChildProcessTest, RunChildStopsAndGoesOnWithItsParent) {
  const std::string id_file = folder_ + "/id";
  const pid_t parent = fork();
  if (parent == 0) {
    // A group of its own, as a shell gives it.
    setpgid(0, 0);
    RunChild({"/bin/sh", "-c",
              absl::StrCat("echo $$ >", id_file, ".part; mv ", id_file,
                           ".part ", id_file, "; exec sleep 1000")})
        .IgnoreError();
    _exit(1);
  }
  ASSERT_GT(parent, 0);
  while (!fs::exists(id_file)) absl::SleepFor(absl::Milliseconds(10));
  const pid_t child = std::stoi(ReadText(id_file));
  kill(parent, SIGTSTP);
  WaitForState(parent, "T");
  WaitForState(child, "T");
  kill(parent, SIGCONT);
  WaitForState(child, "S");
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
}

TEST_F(ChildProcessTest, RunChildNamesAProgramThatIsNotThere) {
  EXPECT_THAT(RunChild({"/no/such/program"}),
              StatusIs(StatusCode::kNotFound,
                       HasSubstr("/no/such/program: cannot start")));
}

// The program counts the signals of half a second from the first one on.
TEST_F(ChildProcessTest, RunChildHandsOnAStopOnce) {
  const std::string ready = folder_ + "/ready";
  EXPECT_THAT(RunChild({"/bin/sh", "-c",
                        "n=0; trap 'n=$((n + 1))' TERM INT; touch " + ready +
                            "; i=0; while [ $i -lt 10 ]; do sleep 0.05; "
                            "[ $n -eq 0 ] || i=$((i + 1)); done; exit $n"},
                       [&] { return fs::exists(ready); }),
              IsOkAndHolds(1));
}

}  // namespace
}  // namespace pipelines
