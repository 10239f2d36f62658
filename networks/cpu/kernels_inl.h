// The kernels of kernels.h for vectors of kWidth floats, products kRows by two
// vectors at a time. Included by one source for each instruction set, inside a
// namespace of its own that defines these two. No includes, and no functions of
// the standard library: an inline function compiled here for a newer processor
// could replace the one that others call.

typedef float Vec __attribute__((vector_size(4 * kWidth)));
typedef float UnalignedVec
    __attribute__((vector_size(4 * kWidth), aligned(4), may_alias));
typedef int IntVec __attribute__((vector_size(4 * kWidth)));

static inline Vec Load(const float* from) {
  return *reinterpret_cast<const UnalignedVec*>(from);
}

static inline void Store(Vec value, float* to) {
  *reinterpret_cast<UnalignedVec*>(to) = value;
}

static inline Vec LoadFirst(const float* from, int64_t n) {
  if (n >= kWidth) return Load(from);
  Vec value = {};
  for (int64_t i = 0; i < n; ++i) value[i] = from[i];
  return value;
}

static inline void StoreFirst(Vec value, float* to, int64_t n) {
  if (n >= kWidth) return Store(value, to);
  for (int64_t i = 0; i < n; ++i) to[i] = value[i];
}

static inline Vec Relu(Vec x) {
  const Vec zero = {};
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(x) & (x > zero));
}

// --- Products --------------------------------------------------------------

// Memory that is to be in the second-level cache soon: a piece of it for each
// term of the sums that are computed meanwhile.
struct Ahead {
  const char* data;
  int64_t step;  // bytes a term

  void Fetch() {
    __builtin_prefetch(data, /*for writing: no*/ 0, /*locality*/ 2);
    data += step;
  }
};

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

template <int kR>
static void MultiplyAtMost(const float* a, int64_t a_stride, const float* b,
                           float* c, int64_t c_stride, int64_t rows,
                           int64_t depth, Ahead& ahead) {
  if constexpr (kR > 0) {
    if (rows == kR) {
      MultiplyRows<kR>(a, a_stride, b, c, c_stride, depth, ahead);
    } else {
      MultiplyAtMost<kR - 1>(a, a_stride, b, c, c_stride, rows, depth, ahead);
    }
  }
}

static void Multiply(const float* a, int64_t a_stride, const float* b, float* c,
                     int64_t c_stride, int64_t rows, int64_t depth) {
  // Panels lie in memory in the order in which callers use them. Evenly fetched
  // while this one passes as often as there are groups of rows, the next one
  // does not have to wait for memory.
  const int64_t groups = (rows + kRows - 1) / kRows;
  Ahead ahead{reinterpret_cast<const char*>(b + 2 * kWidth * depth),
              2 * kWidth * static_cast<int64_t>(sizeof(float)) /
                  (groups > 0 ? groups : 1)};
  for (; rows >= kRows; rows -= kRows) {
    MultiplyRows<kRows>(a, a_stride, b, c, c_stride, depth, ahead);
    a += kRows * a_stride;
    c += kRows * c_stride;
  }
  MultiplyAtMost<kRows - 1>(a, a_stride, b, c, c_stride, rows, depth, ahead);
}

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
// Along one axis, four neighbouring outputs of three taps are the transpose of
// a product of polynomials with four and with three coefficients. That product
// has degree 5, so six values determine it. The matrices are those of
// evaluation and interpolation at 0, 1, -1, 2, -2 and infinity
// ([Winograd] Sec. 4):
//
//   B^T = [4  0 -5  0 1 0]  A^T = [1 1  1 1  1 0]  G = [ 1/4     0    0 ]
//         [0 -4 -4  1 1 0]        [0 1 -1 2 -2 0]      [-1/6  -1/6  -1/6]
//         [0  4 -4 -1 1 0]        [0 1  1 4  4 0]      [-1/6   1/6  -1/6]
//         [0 -2 -1  2 1 0]        [0 1 -1 8 -8 1]      [1/24  1/12   1/6]
//         [0  2 -1 -2 1 0]                             [1/24 -1/12   1/6]
//         [0  4  0 -5 0 1]                             [ 0      0     1 ]
//
// For two axes each matrix is applied to the columns and then to the rows. The
// functions below share the sums that neighbouring rows of a matrix have in
// common. Gradients take the transposes, in the order of winograd_gradient.h.

