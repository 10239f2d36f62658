#include "tools/studio/jobs/jail.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "networks/files/folder.h"
#include "networks/files/system_error.h"
#include "third_party/absl/status_macros.h"

namespace studio {
namespace {

// --- Landlock, as <linux/landlock.h> has it; Debian 12's header ends with
// version 2.

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

struct RulesetAttributes {
  uint64_t handled_access_fs = 0;
  uint64_t handled_access_net = 0;
  uint64_t scoped = 0;
};

struct __attribute__((packed)) PathBeneath {
  uint64_t allowed_access;
  int32_t parent_fd;
};

constexpr int kRuleOfPath = 1;          // LANDLOCK_RULE_PATH_BENEATH
constexpr unsigned kVersionQuery = 1U;  // LANDLOCK_CREATE_RULESET_VERSION

constexpr uint64_t kExecute = 1U << 0;
constexpr uint64_t kWriteFile = 1U << 1;
constexpr uint64_t kReadFile = 1U << 2;
constexpr uint64_t kReadFolder = 1U << 3;
constexpr uint64_t kRemoveFolder = 1U << 4;
constexpr uint64_t kRemoveFile = 1U << 5;
constexpr uint64_t kMakeDevice = (1U << 6) | (1U << 11);
constexpr uint64_t kMakeFolder = 1U << 7;
constexpr uint64_t kMakeFile = 1U << 8;
constexpr uint64_t kMakeSpecial = (1U << 9) | (1U << 10) | (1U << 12);
constexpr uint64_t kMoveElsewhere = 1U << 13;  // version 2
constexpr uint64_t kTruncate = 1U << 14;       // version 3
constexpr uint64_t kDeviceControl = 1U << 15;  // version 5
constexpr uint64_t kTcp = (1U << 0) | (1U << 1);
constexpr uint64_t kScopes = (1U << 0) | (1U << 1);

constexpr uint64_t kReading = kExecute | kReadFile | kReadFolder;
constexpr uint64_t kMakingFiles = kWriteFile | kTruncate | kRemoveFolder |
                                  kRemoveFile | kMakeFolder | kMakeFile;
constexpr uint64_t kOfFiles = kExecute | kReadFile | kWriteFile | kTruncate;

// What a rule set of this version can be about.
RulesetAttributes AttributesOf(int version, bool reads_everything) {
  RulesetAttributes attributes;
  attributes.handled_access_fs = kReading | kMakingFiles | kMakeDevice |
                                 kMakeSpecial | kMoveElsewhere | kDeviceControl;
  if (version < 5) attributes.handled_access_fs &= ~kDeviceControl;
  if (version < 3) attributes.handled_access_fs &= ~kTruncate;
  if (version < 2) attributes.handled_access_fs &= ~kMoveElsewhere;
  if (version >= 4) attributes.handled_access_net = kTcp;
  if (version >= 6) attributes.scoped = kScopes;
  if (reads_everything) {
    attributes.handled_access_fs &= ~(kReading | kDeviceControl);
  }
  return attributes;
}

absl::Status AddRule(int ruleset, const std::string& path, uint64_t access) {
  const int descriptor = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (descriptor < 0) {
    return networks::files::SystemError(errno, path, "open this for a child");
  }
  struct stat info = {};
  PathBeneath rule = {access, descriptor};
  if (fstat(descriptor, &info) == 0 && !S_ISDIR(info.st_mode)) {
    rule.allowed_access &= kOfFiles;
  }
  if (S_ISCHR(info.st_mode)) rule.allowed_access |= access & kDeviceControl;
  const bool added =
      rule.allowed_access == 0 ||
      syscall(SYS_landlock_add_rule, ruleset, kRuleOfPath, &rule, 0U) == 0;
  const int error = errno;
  close(descriptor);
  if (added) return absl::OkStatus();
  return networks::files::SystemError(error, path, "open this for a child");
}

// --- seccomp

struct ReleaseFilter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

// Nobody who decodes or computes needs these. Names that a kernel or an
// architecture does not have are passed over.
constexpr const char* kForbidden[] = {
    // Programs and processes.
    "execve", "execveat", "fork", "vfork", "setns", "unshare", "ptrace",
    "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_open",
    "pidfd_getfd", "pidfd_send_signal", "kcmp", "tkill", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "setsid",
    // The network, and all other sockets.
    "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4",
    "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
    "socketcall",
    // Paths around Landlock, and what it does not know.
    "open_by_handle_at", "name_to_handle_at", "mount", "umount", "umount2",
    "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig",
    "fsmount", "fspick", "mount_setattr", "quotactl", "swapon", "swapoff",
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown",
    "fchownat", "setxattr", "lsetxattr", "fsetxattr",
    // The kernel's inner parts.
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "keyctl", "add_key", "request_key", "init_module",
    "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "acct", "syslog", "iopl", "ioperm", "modify_ldt", "settimeofday",
    "clock_settime", "adjtimex", "clock_adjtime", "sethostname",
    "setdomainname", "lookup_dcookie", "vhangup", "personality", "nfsservctl",
    "msgget", "semget", "shmget", "mq_open"};

// What reading descriptors and computing in one thread takes.
constexpr const char* kNeeded[] = {"read",
                                   "pread64",
                                   "readv",
                                   "preadv",
                                   "write",
                                   "writev",
                                   "close",
                                   "lseek",
                                   "_llseek",
                                   "fstat",
                                   "fstat64",
                                   "mmap",
                                   "mmap2",
                                   "munmap",
                                   "mprotect",
                                   "mremap",
                                   "madvise",
                                   "brk",
                                   "futex",
                                   "futex_time64",
                                   "set_robust_list",
                                   "rseq",
                                   "membarrier",
                                   "sched_yield",
                                   "sched_getaffinity",
                                   "clock_gettime",
                                   "clock_gettime64",
                                   "clock_getres",
                                   "clock_getres_time64",
                                   "clock_nanosleep",
                                   "clock_nanosleep_time64",
                                   "nanosleep",
                                   "gettimeofday",
                                   "time",
                                   "getrandom",
                                   "getpid",
                                   "gettid",
                                   "getppid",
                                   "getrusage",
                                   "times",
                                   "uname",
                                   "sysinfo",
                                   "poll",
                                   "ppoll",
                                   "rt_sigaction",
                                   "rt_sigprocmask",
                                   "rt_sigreturn",
                                   "sigreturn",
                                   "sigaltstack",
                                   "restart_syscall",
                                   "exit",
                                   "exit_group"};

// 0, or what libseccomp gives: an error below 0.
int AddNamed(void* filter, uint32_t action, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return 0;
  const int error = seccomp_rule_add(filter, action, number, 0);
  // EDOM, EFAULT: not of this architecture. EACCES: the default action.
  return error == -EDOM || error == -EFAULT || error == -EACCES ? 0 : error;
}

// Adds `action` for calls of `number` whose first argument fits.
int AddForFirst(void* filter, uint32_t action, int number, scmp_compare compare,
                scmp_datum_t a, scmp_datum_t b = 0) {
  const scmp_arg_cmp first = {0, compare, a, b};
  return seccomp_rule_add_array(filter, action, number, 1, &first);
}

// Adds `action` for calls that name another process than this one: signals, of
// which abort() needs those to itself.
int AddForOthers(void* filter, uint32_t action) {
  const auto self = static_cast<scmp_datum_t>(getpid());
  for (const int number : {SCMP_SYS(kill), SCMP_SYS(tgkill)}) {
    const int error = AddForFirst(filter, action, number, SCMP_CMP_NE, self);
    if (error != 0) return error;
  }
  return 0;
}

int FillForDescriptors(void* filter) {
  int error = 0;
  for (const char* name : kNeeded) {
    if (error == 0) error = AddNamed(filter, SCMP_ACT_ALLOW, name);
  }
  for (const char* name : kForbidden) {
    if (error == 0) error = AddNamed(filter, SCMP_ACT_KILL_PROCESS, name);
  }
  for (const char* name : {"clone", "clone3", "kill"}) {
    if (error == 0) error = AddNamed(filter, SCMP_ACT_KILL_PROCESS, name);
  }
  // abort() is the way in which libraries give up.
  if (error == 0) {
    error = AddForFirst(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_CMP_EQ,
                        static_cast<scmp_datum_t>(getpid()));
  }
  return error;
}

int FillForFiles(void* filter) {
  constexpr uint32_t kRefuse = SCMP_ACT_ERRNO(EPERM);
  int error = 0;
  for (const char* name : kForbidden) {
    if (error == 0) error = AddNamed(filter, kRefuse, name);
  }
  if (error == 0) error = AddForOthers(filter, kRefuse);
  // Of another process.
  if (error == 0) {
    error = AddForFirst(filter, kRefuse, SCMP_SYS(prlimit64), SCMP_CMP_NE, 0);
  }
  // A process and not a thread. The flags of clone3 are in memory, where no
  // filter sees them; without it the C library takes clone.
  if (error == 0) {
    error = AddForFirst(filter, kRefuse, SCMP_SYS(clone), SCMP_CMP_MASKED_EQ,
                        CLONE_THREAD);
  }
  if (error == 0) {
    error =
        seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  }
  return error;
}

absl::Status SeccompError(int error) {
  return absl::ErrnoToStatus(-error,
                             "cannot confine the system calls of this "
                             "process by seccomp");
}

// A lower limit that is there stays. The hard limit is `grace` above the soft
// one.
int SetLimit(int resource, int64_t value, int64_t grace = 0) {
  const auto kind = static_cast<__rlimit_resource>(resource);
  rlimit limit = {};
  if (getrlimit(kind, &limit) != 0) return errno;
  limit.rlim_max = std::min(limit.rlim_max, static_cast<rlim_t>(value + grace));
  limit.rlim_cur = std::min(limit.rlim_max, static_cast<rlim_t>(value));
  return setrlimit(kind, &limit) == 0 ? 0 : errno;
}

}  // namespace

int LandlockVersion() {
  const long version =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, kVersionQuery);
  return version < 0 ? 0 : static_cast<int>(version);
}

