// The library within a program that has set a locale with decimal commas and
// points between thousands, for C and for C++.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <locale>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "networks/files/read_file.h"
#include "networks/files/testing_folder.h"
#include "networks/weights/safetensors_header.h"
#include "networks/weights/value.h"
#include "opencv2/core.hpp"
#include "pipelines/config/config.h"
#include "pipelines/media/csv.h"
#include "pipelines/media/npy.h"
#include "pipelines/media/rational.h"
#include "pipelines/media/video_reader.h"
#include "pipelines/media/video_test_util.h"
#include "third_party/absl/status_matchers.h"

namespace reliability {
namespace {

namespace media = pipelines::media;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LocaleTest : public networks::files::FolderTest {
 protected:
  // Makes the locale, which takes a second; why not, if it cannot.
  static void SetUpTestSuite() {
    const std::string made = testing::TempDir() + "/locales";
    std::filesystem::create_directories(made);
    const std::string command =
        absl::StrCat("localedef -i de_DE -f UTF-8 '", made, "/de_DE.UTF-8' >'",
                     made, "/said' 2>&1");
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (std::system(command.c_str()) != 0) {
      why_not_ = new std::string(
          "localedef makes no locale: " +
          networks::files::ReadFile(made + "/said").value_or(""));
    }
    setenv("LOCPATH", made.c_str(), 1);
  }

  void SetUp() override {
    if (why_not_ != nullptr) GTEST_SKIP() << *why_not_;
    std::locale::global(std::locale("de_DE.UTF-8"));
    char text[16];
    std::snprintf(text, sizeof(text), "%.1f", 1.5);
    ASSERT_STREQ(text, "1,5");
    std::ostringstream stream;
    stream << 1234.5;
    ASSERT_EQ(stream.str(), "1.234,5");
  }

  void TearDown() override { std::locale::global(std::locale::classic()); }

  static const std::string* why_not_;
};

const std::string* LocaleTest::why_not_ = nullptr;

TEST_F(LocaleTest, ConfigsAreReadAndPrintedWithPoints) {
  const auto config = pipelines::ParseConfig(
      "a.textproto",
      "data { puppets {} height: 1024 } losses { perceptual { untrained: true "
      "} }",
      {"training.learning_rate=0.000125", "data.width=1024"});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->training().learning_rate(), 0.000125);
  const std::string text = pipelines::ConfigText(*config);
  EXPECT_THAT(text, HasSubstr("learning_rate: 0.000125\n"));
  EXPECT_THAT(text, HasSubstr("width: 1024\n"));
}

TEST_F(LocaleTest, ArraysAndTablesAreReadAsTheyWereWritten) {
  auto writer = media::NpyWriter::Create(Path("a.npy"));
  ASSERT_THAT(writer, IsOk());
  constexpr int64_t kValues = 1234;
  const std::vector<float> row(kValues, 0.5f);
  ASSERT_THAT(writer->Write(row.data(), {kValues}), IsOk());
  ASSERT_THAT(writer->Finish(), IsOk());
  const auto array = media::ReadNpy(Path("a.npy"));
  ASSERT_THAT(array, IsOk());
  EXPECT_THAT(array->shape, ElementsAre(1, kValues));
  EXPECT_EQ(array->values.back(), 0.5);
  const auto rows = media::SplitCsv("a,0.5\n", "table");
  ASSERT_THAT(rows, IsOk());
  EXPECT_THAT(rows->front().fields, ElementsAre("a", "0.5"));
}

TEST_F(LocaleTest, WeightsAreReadAndNamedWithPoints) {
  EXPECT_EQ(networks::weights::ScalarText({0.1}), "0.1");
  EXPECT_EQ(networks::weights::ScalarText({int64_t{1234567}}), "1234567");
  std::string header = R"({"__metadata__":{"scale":"0.5"},"a":{"dtype":"F32",)"
                       R"("shape":[1024],"data_offsets":[0,4096]}})";
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  file += header + std::string(4096, '\0');
  EXPECT_THAT(networks::weights::ParseSafetensorsHeader(file, "a").status(),
              IsOk());
}

TEST_F(LocaleTest, RatesAndVideosAreTheSame) {
  const auto rate = media::ParseFrameRate("29.97");
  ASSERT_TRUE(rate.has_value());
  EXPECT_NEAR(rate->value(), 29.97, 0.001);
  EXPECT_FALSE(media::ParseFrameRate("29,97").has_value());
  media::WriteNumberedVideo(Path("a.mp4"), cv::Size(48, 40), 12);
  const auto count = media::CountFrames(Path("a.mp4"));
  ASSERT_THAT(count, IsOk());
  EXPECT_EQ(*count, 12);
}

}  // namespace
}  // namespace reliability