// B^T x, with step between the elements of x and of the result.
static inline void TransformSix(const Vec* x, int step, Vec* out) {
  const Vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step],
            x4 = x[4 * step], x5 = x[5 * step];
  const Vec even = x4 - 4.0f * x2, odd = x3 - 4.0f * x1;
  const Vec even2 = x4 - x2, odd2 = 2.0f * (x3 - x1);
  out[0] = 4.0f * x0 - 5.0f * x2 + x4;
  out[step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = even2 + odd2;
  out[4 * step] = even2 - odd2;
  out[5 * step] = 4.0f * x1 - 5.0f * x3 + x5;
}

// A^T x: six to four.
static inline void TransformFour(const Vec* x, int step, Vec* out,
                                 int out_step) {
  const Vec x0 = x[0], x5 = x[5 * step];
  const Vec sum1 = x[step] + x[2 * step], difference1 = x[step] - x[2 * step];
  const Vec sum2 = x[3 * step] + x[4 * step];
  const Vec difference2 = x[3 * step] - x[4 * step];
  out[0] = x0 + sum1 + sum2;
  out[out_step] = difference1 + 2.0f * difference2;
  out[2 * out_step] = sum1 + 4.0f * sum2;
  out[3 * out_step] = difference1 + 8.0f * difference2 + x5;
}

// G x: three to six.
static inline void TransformThree(const Vec* x, int step, Vec* out,
                                  int out_step) {
  const Vec x0 = x[0], x1 = x[step], x2 = x[2 * step];
  const Vec outer = x0 + x2, outer2 = x0 + 4.0f * x2;
  out[0] = 0.25f * x0;
  out[out_step] = (outer + x1) * (-1.0f / 6);
  out[2 * out_step] = (outer - x1) * (-1.0f / 6);
  out[3 * out_step] = (outer2 + 2.0f * x1) * (1.0f / 24);
  out[4 * out_step] = (outer2 - 2.0f * x1) * (1.0f / 24);
  out[5 * out_step] = x2;
}

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

static void TransformWeight(const float* taps, int64_t columns,
                            int64_t position_stride, int64_t panel_stride,
                            float* panels) {
  constexpr int64_t kPanelWidth = 2 * kWidth;
  const int64_t end = (columns + kPanelWidth - 1) / kPanelWidth * kPanelWidth;
  for (int64_t j = 0; j < end; j += kWidth) {
    Vec g[9];
    for (int i = 0; i < 9; ++i) {
      g[i] = LoadFirst(taps + i * columns + j, columns - j);
    }
    Vec half[3 * kTileInputs];
    for (int r = 0; r < 3; ++r) {
      TransformThree(g + 3 * r, 1, half + r * kTileInputs, 1);
    }
    float* to = panels + j / kPanelWidth * panel_stride + j % kPanelWidth;
    for (int s = 0; s < kTileInputs; ++s) {
      Vec u[kTileInputs];
      TransformThree(half + s, kTileInputs, u, 1);
      for (int r = 0; r < kTileInputs; ++r) {
        Store(u[r], to + (r * kTileInputs + s) * position_stride);
      }
    }
  }
}

// The pixels that a tile of transformed inputs is made of, and whether all lie
// inside of the image.
struct TileSource {
  const float* pixels[kTilePositions];  // null outside
  bool inside;
};

static inline TileSource SourceOfTile(const ConstPixels& image, bool upsample,
                                      int64_t tile_y, int64_t tile_x) {
  const int shift = upsample ? 1 : 0;
  const int64_t height = image.height << shift, width = image.width << shift;
  const int64_t y0 = tile_y * kTileOutputs - 1, x0 = tile_x * kTileOutputs - 1;
  TileSource source;
  source.inside = y0 >= 0 && y0 + kTileInputs <= height && x0 >= 0 &&
                  x0 + kTileInputs <= width;
  for (int r = 0; r < kTileInputs; ++r) {
    const int64_t y = y0 + r;
    for (int s = 0; s < kTileInputs; ++s) {
      const int64_t x = x0 + s;
      const bool inside = y >= 0 && y < height && x >= 0 && x < width;
      source.pixels[r * kTileInputs + s] =
          inside ? image.pixel(y >> shift, x >> shift) : nullptr;
    }
  }
  return source;
}