absl::Status CheckJail() {
  if (LandlockVersion() < 1) {
    return absl::FailedPreconditionError(
        "this kernel has no Landlock, by which the processes that read uploads "
        "are kept from other files; use Linux 5.13 or later, with landlock in "
        "the list of /sys/kernel/security/lsm");
  }
  if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0) {
    return absl::FailedPreconditionError(
        "this kernel has no seccomp, by which the processes that read uploads "
        "are kept from system calls");
  }
  return absl::OkStatus();
}

std::vector<std::string> DeviceFiles() {
  std::vector<std::string> paths;
  for (const std::string& name : networks::files::ListFolder("/dev").value_or(
           std::vector<std::string>())) {
    if (name == "null" || absl::StartsWith(name, "nvidia")) {
      paths.push_back("/dev/" + name);
    }
  }
  return paths;
}

absl::StatusOr<FileJail> FileJail::Create(const FileRules& rules) {
  const int version = LandlockVersion();
  if (version < 1) return CheckJail();
  const RulesetAttributes attributes =
      AttributesOf(version, rules.reads_everything);
  // The part that this kernel knows: the rest must be left out or 0.
  const long descriptor =
      syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0U);
  if (descriptor < 0) {
    return absl::ErrnoToStatus(errno, "cannot make a Landlock rule set");
  }
  FileJail jail(static_cast<int>(descriptor));
  const uint64_t handled = attributes.handled_access_fs;
  for (const std::string& path : rules.readable) {
    RETURN_IF_ERROR(
        AddRule(jail.descriptor_, path, handled & (kReadFile | kReadFolder)));
  }
  for (const std::string& path : rules.writable) {
    RETURN_IF_ERROR(AddRule(
        jail.descriptor_, path,
        handled & (kReadFile | kReadFolder | kMakingFiles | kDeviceControl)));
  }
  return jail;
}

