#include "tools/reliability/media_seeds.h"

#include <cstdlib>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "networks/files/read_file.h"
#include "opencv2/core.hpp"
#include "opencv2/imgcodecs.hpp"
#include "pipelines/media/video_test_util.h"
#include "pipelines/media/video_writer.h"

namespace reliability {
namespace {

using pipelines::media::NumberedFrame;

const cv::Size kSize(48, 40);

std::string Read(const std::string& path) {
  const auto bytes = networks::files::ReadFile(path);
  if (!bytes.ok()) std::abort();  // these files were just written
  return *bytes;
}

void AddPictures(std::vector<Seed>* seeds) {
  const cv::Mat picture = NumberedFrame(kSize, 37);
  cv::Mat with_alpha(kSize, CV_8UC4, cv::Scalar(10, 20, 30, 99)), deep;
  picture.convertTo(deep, CV_16U, 257);
  const auto add = [&](const std::string& kind, const std::string& ending,
                       const cv::Mat& image) {
    std::vector<uchar> bytes;
    cv::imencode(ending, image, bytes);
    seeds->push_back({kind, std::string(bytes.begin(), bytes.end())});
  };
  add("png", ".png", picture);
  add("png, transparent", ".png", with_alpha);
  add("png, 16 bits", ".png", deep);
  for (const char* ending : {".jpg", ".bmp", ".webp", ".tiff", ".ppm"}) {
    add(ending + 1, ending, picture);
  }
}

void WriteWithAlpha(const std::string& path) {
  pipelines::media::VideoWriterOptions options;
  options.width = kSize.width;
  options.height = kSize.height;
  options.with_alpha = true;
  auto writer = pipelines::media::VideoWriter::Create(path, options);
  absl::Status status = writer.status();
  for (int i = 0; i < 6 && status.ok(); ++i) {
    cv::Mat frame(kSize, CV_8UC4, cv::Scalar(200, 20, 10, 255));
    frame({4 * i, 0, 20, 30}) = cv::Scalar(10, 20, 30, 40 * i);
    status = (*writer)->Write(frame);
  }
  if (!status.ok() || !(*writer)->Finish().ok()) std::abort();
}

}  // namespace

std::vector<Seed> MakeMediaSeeds(const std::string& folder) {
  std::vector<Seed> seeds;
  AddPictures(&seeds);
  for (const char* kind : {"mp4", "mov", "mkv", "webm", "avi", "gif", "webp"}) {
    const std::string path = folder + "/seed." + kind;
    pipelines::media::WriteNumberedVideo(path, kSize, 12);
    seeds.push_back({kind, Read(path)});
  }
  for (const char* ending : {"webm", "mov"}) {
    const std::string path = absl::StrCat(folder, "/seed_with_alpha.", ending);
    WriteWithAlpha(path);
    seeds.push_back({absl::StrCat(ending, ", alpha"), Read(path)});
  }
  pipelines::media::Remux(folder + "/seed.mp4", folder + "/seed.ts");
  seeds.push_back({"ts", Read(folder + "/seed.ts")});
  for (const char* kind : {"wav", "m4a", "mp3", "ogg"}) {
    const std::string path = folder + "/seed." + kind;
    pipelines::media::WriteSound(path, 0.3);
    seeds.push_back({kind, Read(path), /*is_sound=*/true});
  }
  return seeds;
}

}  // namespace reliability
