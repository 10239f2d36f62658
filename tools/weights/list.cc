#include "tools/weights/list.h"

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "networks/weights/read.h"
#include "third_party/absl/status_macros.h"
#include "tools/weights/format.h"

namespace tools::weights {
namespace {

struct Row {
  std::string name, shape, dtype, mean, deviation;
};

// The tensor as floating-point numbers; without a copy if it is that already.
torch::Tensor AsReal(const torch::Tensor& tensor) {
  if (tensor.is_complex()) return tensor.abs();
  const bool is_wide = tensor.scalar_type() == torch::kFloat32 ||
                       tensor.scalar_type() == torch::kFloat64;
  // float64 holds every integer that a checkpoint counts with.
  return is_wide ? tensor
                 : tensor.to(tensor.is_floating_point() ? torch::kFloat32
                                                        : torch::kFloat64);
}

Row Describe(const std::string& name, const torch::Tensor& tensor) {
  Row row = {absl::Utf8SafeCEscape(name), ShapeText(tensor),
             DtypeText(tensor.scalar_type()), "-", "-"};
  if (tensor.numel() == 0) return row;
  const auto [deviation, mean] =
      torch::std_mean(AsReal(tensor), /*unbiased=*/false);
  row.mean = absl::StrFormat("%.5g", mean.item<double>());
  row.deviation = absl::StrFormat("%.5g", deviation.item<double>());
  return row;
}

void Print(const std::vector<Row>& rows, std::ostream& out) {
  size_t name = 0, shape = 0, dtype = 0;
  for (const Row& row : rows) {
    name = std::max(name, row.name.size());
    shape = std::max(shape, row.shape.size());
    dtype = std::max(dtype, row.dtype.size());
  }
  for (const Row& row : rows) {
    out << absl::StrFormat("%-*s  %-*s  %-*s  %12s  %12s\n", name, row.name,
                           shape, row.shape, dtype, row.dtype, row.mean,
                           row.deviation);
  }
}

}  // namespace

absl::Status List(const std::string& path, const ListOptions& options,
                  std::ostream& out) {
  ASSIGN_OR_RETURN(const networks::weights::Weights weights,
                   networks::weights::ReadWeights(path));
  std::vector<Row> rows = {{"name", "shape", "dtype", "mean", "std"}};
  int64_t elements = 0;
  int64_t bytes = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    if (!absl::StartsWith(name, options.prefix)) continue;
    rows.push_back(Describe(name, tensor));
    elements += tensor.numel();
    bytes += tensor.numel() * tensor.element_size();
  }
  RETURN_IF_ERROR(weights.Check());
  if (rows.size() == 1 && !options.prefix.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": has no tensor whose name begins with '", options.prefix, "'"));
  }
  Print(rows, out);
  out << absl::StrFormat("%d tensors, %d elements, %.1f MB (%s)\n",
                         rows.size() - 1, elements, bytes / 1e6,
                         weights.format);
  if (!options.metadata) return absl::OkStatus();
  for (const auto& [key, value] : weights.metadata) {
    out << absl::Utf8SafeCEscape(key) << " = " << absl::Utf8SafeCEscape(value)
        << "\n";
  }
  return absl::OkStatus();
}

}  // namespace tools::weights