FileJail::FileJail(FileJail&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileJail::~FileJail() {
  if (descriptor_ >= 0) close(descriptor_);
}

int FileJail::Enter() const {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
  return syscall(SYS_landlock_restrict_self, descriptor_, 0U) == 0 ? 0 : errno;
}

int SetLimits(const ProcessLimits& limits) {
  int error = SetLimit(RLIMIT_CORE, 0);
  const auto set = [&](int resource, int64_t value, bool is_limited) {
    if (error == 0 && is_limited) error = SetLimit(resource, value);
  };
  set(RLIMIT_AS, limits.address_space, limits.address_space > 0);
  set(RLIMIT_DATA, limits.writable_memory, limits.writable_memory > 0);
  if (error == 0 && limits.processor_seconds > 0) {
    // At the hard limit comes SIGKILL, which does not say why; before, SIGXCPU.
    error = SetLimit(RLIMIT_CPU, limits.processor_seconds, /*grace=*/1);
  }
  set(RLIMIT_FSIZE, limits.file_size, limits.file_size >= 0);
  set(RLIMIT_NOFILE, limits.descriptors, limits.descriptors > 0);
  return error;
}

absl::Status RestrictSystemCalls(SystemCalls allowed) {
  const bool is_strict = allowed == SystemCalls::kOpenDescriptors;
  const Filter filter(
      seccomp_init(is_strict ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW));
  if (filter == nullptr) return SeccompError(-ENOMEM);
  // Also no other threads may be without it.
  int error = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  // Calls of another architecture of this processor have other numbers.
  if (error == 0) {
    error = seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH,
                             SCMP_ACT_KILL_PROCESS);
  }
  if (error == 0) {
    error = is_strict ? FillForDescriptors(filter.get())
                      : FillForFiles(filter.get());
  }
  if (error == 0) error = seccomp_load(filter.get());
  return error == 0 ? absl::OkStatus() : SeccompError(error);
}

absl::Status ConfineToDescriptors() {
  ASSIGN_OR_RETURN(const FileJail nothing, FileJail::Create({}));
  if (const int error = nothing.Enter(); error != 0) {
    return absl::ErrnoToStatus(error,
                               "cannot confine this process by Landlock");
  }
  return RestrictSystemCalls(SystemCalls::kOpenDescriptors);
}

absl::Status ConfineToJob(const std::string& job_folder, bool has_gpu) {
  FileRules rules;
  rules.readable = {job_folder + "/inputs"};
  rules.writable = {job_folder + "/output"};
  if (has_gpu) {
    for (const char* path : {"/usr", "/lib", "/lib64", "/opt",
                             "/etc/ld.so.cache", "/proc", "/sys", "/dev"}) {
      if (access(path, R_OK) == 0) rules.readable.emplace_back(path);
    }
    for (const std::string& device : DeviceFiles()) {
      rules.writable.push_back(device);
    }
  }
  ASSIGN_OR_RETURN(const FileJail jail, FileJail::Create(rules));
  if (const int error = jail.Enter(); error != 0) {
    return absl::ErrnoToStatus(error,
                               "cannot confine this process by Landlock");
  }
  return RestrictSystemCalls(SystemCalls::kFilesAndThreads);
}

}  // namespace studio
