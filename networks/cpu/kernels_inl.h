// The kernels of kernels.h for vectors of kWidth floats, products kRows by two
// vectors at a time. Included by one source for each instruction set after
// vectors_inl.h and winograd_inl.h, inside a namespace of its own that defines
// these two; what is said there about includes holds here, too.
//
// Tested by kernels_test.cc.

// --- Products --------------------------------------------------------------

// kR rows by two vectors, held in registers.
template <int kR>
static void MultiplyRows(const float* a, int64_t a_stride, const float* b,
                         float* c, int64_t c_stride, int64_t depth,
                         Ahead& ahead) {
  Vec sum[kR][2] = {};
  for (int64_t k = 0; k < depth; ++k) {
    ahead.Fetch();
    const Vec b0 = Load(b);
    const Vec b1 = Load(b + kWidth);
    b += 2 * kWidth;
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kR; ++r) {
      const float x = a[r * a_stride + k];
      sum[r][0] += x * b0;
      sum[r][1] += x * b1;
    }
  }
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kR; ++r) {
    Store(sum[r][0], c + r * c_stride);
    Store(sum[r][1], c + r * c_stride + kWidth);
  }
}

#include "networks/cpu/multiply_inl.h"

// As MultiplyRows of the transposed a: row k of a has the kR left factors of
// one term of the sums, which are added to c.
template <int kR>
static void AddTransposedRows(const float* a, int64_t a_stride, const float* b,
                              int64_t b_stride, float* c, int64_t c_stride,
                              int64_t depth) {
  Vec sum[kR][2];
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kR; ++r) {
    sum[r][0] = Load(c + r * c_stride);
    sum[r][1] = Load(c + r * c_stride + kWidth);
  }
  for (int64_t k = 0; k < depth; ++k) {
    const Vec b0 = Load(b);
    const Vec b1 = Load(b + kWidth);
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kR; ++r) {
      sum[r][0] += a[r] * b0;
      sum[r][1] += a[r] * b1;
    }
    a += a_stride;
    b += b_stride;
  }
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kR; ++r) {
    Store(sum[r][0], c + r * c_stride);
    Store(sum[r][1], c + r * c_stride + kWidth);
  }
}

static void AddTransposedProduct(const float* a, int64_t a_stride,
                                 const float* b, int64_t b_stride, float* c,
                                 int64_t c_stride, int64_t rows,
                                 int64_t depth) {
  for (; rows >= kRows; rows -= kRows) {
    AddTransposedRows<kRows>(a, a_stride, b, b_stride, c, c_stride, depth);
    a += kRows;
    c += kRows * c_stride;
  }
  for (; rows > 0; --rows) {
    AddTransposedRows<1>(a, a_stride, b, b_stride, c, c_stride, depth);
    a += 1;
    c += c_stride;
  }
}

// --- Winograd's transforms -------------------------------------------------
//
// Of inputs and outputs in winograd_inl.h; here those of weights, and the
// transposes for gradients, in the order of winograd_gradient.h.

// A x: four to six, the transpose of TransformFour.
static inline void SpreadFour(const Vec* x, int step, Vec* out, int out_step) {
  const Vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step];
  const Vec even = x0 + x2, odd = x1 + x3;
  const Vec even2 = x0 + 4.0f * x2, odd2 = 2.0f * x1 + 8.0f * x3;
  out[0] = x0;
  out[out_step] = even + odd;
  out[2 * out_step] = even - odd;
  out[3 * out_step] = even2 + odd2;
  out[4 * out_step] = even2 - odd2;
  out[5 * out_step] = x3;
}

// G^T x: six to three, the transpose of TransformThree.
static inline void GatherSix(const Vec* x, int step, Vec* out, int out_step) {
  const Vec sum1 = x[step] + x[2 * step], difference1 = x[step] - x[2 * step];
  const Vec sum2 = x[3 * step] + x[4 * step];
  const Vec difference2 = x[3 * step] - x[4 * step];
  const float sixth = 1.0f / 6;
  out[0] = 0.25f * x[0] - sixth * sum1 + 0.25f * sixth * sum2;
  out[out_step] = 0.5f * sixth * difference2 - sixth * difference1;
  out[2 * out_step] = sixth * (sum2 - sum1) + x[5 * step];
}

