// For tests: a user whom permissions hold back.
#ifndef NETWORKS_FILES_TESTING_PLAIN_USER_H_
#define NETWORKS_FILES_TESTING_PLAIN_USER_H_

#include <unistd.h>

#include <filesystem>
#include <string>

#include "gtest/gtest.h"

namespace networks::files {

// While it lives, the superuser has the rights of nobody, and `folder` is the
// current folder: nobody may not pass the folders above it, such as /root, so
// paths have to be relative.
class PlainUser {
 public:
  explicit PlainUser(const std::string& folder)
      : user_(geteuid()), folder_(std::filesystem::current_path()) {
    std::filesystem::current_path(folder);
    constexpr uid_t kNobody = 65534;
    if (user_ == 0) {
      EXPECT_EQ(seteuid(kNobody), 0);
    }
  }
  ~PlainUser() {
    EXPECT_EQ(seteuid(user_), 0);
    std::filesystem::current_path(folder_);
  }

  PlainUser(const PlainUser&) = delete;
  PlainUser& operator=(const PlainUser&) = delete;

 private:
  const uid_t user_;
  const std::filesystem::path folder_;
};

}  // namespace networks::files

#endif  // NETWORKS_FILES_TESTING_PLAIN_USER_H_