// B^T d B of one vector of channels from `c` on, of which n are left.
template <bool kWhole, bool kActive, bool kUpsample>
static inline void TransformInputVector(const TileSource& source, int64_t c,
                                        int64_t n, Vec scale, Vec offset,
                                        float* to, int64_t position_stride) {
  const auto load = [&](int i) {
    const float* pixel = source.pixels[i];
    if (kWhole) {
      const Vec x = Load(pixel + c);
      return kActive ? Relu(x * scale + offset) : x;
    }
    if (pixel == nullptr) return Vec{};
    const Vec x = LoadFirst(pixel + c, n);
    return kActive ? Relu(x * scale + offset) : x;
  };
  Vec d[kTilePositions];
  NETWORKS_CPU_UNROLL
  for (int s = 0; s < kTileInputs; ++s) {
    // After up-sampling, columns 1 and 2 are equal, and so are 3 and 4.
    if (kUpsample && (s == 2 || s == 4)) {
      NETWORKS_CPU_UNROLL
      for (int r = 0; r < kTileInputs; ++r) {
        d[r * kTileInputs + s] = d[r * kTileInputs + s - 1];
      }
      continue;
    }
    Vec x[kTileInputs];
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kTileInputs; ++r) {
      x[r] = kUpsample && (r == 2 || r == 4) ? x[r - 1]
                                             : load(r * kTileInputs + s);
    }
    TransformSix(x, 1, x);
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kTileInputs; ++r) d[r * kTileInputs + s] = x[r];
  }
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kTileInputs; ++r) {
    if (kUpsample && r == 2) continue;
    Vec x[kTileInputs];
    TransformSix(d + r * kTileInputs, 1, x);
    NETWORKS_CPU_UNROLL
    for (int s = 0; s < kTileInputs; ++s) {
      if (kUpsample && s == 2) continue;
      // The buffer's rows are padded to whole vectors.
      Store(x[s], to + (r * kTileInputs + s) * position_stride);
    }
  }
}

template <bool kActive, bool kUpsample>
static inline void TransformInputOf(const TileSource& source,
                                    const ChannelAffineRelu& activation,
                                    int64_t channels, float* to,
                                    int64_t position_stride) {
  for (int64_t c = 0; c < channels; c += kWidth, to += kWidth) {
    const int64_t n = channels - c;
    const Vec scale = kActive ? LoadFirst(activation.scale + c, n) : Vec{};
    const Vec offset = kActive ? LoadFirst(activation.shift + c, n) : Vec{};
    if (source.inside && n >= kWidth) {
      TransformInputVector<true, kActive, kUpsample>(
          source, c, n, scale, offset, to, position_stride);
    } else {
      TransformInputVector<false, kActive, kUpsample>(
          source, c, n, scale, offset, to, position_stride);
    }
  }
}

static void TransformInput(const ConstPixels& image,
                           const ChannelAffineRelu& activation, bool upsample,
                           int64_t tile_y, int64_t tile_x, int64_t tile,
                           const TileBuffer& out) {
  const TileSource source = SourceOfTile(image, upsample, tile_y, tile_x);
  float* to = out.data + tile * out.tile_stride;
  const auto transform = activation.scale != nullptr
                             ? (upsample ? TransformInputOf<true, true>
                                         : TransformInputOf<true, false>)
                             : (upsample ? TransformInputOf<false, true>
                                         : TransformInputOf<false, false>);
  transform(source, activation, image.channels, to, out.position_stride);
}

// A^T m A plus bias and residual of one vector of channels from `c` on, of
// which n are left; kWhole: all of the tile lies inside of the image.
template <bool kWhole, bool kResidual, bool kUpsample>
static inline void TransformOutputVector(const float* from,
                                         int64_t position_stride, int64_t y0,
                                         int64_t x0, int64_t c, int64_t n,
                                         const float* bias,
                                         const ConstPixels& residual,
                                         const Pixels& out) {
  Vec rows[kTileOutputs * kTileInputs];
  NETWORKS_CPU_UNROLL
  for (int s = 0; s < kTileInputs; ++s) {
    Vec m[kTileInputs];
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kTileInputs; ++r) {
      m[r] = kUpsample && (r == 2 || s == 2)
                 ? Vec{}
                 : Load(from + (r * kTileInputs + s) * position_stride);
    }
    TransformFour(m, 1, rows + s, kTileInputs);
  }
  const Vec offset = kWhole ? Load(bias + c) : LoadFirst(bias + c, n);
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kTileOutputs; ++r) {
    if (!kWhole && y0 + r >= out.height) break;
    Vec values[kTileOutputs];
    TransformFour(rows + r * kTileInputs, 1, values, 1);
    NETWORKS_CPU_UNROLL
    for (int s = 0; s < kTileOutputs; ++s) {
      if (!kWhole && x0 + s >= out.width) break;
      Vec value = values[s] + offset;
      if (kResidual) {
        const float* pixel = residual.pixel(y0 + r, x0 + s) + c;
        value += kWhole ? Load(pixel) : LoadFirst(pixel, n);
      }
      float* to = out.pixel(y0 + r, x0 + s) + c;
      if (kWhole) {
        Store(value, to);
      } else {
        StoreFirst(value, to, n);
      }
    }
  }
}