// G g G^T of one vector of outputs, of which n are left.
template <bool kWhole>
static inline void TransformWeightVector(const float* taps, int64_t columns,
                                         int64_t n, int64_t position_stride,
                                         float* to) {
  Vec g[9];
  NETWORKS_CPU_UNROLL
  for (int i = 0; i < 9; ++i) {
    g[i] = kWhole ? Load(taps + i * columns) : LoadFirst(taps + i * columns, n);
  }
  Vec half[3 * kTileInputs];
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < 3; ++r) {
    TransformThree<WholePoints>(g + 3 * r, 1, half + r * kTileInputs, 1);
  }
  NETWORKS_CPU_UNROLL
  for (int s = 0; s < kTileInputs; ++s) {
    Vec u[kTileInputs];
    TransformThree<WholePoints>(half + s, kTileInputs, u, 1);
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kTileInputs; ++r) {
      Store(u[r], to + (r * kTileInputs + s) * position_stride);
    }
  }
}

static void TransformWeight(const float* taps, int64_t columns,
                            int64_t position_stride, int64_t panel_stride,
                            float* panels) {
  constexpr int64_t kPanelWidth = 2 * kWidth;
  const int64_t end = (columns + kPanelWidth - 1) / kPanelWidth * kPanelWidth;
  for (int64_t j = 0; j < end; j += kWidth) {
    const int64_t n = columns - j;
    float* to = panels + j / kPanelWidth * panel_stride + j % kPanelWidth;
    const auto transform = n >= kWidth ? TransformWeightVector<true>
                                       : TransformWeightVector<false>;
    transform(taps + j, columns, n, position_stride, to);
  }
}

static void TransformInput(const ConstPixels& image,
                           const ChannelAffineRelu& activation, bool upsample,
                           int64_t tile_y, int64_t tile_x, int64_t tile,
                           const TileBuffer& out) {
  TransformInputTile<WholePoints>(image, activation, upsample, tile_y, tile_x,
                                  out.data + tile * out.tile_stride,
                                  out.position_stride);
}

static void TransformOutputGradient(const ConstPixels& gradient, int64_t tile_y,
                                    int64_t tile_x, int64_t tile,
                                    const TileBuffer& out) {
  const int64_t y0 = tile_y * kTileOutputs, x0 = tile_x * kTileOutputs;
  float* to = out.data + tile * out.tile_stride;
  for (int64_t c = 0; c < gradient.channels; c += kWidth, to += kWidth) {
    const int64_t n = gradient.channels - c;
    Vec columns[kTileInputs * kTileOutputs];
    for (int s = 0; s < kTileOutputs; ++s) {
      Vec column[kTileOutputs];
      for (int r = 0; r < kTileOutputs; ++r) {
        const bool inside = y0 + r < gradient.height && x0 + s < gradient.width;
        column[r] =
            inside ? LoadFirst(gradient.pixel(y0 + r, x0 + s) + c, n) : Vec{};
      }
      SpreadFour(column, 1, columns + s, kTileOutputs);
    }
    for (int r = 0; r < kTileInputs; ++r) {
      Vec row[kTileInputs];
      SpreadFour(columns + r * kTileOutputs, 1, row, 1);
      for (int s = 0; s < kTileInputs; ++s) {
        Store(row[s], to + (r * kTileInputs + s) * out.position_stride);
      }
    }
  }
}

static void TransformWeightGradient(const float* products,
                                    int64_t position_stride, int64_t columns,
                                    float* taps) {
  for (int64_t j = 0; j < columns; j += kWidth) {
    Vec rows[3 * kTileInputs];
    for (int s = 0; s < kTileInputs; ++s) {
      Vec u[kTileInputs];
      for (int r = 0; r < kTileInputs; ++r) {
        u[r] = Load(products + (r * kTileInputs + s) * position_stride + j);
      }
      GatherSix(u, 1, rows + s, kTileInputs);
    }
    for (int r = 0; r < 3; ++r) {
      Vec g[3];
      GatherSix(rows + r * kTileInputs, 1, g, 1);
      for (int s = 0; s < 3; ++s) {
        StoreFirst(g[s], taps + (3 * r + s) * columns + j, columns - j);
      }
    }
  }
}

// --- Pixels ----------------------------------------------------------------

typedef double DoubleVec __attribute__((vector_size(8 * kWidth)));
typedef double UnalignedDoubleVec
    __attribute__((vector_size(8 * kWidth), aligned(8), may_alias));

