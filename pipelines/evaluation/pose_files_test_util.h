// Small tables of detections, and a folder for them.
#ifndef PIPELINES_EVALUATION_POSE_FILES_TEST_UTIL_H_
#define PIPELINES_EVALUATION_POSE_FILES_TEST_UTIL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "networks/files/atomic_file.h"
#include "networks/files/testing_folder.h"
#include "pipelines/evaluation/detections.h"
#include "pipelines/media/npy.h"
#include "third_party/absl/status_matchers.h"

namespace pipelines {

inline constexpr auto kKeypoints = DetectionKind::kKeypoints;
inline constexpr auto kEmbeddings = DetectionKind::kEmbeddings;

class PoseMetricsTest : public networks::files::FolderTest {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    EXPECT_THAT(networks::files::WriteAtomically(Path(name), content), IsOk());
    return Path(name);
  }

  std::string WriteArray(const std::string& name,
                         const std::vector<int64_t>& shape,
                         const std::vector<double>& values) {
    std::string bytes = media::NpyHeader("<f8", shape);
    bytes.append(reinterpret_cast<const char*>(values.data()),
                 values.size() * sizeof(double));
    return Write(name, bytes);
  }

  // Reads `content` as a table.
  absl::StatusOr<std::vector<Detection>> Table(const std::string& content,
                                               DetectionKind kind) {
    return ReadDetections(Write("table.csv", content), kind);
  }
};

inline constexpr char kHeader[] = "file_name,frame_number,x0,y0,x1,y1\n";

}  // namespace pipelines

#endif  // PIPELINES_EVALUATION_POSE_FILES_TEST_UTIL_H_
