// What tests of files share: a place of their own, and reading back.
#ifndef PIPELINES_TESTING_TESTING_FOLDER_H_
#define PIPELINES_TESTING_TESTING_FOLDER_H_

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace pipelines {

// The path of a folder of the test that is running, where nothing is yet.
inline std::string FreshTestFolder() {
  const std::string folder =
      testing::TempDir() + "/" +
      testing::UnitTest::GetInstance()->current_test_info()->name();
  std::filesystem::remove_all(folder);
  return folder;
}

// The content of a file; empty if there is none.
inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace pipelines

#endif  // PIPELINES_TESTING_TESTING_FOLDER_H_
