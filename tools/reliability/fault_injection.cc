#include "tools/reliability/fault_injection.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <utility>

namespace reliability {
namespace {

// Of the C library, behind the functions below.
template <typename Function>
Function Real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

struct Injector {
  bool active = false;
  Fault fault;
  std::vector<Call> calls;
  int64_t bytes = 0;
};

Injector& State() {
  static Injector* const injector = new Injector;  // outlives all calls
  return *injector;
}

[[noreturn]] void Die() {
  kill(getpid(), SIGKILL);
  while (true) pause();
}

// Counts a call. False, with errno set, if it is to fail.
bool Enter(const char* name) {
  Injector& injector = State();
  if (!injector.active) return true;
  const auto index = static_cast<int64_t>(injector.calls.size());
  injector.calls.push_back({name, 0});
  if (index != injector.fault.at_call) return true;
  if (injector.fault.kill) Die();
  errno = injector.fault.error;
  return false;
}

// The same for a write of `size` bytes. `write` writes as many as it is told.
template <typename Write>
ssize_t EnterWrite(const char* name, size_t size, const Write& write) {
  if (!Enter(name)) return -1;
  Injector& injector = State();
  if (!injector.active || injector.fault.at_byte < 0) {
    const ssize_t written = write(size);
    if (injector.active && written > 0) {
      injector.calls.back().bytes = written;
      injector.bytes += written;
    }
    return written;
  }
  const int64_t left =
      std::max<int64_t>(0, injector.fault.at_byte - injector.bytes);
  if (left == 0 && size > 0) {
    if (injector.fault.kill) Die();
    errno = injector.fault.error;
    return -1;
  }
  const ssize_t written =
      write(std::min<size_t>(size, static_cast<size_t>(left)));
  if (written > 0) injector.bytes += written;
  return written;
}

bool ChangesFiles(int flags) {
  return (flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR)) != 0;
}

}  // namespace

void StartFaults(const Fault& fault) {
  Injector& injector = State();
  injector.calls.clear();
  injector.calls.reserve(1 << 16);
  injector.bytes = 0;
  injector.fault = fault;
  injector.active = true;
}

std::vector<Call> StopFaults() {
  State().active = false;
  return std::move(State().calls);
}

}  // namespace reliability

// In place of the C library's, for all that is in the program.
extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  static const auto real =
      reliability::Real<int (*)(const char*, int, ...)>("open");
  if (reliability::ChangesFiles(flags) && !reliability::Enter("open")) {
    return -1;
  }
  return real(path, flags, mode);
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static const auto real =
      reliability::Real<ssize_t (*)(int, const void*, size_t)>("write");
  return reliability::EnterWrite("write", size, [&](size_t count) {
    return real(descriptor, bytes, count);
  });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  static const auto real =
      reliability::Real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return reliability::EnterWrite("pwrite", size, [&](size_t count) {
    return real(descriptor, bytes, count, offset);
  });
}

int fsync(int descriptor) {
  static const auto real = reliability::Real<int (*)(int)>("fsync");
  return reliability::Enter("fsync") ? real(descriptor) : -1;
}

int ftruncate(int descriptor, off_t size) __THROW {
  static const auto real = reliability::Real<int (*)(int, off_t)>("ftruncate");
  return reliability::Enter("ftruncate") ? real(descriptor, size) : -1;
}

int rename(const char* from, const char* to) __THROW {
  static const auto real =
      reliability::Real<int (*)(const char*, const char*)>("rename");
  return reliability::Enter("rename") ? real(from, to) : -1;
}

int link(const char* from, const char* to) __THROW {
  static const auto real =
      reliability::Real<int (*)(const char*, const char*)>("link");
  return reliability::Enter("link") ? real(from, to) : -1;
}

int unlink(const char* path) __THROW {
  static const auto real = reliability::Real<int (*)(const char*)>("unlink");
  return reliability::Enter("unlink") ? real(path) : -1;
}

int unlinkat(int folder, const char* path, int flags) __THROW {
  static const auto real =
      reliability::Real<int (*)(int, const char*, int)>("unlinkat");
  return reliability::Enter("unlinkat") ? real(folder, path, flags) : -1;
}

int remove(const char* path) __THROW {
  static const auto real = reliability::Real<int (*)(const char*)>("remove");
  return reliability::Enter("remove") ? real(path) : -1;
}

int mkdir(const char* path, mode_t mode) __THROW {
  static const auto real =
      reliability::Real<int (*)(const char*, mode_t)>("mkdir");
  return reliability::Enter("mkdir") ? real(path, mode) : -1;
}

}  // extern "C"
