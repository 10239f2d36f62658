#include "tools/weights/diff.h"

#include <torch/types.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/weights/read.h"
#include "networks/weights/tensor_map.h"
#include "third_party/absl/status_macros.h"
#include "tools/weights/format.h"

namespace tools::weights {
namespace {

using networks::weights::TensorMap;

torch::Tensor Wide(const torch::Tensor& tensor) {
  return tensor.to(tensor.is_complex() ? torch::kComplexDouble
                                       : torch::kFloat64);
}

bool IsWhole(const torch::Tensor& tensor) {
  return at::isIntegralType(tensor.scalar_type(), /*includeBool=*/true);
}

// 0 where both are NaN or the same infinity, infinite where one is.
torch::Tensor Distance(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor wide_a = Wide(a), wide_b = Wide(b);
  const torch::Tensor distance = (wide_a - wide_b).abs();
  if (!IsWhole(a) || !IsWhole(b)) {
    const torch::Tensor same =
        (wide_a == wide_b) | (wide_a.isnan() & wide_b.isnan());
    return distance.masked_fill(same, 0).nan_to_num(INFINITY, INFINITY);
  }
  // float64 does not hold all whole numbers from 2^53 on. Differences of equal
  // signs cannot overflow.
  const torch::Tensor long_a = a.to(torch::kInt64),
                      long_b = b.to(torch::kInt64);
  return torch::where((long_a < 0) == (long_b < 0),
                      (long_a - long_b).abs().to(torch::kFloat64), distance);
}

// "" if the values agree; else how far apart they are.
std::string CompareValues(const torch::Tensor& a, const torch::Tensor& b,
                          double tolerance) {
  if (a.scalar_type() == b.scalar_type() && torch::equal(a, b)) return "";
  const torch::Tensor distance = Distance(a, b);
  const int64_t differing = (distance > tolerance).sum().item<int64_t>();
  if (differing == 0) return "";
  return absl::StrFormat("%d of %d values differ, by at most %.3g", differing,
                         a.numel(), distance.max().item<double>());
}

// "" if the tensors agree; else in what they do not.
std::string Compare(const torch::Tensor& a, const torch::Tensor& b,
                    const DiffOptions& options) {
  if (a.sizes() != b.sizes()) {
    return absl::StrCat("shape ", ShapeText(a), " and ", ShapeText(b));
  }
  if (a.scalar_type() != b.scalar_type() && !options.ignore_dtype) {
    return absl::StrCat("dtype ", DtypeText(a.scalar_type()), " and ",
                        DtypeText(b.scalar_type()));
  }
  return CompareValues(a, b, options.tolerance);
}

}  // namespace

absl::StatusOr<bool> Diff(const std::string& old_path,
                          const std::string& new_path,
                          const DiffOptions& options, std::ostream& out) {
  ASSIGN_OR_RETURN(const auto old_weights,
                   networks::weights::ReadWeights(old_path));
  ASSIGN_OR_RETURN(const auto new_weights,
                   networks::weights::ReadWeights(new_path));
  const TensorMap& a = old_weights.tensors;
  const TensorMap& b = new_weights.tensors;
  int same = 0, different = 0;
  const auto report = [&](char mark, const std::string& name,
                          const std::string& text) {
    out << mark << " " << absl::Utf8SafeCEscape(name) << ": " << text << "\n";
    ++different;
  };
  for (const auto& [name, tensor] : a) {
    const auto found = b.find(name);
    if (found == b.end()) {
      report('-', name, "only in " + old_path);
      continue;
    }
    const std::string difference = Compare(tensor, found->second, options);
    if (difference.empty()) {
      ++same;
    } else {
      report('!', name, difference);
    }
  }
  for (const auto& [name, tensor] : b) {
    if (a.count(name) == 0) report('+', name, "only in " + new_path);
  }
  RETURN_IF_ERROR(old_weights.Check());
  RETURN_IF_ERROR(new_weights.Check());
  out << same << " tensors are the same, " << different << " differ\n";
  return different == 0;
}

}  // namespace tools::weights
