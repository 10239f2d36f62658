// NumPy arrays as the views that the library computes on, with their checks.
// Tested by tests/arguments_test.py.
#ifndef CPAB_PYTHON_ARRAYS_H_
#define CPAB_PYTHON_ARRAYS_H_

#include <pybind11/numpy.h>

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cpab/batch/interpolate.h"
#include "cpab/batch/point_array.h"
#include "cpab/field/basis.h"

namespace cpab::python {

namespace py = pybind11;

using Shape = std::vector<py::ssize_t>;
// [B, d] in double, contiguous.
using ThetaArray = py::array_t<double, py::array::c_style>;

inline Shape ShapeOf(const py::array& array) {
  return Shape(array.shape(), array.shape() + array.ndim());
}

// "[2, any, 5]": -1 stands for any size.
inline std::string ShapeName(const Shape& shape) {
  const auto name = [](std::string* out, py::ssize_t size) {
    absl::StrAppend(out, size == -1 ? "any" : absl::StrCat(size));
  };
  return absl::StrCat("[", absl::StrJoin(shape, ", ", name), "]");
}

// ValueError unless the array has that shape; -1 stands for any size.
inline void RequireShape(const char* name, const py::array& array,
                         const Shape& shape) {
  bool equal = array.ndim() == static_cast<py::ssize_t>(shape.size());
  for (size_t i = 0; equal && i < shape.size(); ++i) {
    equal = shape[i] == -1 || shape[i] == array.shape(i);
  }
  if (equal) return;
  throw py::value_error(absl::StrCat(name, " has shape ",
                                     ShapeName(ShapeOf(array)), "; use ",
                                     ShapeName(shape)));
}

// TypeError unless the elements are Scalar, ValueError if they are not aligned
// in memory.
template <typename Scalar>
const Scalar* DataOf(const char* name, const py::array& array) {
  if (!py::isinstance<py::array_t<Scalar>>(array)) {
    throw py::type_error(
        absl::StrCat(name, " has another dtype than ",
                     std::is_same_v<Scalar, float> ? "float32" : "float64"));
  }
  bool aligned =
      reinterpret_cast<uintptr_t>(array.data()) % sizeof(Scalar) == 0;
  for (py::ssize_t i = 0; i < array.ndim(); ++i) {
    aligned &= array.strides(i) % static_cast<py::ssize_t>(sizeof(Scalar)) == 0;
  }
  if (!aligned) {
    throw py::value_error(absl::StrCat(name, " is not aligned in memory"));
  }
  return static_cast<const Scalar*>(array.data());
}

template <typename Scalar>
int64_t StrideOf(const py::array& array, int axis) {
  return array.strides(axis) / static_cast<py::ssize_t>(sizeof(Scalar));
}

// A [B, D, N] array.
template <typename Scalar>
PointArray<const Scalar> PointsOf(const char* name, const py::array& array) {
  return {DataOf<Scalar>(name, array), StrideOf<Scalar>(array, 0),
          StrideOf<Scalar>(array, 1), StrideOf<Scalar>(array, 2)};
}
template <typename Scalar>
PointArray<Scalar> MutablePointsOf(py::array_t<Scalar>* array) {
  return ComponentsFirst(array->mutable_data(), array->shape(1),
                         array->shape(2));
}

// A [B, C, *size] array.
template <typename Scalar>
SampleArray<const Scalar> SamplesOf(const char* name, const py::array& array) {
  SampleArray<const Scalar> samples;
  samples.data = DataOf<Scalar>(name, array);
  samples.batch_stride = StrideOf<Scalar>(array, 0);
  samples.channel_stride = StrideOf<Scalar>(array, 1);
  for (int a = 0; a + 2 < array.ndim(); ++a) {
    samples.axis_strides[a] = StrideOf<Scalar>(array, a + 2);
  }
  return samples;
}

inline Eigen::Map<const RowMajorMatrix> MatrixOf(const ThetaArray& array) {
  return {array.data(), array.shape(0), array.shape(1)};
}
inline Eigen::Map<RowMajorMatrix> MutableMatrixOf(ThetaArray* array) {
  return {array->mutable_data(), array->shape(0), array->shape(1)};
}

inline ThetaArray ArrayOf(const Eigen::Ref<const RowMajorMatrix>& matrix) {
  ThetaArray array({matrix.rows(), matrix.cols()});
  MutableMatrixOf(&array) = matrix;
  return array;
}

// Calls body(Scalar()) for the dtype of `array`; TypeError if it is neither
// float32 nor float64.
template <typename Body>
auto WithScalarOf(const char* name, const py::array& array, Body body) {
  if (py::isinstance<py::array_t<float>>(array)) return body(float());
  if (py::isinstance<py::array_t<double>>(array)) return body(double());
  throw py::type_error(absl::StrCat(
      name, " has dtype ", static_cast<std::string>(py::str(array.dtype())),
      "; use float32 or float64"));
}

}  // namespace cpab::python

#endif  // CPAB_PYTHON_ARRAYS_H_