// sum[i] += values[i] for the first n.
static inline void AddFirst(Vec values, int64_t n, double* sum) {
  if (n >= kWidth) {
    const DoubleVec before = *reinterpret_cast<const UnalignedDoubleVec*>(sum);
    *reinterpret_cast<UnalignedDoubleVec*>(sum) =
        before + __builtin_convertvector(values, DoubleVec);
    return;
  }
  for (int64_t i = 0; i < n; ++i) sum[i] += values[i];
}

// AccumulateMoments of kN whole vectors of channels, or of one of n channels: a
// pixel's cache lines are read together.
template <int kN>
static inline void AccumulateMomentsOf(const ConstPixels& image, int64_t y,
                                       int64_t c, int64_t n,
                                       const float* origin, double* sum,
                                       double* sum_of_squares) {
  Vec centre[kN], first[kN] = {}, second[kN] = {};
  NETWORKS_CPU_UNROLL
  for (int i = 0; i < kN; ++i) {
    centre[i] = LoadFirst(origin + c + i * kWidth, n);
  }
  for (int64_t x = 0; x < image.width; ++x) {
    const float* pixel = image.pixel(y, x) + c;
    NETWORKS_CPU_UNROLL
    for (int i = 0; i < kN; ++i) {
      const Vec value = LoadFirst(pixel + i * kWidth, n) - centre[i];
      first[i] += value;
      second[i] += value * value;
    }
  }
  NETWORKS_CPU_UNROLL
  for (int i = 0; i < kN; ++i) {
    AddFirst(first[i], n, sum + c + i * kWidth);
    AddFirst(second[i], n, sum_of_squares + c + i * kWidth);
  }
}

static void AccumulateMoments(const ConstPixels& image, int64_t y,
                              const float* origin, double* sum,
                              double* sum_of_squares) {
  constexpr int kTogether = 4;
  int64_t c = 0;
  for (; c + kTogether * kWidth <= image.channels; c += kTogether * kWidth) {
    AccumulateMomentsOf<kTogether>(image, y, c, kWidth, origin, sum,
                                   sum_of_squares);
  }
  for (; c < image.channels; c += kWidth) {
    AccumulateMomentsOf<1>(image, y, c, image.channels - c, origin, sum,
                           sum_of_squares);
  }
}

static void Activate(const ConstPixels& in, const ChannelAffineRelu& activation,
                     int64_t y, const Pixels& out) {
  for (int64_t x = 0; x < in.width; ++x) {
    const float* from = in.pixel(y, x);
    float* to = out.pixel(y, x);
    for (int64_t c = 0; c < in.channels; c += kWidth) {
      const int64_t n = in.channels - c;
      const Vec scale = LoadFirst(activation.scale + c, n);
      const Vec offset = LoadFirst(activation.shift + c, n);
      StoreFirst(Relu(LoadFirst(from + c, n) * scale + offset), to + c, n);
    }
  }
}

// `gradient` where relu(x * scale + shift) has a slope, else 0.
static inline Vec PassRelu(Vec gradient, Vec x, Vec scale, Vec shift) {
  const Vec zero = {};
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(gradient) &
                               (x * scale + shift > zero));
}

static void AccumulateGradient(const ConstPixels& image,
                               const ConstPixels& gradient,
                               const ChannelAffineRelu& activation, int64_t y,
                               const float* origin, double* sum,
                               double* sum_of_products) {
  for (int64_t c = 0; c < image.channels; c += kWidth) {
    const int64_t n = image.channels - c;
    const Vec scale = LoadFirst(activation.scale + c, n);
    const Vec shift = LoadFirst(activation.shift + c, n);
    const Vec centre = LoadFirst(origin + c, n);
    Vec first = {}, second = {};
    for (int64_t x = 0; x < image.width; ++x) {
      const Vec value = LoadFirst(image.pixel(y, x) + c, n);
      const Vec g =
          PassRelu(LoadFirst(gradient.pixel(y, x) + c, n), value, scale, shift);
      first += g;
      second += g * (value - centre);
    }
    for (int64_t i = 0; i < n && i < kWidth; ++i) {
      sum[c + i] += first[i];
      sum_of_products[c + i] += second[i];
    }
  }
}

static void PullBackActivation(const ConstPixels& image,
                               const ConstPixels& gradient,
                               const ChannelAffineRelu& activation,
                               const float* slope, const float* offset,
                               int64_t y, const Pixels& out) {
  for (int64_t x = 0; x < image.width; ++x) {
    for (int64_t c = 0; c < image.channels; c += kWidth) {
      const int64_t n = image.channels - c;
      const Vec scale = LoadFirst(activation.scale + c, n);
      const Vec shift = LoadFirst(activation.shift + c, n);
      const Vec value = LoadFirst(image.pixel(y, x) + c, n);
      const Vec g =
          PassRelu(LoadFirst(gradient.pixel(y, x) + c, n), value, scale, shift);
      StoreFirst(scale * g + value * LoadFirst(slope + c, n) +
                     LoadFirst(offset + c, n),
                 out.pixel(y, x) + c, n);
    }
  }
}

