// A variable of the environment for the time of a test.
#ifndef PIPELINES_TESTING_SCOPED_ENVIRONMENT_H_
#define PIPELINES_TESTING_SCOPED_ENVIRONMENT_H_

#include <cstdlib>
#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace pipelines {

// Sets a variable, or takes it away, and brings back what was there before when
// it goes.
class ScopedEnvironment {
 public:
  ScopedEnvironment(const std::string& name,
                    const std::optional<std::string>& value)
      : name_(name) {
    if (const char* before = std::getenv(name.c_str())) before_ = before;
    Set(value);
  }
  ~ScopedEnvironment() { Set(before_); }

  ScopedEnvironment(const ScopedEnvironment&) = delete;
  ScopedEnvironment& operator=(const ScopedEnvironment&) = delete;

 private:
  void Set(const std::optional<std::string>& value) {
    if (value) {
      setenv(name_.c_str(), value->c_str(), 1);
    } else {
      unsetenv(name_.c_str());
    }
  }

  const std::string name_;
  std::optional<std::string> before_;
};

// The user's cache folder is one of the tests', so that the bundled data set is
// made once for all tests of a suite.
class ScopedCacheFolder : public ScopedEnvironment {
 public:
  ScopedCacheFolder() : ScopedCacheFolder(testing::TempDir()) {}
  explicit ScopedCacheFolder(const std::string& folder)
      : ScopedEnvironment("XDG_CACHE_HOME", folder) {}
};

}  // namespace pipelines

#endif  // PIPELINES_TESTING_SCOPED_ENVIRONMENT_H_
