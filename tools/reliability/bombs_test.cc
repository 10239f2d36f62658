#include "tools/reliability/bombs.h"

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "networks/files/testing_folder.h"

namespace reliability {
namespace {

using BombsTest = networks::files::FolderTest;

TEST_F(BombsTest, AreRefusedAtOnce) {
  for (const Bomb& bomb : Bombs()) {
    const BombResult result = TryBomb(bomb, folder_);
    // Not by the clock: a test may have to wait for its processor.
    if (result.wrong == "took too long") continue;
    EXPECT_EQ(result.wrong, "") << bomb.name << ": " << result.bytes
                                << " bytes, said: " << result.message;
  }
}

TEST_F(BombsTest, AnHonestFileIsNotTakenForOne) {
  const Bomb honest = {
      "honest.txt",
      [](const std::string& path) { std::ofstream(path) << "text"; },
      [](const std::string&) { return absl::OkStatus(); }};
  EXPECT_EQ(TryBomb(honest, folder_).wrong, "was not refused");
}

TEST_F(BombsTest, MemoryIsMeasuredAlsoOfASlowReader) {
  const Bomb greedy = {
      "greedy", [](const std::string&) {},
      [](const std::string& path) {
        const std::string memory(2 * kBombBytes, 'x');
        std::this_thread::sleep_for(
            std::chrono::duration<double>(kBombSeconds));
        return absl::InvalidArgumentError(path + memory.substr(0, 1));
      }};
  EXPECT_EQ(TryBomb(greedy, folder_).wrong, "took too much memory");
}

}  // namespace
}  // namespace reliability
