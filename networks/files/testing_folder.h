// What tests of files share: a fresh folder, and reading back.
#ifndef NETWORKS_FILES_TESTING_FOLDER_H_
#define NETWORKS_FILES_TESTING_FOLDER_H_

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace networks::files {

// The path of a folder of the test that is running, in the suite's temporary
// folder, where nothing is yet.
inline std::string FreshTestFolder() {
  const std::string folder =
      ::testing::TempDir() + "/" +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::filesystem::remove_all(folder);
  return folder;
}

// The content of a file; empty if there is none.
inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Each test has a folder, empty at its start.
class FolderTest : public ::testing::Test {
 protected:
  FolderTest() : folder_(FreshTestFolder()) {
    std::filesystem::create_directories(folder_);
  }

  std::string Path(const std::string& name) const {
    return folder_ + "/" + name;
  }

  std::string Contents(const std::string& name) const {
    return ReadText(Path(name));
  }

  void Write(const std::string& name, const std::string& contents) const {
    std::ofstream(Path(name), std::ios::binary) << contents;
  }

  // All names in the folder, also hidden ones, sorted.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const std::string folder_;
};

}  // namespace networks::files

#endif  // NETWORKS_FILES_TESTING_FOLDER_H_
