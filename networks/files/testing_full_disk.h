// A disk that is full, for tests.
#ifndef NETWORKS_FILES_TESTING_FULL_DISK_H_
#define NETWORKS_FILES_TESTING_FULL_DISK_H_

#include <signal.h>
#include <sys/resource.h>

namespace networks::files {

// While it lives, no file of this process grows beyond `bytes`: the error in
// the middle of writing that a test can make without a file system of its own.
// "File too large" is a ResourceExhausted as "No space left on device" is.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    handler_ = signal(SIGXFSZ, SIG_IGN);  // so that write() fails instead
    getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit = {bytes, previous_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit previous_;
};

}  // namespace networks::files

#endif  // NETWORKS_FILES_TESTING_FULL_DISK_H_