// The two neighbours of a coordinate in [-1, 1] along an axis of `size` pixels,
// with their weights; those outside have weight 0.
struct Neighbours {
  int64_t index[2];
  float weight[2];
};

static inline Neighbours FindNeighbours(float coordinate, int64_t size) {
  Neighbours result = {{0, 0}, {0, 0}};
  const float position = (coordinate + 1) * 0.5f * static_cast<float>(size - 1);
  // Also false for NaN.
  if (!(position > -1 && position < static_cast<float>(size))) return result;
  // The conversion rounds towards 0, so a negative position is above its floor,
  // -1. Not by the floor of position + 1: that sum rounds, for the largest
  // float below 256 to 257.
  const int64_t rounded = static_cast<int64_t>(position);
  const int64_t low = position < static_cast<float>(rounded) ? -1 : rounded;
  const float fraction = position - static_cast<float>(low);
  const float weight[2] = {1 - fraction, fraction};
  for (int64_t k = 0; k < 2; ++k) {
    if (low + k < 0 || low + k >= size) continue;
    result.index[k] = low + k;
    result.weight[k] = weight[k];
  }
  return result;
}

// The pixels around a point and their weights, in the order of reading.
struct Corners {
  const float* pixels[4];
  float weights[4];
};

static inline Corners FindCorners(const ConstPixels& image, const float* point,
                                  float gain) {
  const Neighbours along_x = FindNeighbours(point[0], image.width);
  const Neighbours along_y = FindNeighbours(point[1], image.height);
  Corners corners;
  for (int i = 0; i < 4; ++i) {
    const int row = i / 2, column = i % 2;
    corners.pixels[i] = image.pixel(along_y.index[row], along_x.index[column]);
    corners.weights[i] = gain * along_y.weight[row] * along_x.weight[column];
  }
  return corners;
}

// One pixel of a warp; kOver: onto `rest` times what is there.
template <bool kOver>
static inline void WarpPixel(const Corners& corners, float rest,
                             int64_t channels, float* to) {
  const float *p0 = corners.pixels[0], *p1 = corners.pixels[1],
              *p2 = corners.pixels[2], *p3 = corners.pixels[3];
  const float w0 = corners.weights[0], w1 = corners.weights[1],
              w2 = corners.weights[2], w3 = corners.weights[3];
  int64_t c = 0;
  for (; c + kWidth <= channels; c += kWidth) {
    const Vec value = w0 * Load(p0 + c) + w1 * Load(p1 + c) +
                      w2 * Load(p2 + c) + w3 * Load(p3 + c);
    if (kOver) {
      const Vec kept = rest * Load(to + c);  // rounded, as by an operator
      Store(kept + value, to + c);
    } else {
      Store(value, to + c);
    }
  }
  for (; c < channels; ++c) {
    const float value = w0 * p0[c] + w1 * p1[c] + w2 * p2[c] + w3 * p3[c];
    if (kOver) {
      const float kept = rest * to[c];
      to[c] = kept + value;
    } else {
      to[c] = value;
    }
  }
}

static void Warp(const ConstPixels& image, const float* grid,
                 const float* factor, bool over, int64_t y, const Pixels& out) {
  for (int64_t x = 0; x < out.width; ++x) {
    const int64_t i = y * out.width + x;
    const float gain = factor == nullptr ? 1.0f : factor[i];
    const Corners corners = FindCorners(image, grid + 2 * i, gain);
    if (over) {
      WarpPixel<true>(corners, 1 - gain, image.channels, out.pixel(y, x));
    } else {
      WarpPixel<false>(corners, 0, image.channels, out.pixel(y, x));
    }
  }
}

static constexpr Kernels kKernels = {
    kName,
    2 * kWidth,
    Multiply,
    AddTransposedProduct,
    TransformWeight,
    TransformInput,
    TransformOutput<WholePoints>,
    TransformOutputGradient,
    TransformWeightGradient,
    AccumulateMoments,
    Activate,
    AccumulateGradient,
    PullBackActivation,
    Warp,
};
