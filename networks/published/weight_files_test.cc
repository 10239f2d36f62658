#include "networks/published/weight_files.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "third_party/absl/status_matchers.h"

namespace networks::published {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(WeightFiles, HaveTheirOwnNamesAndSecureAddresses) {
  std::set<absl::string_view> names;
  for (const WeightFile& file : WeightFiles()) {
    EXPECT_TRUE(names.insert(file.name).second) << file.name;
    EXPECT_TRUE(names.insert(file.short_name).second) << file.short_name;
    EXPECT_FALSE(file.urls[0].empty()) << file.name;
    for (const absl::string_view url : file.urls) {
      EXPECT_TRUE(url.empty() || absl::StartsWith(url, "https://")) << url;
    }
    EXPECT_TRUE(file.urls.back().empty()) << file.name;
    EXPECT_FALSE(file.licence.empty() || file.origin.empty()) << file.name;
    EXPECT_EQ(file.sha256.find_first_not_of("0123456789abcdef"),
              absl::string_view::npos)
        << file.name;
  }
  EXPECT_THAT(WeightFileByName("vgg"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("tps-vox, "), HasSubstr("vgg19, "))));
  EXPECT_EQ(WeightFileByName("vgg19")->name, "vgg19-dcbb9e9d.pth");
  EXPECT_EQ(WeightFileByName("tps-vox.pth.tar")->short_name, "tps-vox");
}

TEST(FindWeights, TellsWhatIsMissing) {
  const std::string folder = ::testing::TempDir() + "/find_weights";
  fs::remove_all(folder);
  const absl::Status error = FindWeights("vgg19-dcbb9e9d.pth", folder).status();
  EXPECT_THAT(error, StatusIs(absl::StatusCode::kNotFound,
                              HasSubstr("the weights vgg19-dcbb9e9d.pth are "
                                        "not in " +
                                        folder)));
  const auto missing = MissingWeightsOf(error);
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->name, "vgg19-dcbb9e9d.pth");
  EXPECT_EQ(missing->folder, folder);
  EXPECT_FALSE(MissingWeightsOf(FindWeights("./absent.pth", folder).status()));
  fs::create_directories(folder);
  const std::string path = folder + "/vgg19-dcbb9e9d.pth";
  std::ofstream(path) << "weights";
  EXPECT_THAT(FindWeights("vgg19-dcbb9e9d.pth", folder), IsOkAndHolds(path));
  EXPECT_THAT(FindWeights("vgg19", folder), IsOkAndHolds(path));
}

TEST(FindAllWeights, NamesAllThatAreMissing) {
  const std::string folder = ::testing::TempDir() + "/find_all_weights";
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(folder + "/vgg19-dcbb9e9d.pth") << "weights";
  EXPECT_THAT(FindAllWeights({"vgg19-dcbb9e9d.pth"}, folder), IsOk());
  EXPECT_THAT(FindAllWeights({}, folder), IsOk());
  const absl::Status error =
      FindAllWeights({"alexnet", "vgg19-dcbb9e9d.pth", "lpips-alex"}, folder);
  EXPECT_THAT(error,
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("the weights alexnet and lpips-alex are not "
                                 "in " +
                                 folder)));
  const auto missing = MissingWeightsOf(error);
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->name, "alexnet lpips-alex");
  EXPECT_THAT(FindAllWeights({"alexnet", "./absent.pth"}, folder),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent.pth")));
}

TEST(FindWeights, TakesAPath) {
  const std::string path = ::testing::TempDir() + "/own.pth";
  std::ofstream(path) << "weights";
  EXPECT_THAT(FindWeights(path, "folder"), IsOkAndHolds(path));
  EXPECT_THAT(FindWeights("./absent.pth", "folder"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent.pth")));
  EXPECT_THAT(FindWeights("own.pth", "folder"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("give a path, as ./own.pth")));
}

}  // namespace
}  // namespace networks::published
