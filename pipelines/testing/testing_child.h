// What tests do in a process of its own: for limits and permissions that cannot
// be had back.
#ifndef PIPELINES_TESTING_TESTING_CHILD_H_
#define PIPELINES_TESTING_TESTING_CHILD_H_

#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "gtest/gtest.h"

namespace pipelines {

// The process of `body` ends with status 0 if all goes as it says there.
inline void ExpectInChild(const std::function<bool()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// From now on permissions hold for this process also where it is root's.
inline void DropCapabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) _exit(2);
}

}  // namespace pipelines

#endif  // PIPELINES_TESTING_TESTING_CHILD_H_
