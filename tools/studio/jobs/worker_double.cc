// Stands for studio_worker where a test needs one that does not work as it
// should: what it does is the name of its checkpoint. Confined as the real one.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "tools/studio/jobs/jail.h"
#include "tools/studio/jobs/worker_events.h"

namespace {

using studio::EventWriter;

std::string FlagOf(int argc, char** argv, absl::string_view name) {
  for (int i = 1; i < argc; ++i) {
    const absl::string_view word = argv[i];
    if (absl::StartsWith(word, name)) {
      return std::string(word.substr(name.size()));
    }
  }
  return "";
}

bool Writes(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const ssize_t written = write(file, text.data(), text.size());
  close(file);
  return written == static_cast<ssize_t>(text.size());
}

bool Connects() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  return descriptor >= 0 &&
         (connect(descriptor, reinterpret_cast<sockaddr*>(&address),
                  sizeof(address)) == 0 ||
          errno == ECONNREFUSED);
}

// Whether a deed that has to be stopped was done.
bool Breaks(const std::string& what, const std::string& job) {
  if (what == "open") return open("/etc/passwd", O_RDONLY) >= 0;
  if (what == "write_input") return Writes(job + "/inputs/driving", "x");
  if (what == "write_job") return Writes(job + "/job.json", "{}");
  if (what == "other_job") return open((job + "/..").c_str(), O_RDONLY) >= 0;
  if (what == "exec") return execl("/bin/true", "true", nullptr) == 0;
  if (what == "fork") {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return child > 0;
  }
  if (what == "connect") return Connects();
  if (what == "kill") return kill(getppid(), 0) == 0;
  if (what == "memory") {
    return mmap(nullptr, size_t{10} << 30, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
  }
  if (what == "large_file") {
    // By its length alone, so that it takes no room.
    return Writes(job + "/output/result.mp4", "x") &&
           truncate((job + "/output/result.mp4").c_str(), off_t{1} << 40) == 0;
  }
  return true;
}

void Wait() {
  for (;;) pause();
}

int Do(const std::string& what, const std::string& job, EventWriter* events) {
  const std::string result = job + "/output/result.mp4";
  // Before the server can know that it runs.
  if (what == "deaf") std::signal(SIGTERM, SIG_IGN);
  events->Stage("loading");
  if (what == "loading" || what == "deaf") Wait();
  events->Stage("animating");
  events->Progress(0, 10);
  if (what == "frame") {
    events->Frame(3, "PNG");
    Wait();
  }
  if (what == "crash") std::abort();
  if (what == "garbage") return write(3, "x\n", 2) == 2 ? 0 : 1;
  if (what == "silent") return 0;
  if (what == "no_result") {
    events->Done(1, 2, 3, {});
    return 0;
  }
  if (what == "encoding") {
    Writes(job + "/output/.half", "half");
    events->Progress(10, 10);
    events->Stage("encoding");
    Wait();
  }
  if (what == "half") {
    Writes(result, "half");
    events->Error(absl::DataLossError(job + "/inputs/driving: is damaged"));
    return 1;
  }
  if (!Breaks(what, job)) {
    events->Error(absl::PermissionDeniedError(what + " was stopped"));
    return 1;
  }
  Writes(result, "result of " + what);
  events->Progress(10, 10);
  events->Done(10, 64, 48, {job + "/inputs/source: is dark"});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);
  const std::string job = FlagOf(argc, argv, "--job=");
  const std::string checkpoint = FlagOf(argc, argv, "--checkpoint=");
  const int pipe = dup(STDOUT_FILENO);
  if (pipe != 3) return 2;  // "garbage" writes to it
  if (!studio::ConfineToJob(job, /*has_gpu=*/false).ok()) return 2;
  EventWriter events(pipe);
  return Do(checkpoint.substr(checkpoint.rfind('/') + 1), job, &events);
}