template <bool kResidual, bool kUpsample>
static inline void TransformOutputOf(const float* from, int64_t position_stride,
                                     int64_t tile_y, int64_t tile_x,
                                     const float* bias,
                                     const ConstPixels& residual,
                                     const Pixels& out) {
  const int64_t y0 = tile_y * kTileOutputs, x0 = tile_x * kTileOutputs;
  const bool inside =
      y0 + kTileOutputs <= out.height && x0 + kTileOutputs <= out.width;
  for (int64_t c = 0; c < out.channels; c += kWidth, from += kWidth) {
    const int64_t n = out.channels - c;
    if (inside && n >= kWidth) {
      TransformOutputVector<true, kResidual, kUpsample>(
          from, position_stride, y0, x0, c, n, bias, residual, out);
    } else {
      TransformOutputVector<false, kResidual, kUpsample>(
          from, position_stride, y0, x0, c, n, bias, residual, out);
    }
  }
}

static void TransformOutput(const TileBuffer& in, bool upsample, int64_t tile_y,
                            int64_t tile_x, int64_t tile, const float* bias,
                            const ConstPixels& residual, const Pixels& out) {
  const float* from = in.data + tile * in.tile_stride;
  const auto transform = residual.data != nullptr
                             ? (upsample ? TransformOutputOf<true, true>
                                         : TransformOutputOf<true, false>)
                             : (upsample ? TransformOutputOf<false, true>
                                         : TransformOutputOf<false, false>);
  transform(from, in.position_stride, tile_y, tile_x, bias, residual, out);
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

static void AccumulateMoments(const ConstPixels& image, int64_t y,
                              const float* origin, double* sum,
                              double* sum_of_squares) {
  for (int64_t c = 0; c < image.channels; c += kWidth) {
    const int64_t n = image.channels - c;
    const Vec centre = LoadFirst(origin + c, n);
    Vec first = {}, second = {};
    for (int64_t x = 0; x < image.width; ++x) {
      const Vec value = LoadFirst(image.pixel(y, x) + c, n) - centre;
      first += value;
      second += value * value;
    }
    for (int64_t i = 0; i < n && i < kWidth; ++i) {
      sum[c + i] += first[i];
      sum_of_squares[c + i] += second[i];
    }
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

static void Warp(const ConstPixels& image, const float* grid,
                 const float* factor, int64_t y, const Pixels& out) {
  for (int64_t x = 0; x < out.width; ++x) {
    const int64_t i = y * out.width + x;
    const Neighbours along_x = FindNeighbours(grid[2 * i], image.width);
    const Neighbours along_y = FindNeighbours(grid[2 * i + 1], image.height);
    const float gain = factor == nullptr ? 1.0f : factor[i];
    const float w00 = gain * along_y.weight[0] * along_x.weight[0];
    const float w01 = gain * along_y.weight[0] * along_x.weight[1];
    const float w10 = gain * along_y.weight[1] * along_x.weight[0];
    const float w11 = gain * along_y.weight[1] * along_x.weight[1];
    const float* p00 = image.pixel(along_y.index[0], along_x.index[0]);
    const float* p01 = image.pixel(along_y.index[0], along_x.index[1]);
    const float* p10 = image.pixel(along_y.index[1], along_x.index[0]);
    const float* p11 = image.pixel(along_y.index[1], along_x.index[1]);
    float* to = out.pixel(y, x);
    for (int64_t c = 0; c < image.channels; c += kWidth) {
      const int64_t n = image.channels - c;
      StoreFirst(w00 * LoadFirst(p00 + c, n) + w01 * LoadFirst(p01 + c, n) +
                     w10 * LoadFirst(p10 + c, n) + w11 * LoadFirst(p11 + c, n),
                 to + c, n);
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
    TransformOutput,
    TransformOutputGradient,
    TransformWeightGradient,
    AccumulateMoments,
    Activate,
    AccumulateGradient,
    PullBackActivation,
    Warp,
};
