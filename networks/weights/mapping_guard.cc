#include "networks/weights/mapping_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>

namespace networks::weights {

// Read by the signal handler, so it is never freed: a later guard takes it.
struct MappingGuard::Slot {
  std::atomic<bool> used{true};
  std::atomic<char*> begin{nullptr};
  std::atomic<char*> end{nullptr};
  std::atomic<bool> failed{false};
  Slot* next = nullptr;
};

struct BusErrorHandler {
  using Slot = MappingGuard::Slot;

  static std::atomic<Slot*> slots;
  static std::atomic<uint64_t> num_failed;
  static struct sigaction previous;
  static uintptr_t page_size;

  static Slot* Take() {
    for (Slot* slot = slots; slot != nullptr; slot = slot->next) {
      bool used = false;
      if (slot->used.compare_exchange_strong(used, true)) return slot;
    }
    Slot* const slot = new Slot;
    slot->next = slots;
    while (!slots.compare_exchange_weak(slot->next, slot)) {
    }
    return slot;
  }

  // Whether `address` is in a guarded mapping, which has zeros from its page on
  // then. Calls nothing but mmap, a bare system call.
  static bool PutZeros(char* address) {
    for (Slot* slot = slots; slot != nullptr; slot = slot->next) {
      char* const end = slot->end;
      char* const begin = slot->begin;
      // Where another thread gives the slot to another mapping meanwhile, the
      // two are no mapping's.
      if (slot->end != end || address < begin || address >= end) continue;
      char* const page =
          address - reinterpret_cast<uintptr_t>(address) % page_size;
      if (mmap(page, static_cast<size_t>(end - page), PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
               0) == MAP_FAILED) {
        return false;
      }
      if (!slot->failed.exchange(true)) ++num_failed;
      return true;
    }
    return false;
  }

  static void Handle(int signal, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    const bool is_ours = info->si_code > 0 &&  // not sent by kill()
                         PutZeros(static_cast<char*>(info->si_addr));
    errno = saved_errno;
    if (is_ours) return;
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
      previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler == SIG_DFL ||
               previous.sa_handler == SIG_IGN) {
      ::signal(signal, SIG_DFL);
      raise(signal);  // comes when this handler returns
    } else {
      previous.sa_handler(signal);
    }
  }

  static void Install() {
    page_size = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    struct sigaction action = {};
    action.sa_sigaction = Handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
  }
};

std::atomic<BusErrorHandler::Slot*> BusErrorHandler::slots{nullptr};
std::atomic<uint64_t> BusErrorHandler::num_failed{0};
struct sigaction BusErrorHandler::previous;
uintptr_t BusErrorHandler::page_size;

MappingGuard::MappingGuard(char* data, size_t size)
    : slot_(BusErrorHandler::Take()) {
  static std::once_flag installed;
  std::call_once(installed, BusErrorHandler::Install);
  slot_->failed = false;
  slot_->begin = data;
  slot_->end = data + size;  // last: from now on it is a mapping
}

MappingGuard::~MappingGuard() {
  slot_->end = nullptr;
  slot_->used = false;
}

bool MappingGuard::failed() const { return slot_->failed; }

uint64_t MappingGuard::num_failed() { return BusErrorHandler::num_failed; }

absl::Status MappingGuard::CheckNoneFailedSince(uint64_t before) {
  if (num_failed() == before) return absl::OkStatus();
  return absl::UnavailableError(
      "a file of weights that is in use was cut short, or its disk has an "
      "error; try again when that is mended");
}

}  // namespace networks::weights
