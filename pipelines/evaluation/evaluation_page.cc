#include "pipelines/evaluation/evaluation_page.h"

#include <filesystem>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace pipelines {
namespace {

namespace fs = std::filesystem;

std::vector<Picture> LinkedFrom(
    const std::string& folder, const std::vector<EvaluationPicture>& pictures) {
  const fs::path from = fs::absolute(folder).lexically_normal();
  std::vector<Picture> linked;
  for (const EvaluationPicture& picture : pictures) {
    const fs::path to = fs::absolute(picture.path).lexically_normal();
    linked.push_back({to.lexically_relative(from).string(), picture.caption});
  }
  return linked;
}

// "0.0456 (0.0491)".
std::string Beside(int digits, double value, double baseline) {
  return absl::StrFormat("%.*f (%.*f)", digits, value, digits, baseline);
}

}  // namespace

void AddToPage(const Evaluation& evaluation, const std::string& folder,
               RunPage* page) {
  const EvaluationResult& result = evaluation.result;
  const auto add = [page](const char* name, std::string value) {
    page->summary.emplace_back(name, std::move(value));
  };
  add("L1 (of the first frame)",
      Beside(4, result.model.l1, result.first_frame.l1));
  add("PSNR in dB (of the first frame)",
      Beside(2, result.model.psnr, result.first_frame.psnr));
  add("SSIM (of the first frame)",
      Beside(3, result.model.ssim, result.first_frame.ssim));
  if (result.model.lpips) {
    add("LPIPS (of the first frame)",
        Beside(4, *result.model.lpips, *result.first_frame.lpips));
  }
  if (result.motion) {
    add("joint transfer error (without motion)",
        Beside(4, result.motion->JointTransferError(),
               result.no_motion->JointTransferError()));
    add("flow error (without motion)",
        Beside(4, result.motion->FlowEndPointError(),
               result.no_motion->FlowEndPointError()));
  }
  page->scores = EvaluationTable(result);
  page->failures = LinkedFrom(folder, evaluation.failures);
  page->sheets = LinkedFrom(folder, evaluation.sheets);
}

}  // namespace pipelines
