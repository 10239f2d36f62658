// Stands for studio_decoder after a hostile file has taken it over: confined as
// the real one, it does what its input names and, if nothing stops it, answers
// as a decoder that has found a picture.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "tools/studio/jobs/jail.h"

namespace {

constexpr absl::string_view kFacts =
    R"({"kind":"image","width":1,"height":1,"frames":1,"fps":0,"seconds":0,)"
    R"("sound":false,"warnings":[]})";

bool Opens(const char* path, int flags) { return open(path, flags, 0600) >= 0; }

bool Connects() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (descriptor < 0) return false;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  // Whoever gets so far could send; nobody may be listening here.
  return connect(descriptor, reinterpret_cast<sockaddr*>(&address),
                 sizeof(address)) == 0 ||
         errno == ECONNREFUSED;
}

bool ForksWithoutEnd() {
  for (int i = 0; i < 64; ++i) {
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) _exit(static_cast<int>(sleep(5)));
  }
  return true;
}

bool StartsAThread() {
  try {
    std::thread([] {}).join();
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

// As its first reader would, so that the pages are there.
bool Takes(size_t bytes) {
  constexpr size_t kPage = 4096;
  char* const memory = static_cast<char*>(std::malloc(bytes));
  if (memory == nullptr) return false;
  for (size_t i = 0; i < bytes; i += kPage) {
    static_cast<volatile char*>(memory)[i] = 1;
  }
  return true;
}

void WriteWithoutEnd() {
  const std::string text(size_t{1} << 16, ' ');
  while (write(STDOUT_FILENO, text.data(), text.size()) > 0) {
  }
}

bool Tries(absl::string_view what) {
  if (what == "nothing") return true;
  if (what == "open") return Opens("/etc/passwd", O_RDONLY);
  if (what == "proc") return Opens("/proc/self/maps", O_RDONLY);
  if (what == "create") return Opens("/tmp/decoder_double", O_CREAT | O_WRONLY);
  if (what == "write_input") return write(STDIN_FILENO, "x", 1) == 1;
  if (what == "exec") return execl("/bin/true", "true", nullptr) == 0;
  if (what == "connect") return Connects();
  if (what == "fork_bomb") return ForksWithoutEnd();
  if (what == "thread") return StartsAThread();
  if (what == "memory") return Takes(size_t{10} << 30);
  if (what == "ptrace") return ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0;
  if (what == "kill") return kill(getppid(), SIGTERM) == 0;
  if (what == "loop") {
    for (volatile int i = 0;; i = i + 1) {
    }
  }
  if (what == "sleep") {
    for (;;) sleep(1000);
  }
  if (what == "output") WriteWithoutEnd();
  if (what == "crash") std::abort();
  if (what == "lie") return write(STDOUT_FILENO, "{\"kind\":", 8) == 8;
  return false;
}

}  // namespace

int main() {
  if (!studio::ConfineToDescriptors().ok()) _exit(2);
  std::string what(100, '\0');
  const ssize_t size = pread(STDIN_FILENO, &what[0], what.size(), 0);
  what.resize(size < 0 ? 0 : static_cast<size_t>(size));
  if (!Tries(what)) _exit(1);
  const auto left = static_cast<ssize_t>(kFacts.size());
  _exit(write(STDOUT_FILENO, kFacts.data(), kFacts.size()) == left ? 0 : 1);
}
