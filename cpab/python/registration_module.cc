// The Python extension pycpab._registration: image registration on NumPy
// arrays. Apart from pycpab._core, which needs no OpenCV.
//
// Private to the package pycpab.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cpab/image/image_registration.h"
#include "cpab/python/arrays.h"
#include "opencv2/core.hpp"

namespace cpab::python {
namespace {

// The array's memory as an OpenCV matrix.
cv::Mat MatrixOfPicture(const char* name, const py::array& array) {
  const int channels = array.ndim() == 3 ? static_cast<int>(array.shape(2)) : 1;
  const bool contiguous = (array.flags() & py::array::c_style) != 0;
  if (array.ndim() < 2 || array.ndim() > 3 || array.size() == 0 ||
      !contiguous || channels > 4 || array.shape(0) > 32766 ||
      array.shape(1) > 32766) {
    throw py::value_error(absl::StrCat(
        name, " has shape ", ShapeName(ShapeOf(array)),
        "; use [rows, columns] or [rows, columns, 3 or 4], contiguous"));
  }
  int depth = CV_32F;
  if (py::isinstance<py::array_t<uint8_t>>(array)) {
    depth = CV_8U;
  } else if (py::isinstance<py::array_t<uint16_t>>(array)) {
    depth = CV_16U;
  } else if (!py::isinstance<py::array_t<float>>(array)) {
    throw py::type_error(
        absl::StrCat(name, " is neither uint8 nor uint16 nor float32"));
  }
  return cv::Mat(static_cast<int>(array.shape(0)),
                 static_cast<int>(array.shape(1)), CV_MAKETYPE(depth, channels),
                 const_cast<void*>(array.data()));
}

py::tuple RegisterPictures(const py::array& moving, const py::array& fixed,
                           const std::vector<int>& cells, bool zero_boundary,
                           bool volume_preserving, int largest_side,
                           double noise, double length_scale, double speed,
                           double gradient, int max_iterations,
                           double tolerance, int num_stages,
                           bool sparse_basis) {
  RegistrationOptions options;
  options.cells = cells;
  options.zero_boundary = zero_boundary;
  options.volume_preserving = volume_preserving;
  options.largest_side = largest_side;
  options.noise = noise;
  options.prior = {length_scale, speed, gradient};
  options.max_iterations = max_iterations;
  options.tolerance = tolerance;
  options.num_stages = num_stages;
  options.sparse_basis = sparse_basis;
  const cv::Mat from = MatrixOfPicture("moving", moving);
  const cv::Mat to = MatrixOfPicture("fixed", fixed);
  absl::StatusOr<RegistrationResult> result;
  {
    const py::gil_scoped_release release;
    result = Register(from, to, options);
  }
  if (!result.ok()) {
    throw py::value_error(std::string(result.status().message()));
  }
  const RowMajorMatrix thetas =
      result->theta.reshaped(result->basis->theta_size(), num_stages)
          .transpose();
  return py::make_tuple(ArrayOf(thetas), result->rms_before, result->rms_after,
                        result->iterations, result->converged);
}

PYBIND11_MODULE(_registration, module) {
  module.doc() = "Image registration on NumPy arrays; private to pycpab.";
  module.def("register", &RegisterPictures);
}

}  // namespace
}  // namespace cpab::python
