// Winograd's transforms of inputs and outputs, for vectors_inl.h; included
// after it. Tested by kernels_test.cc and bfloat16_kernels_test.cc.
//
// Along one axis, four neighbouring outputs of three taps are the transpose of
// a product of polynomials with four and with three coefficients. That product
// has degree 5, so six values determine it: those at 0, a, -a, b, -b and
// infinity ([Winograd] Sec. 4). With s = a^2 + b^2, p = a^2 b^2,
// u = 1 / (2 a^2 (a^2 - b^2)) and v = 1 / (2 b^2 (b^2 - a^2)), the matrices of
// evaluation and interpolation are
//
//   B^T = [p    0   -s    0  1 0]  A^T = [1  1  1   1  1   0]
//         [0 -a b^2 -b^2  a  1 0]        [0  a -a   b -b   0]
//         [0  a b^2 -b^2 -a  1 0]        [0 a^2 a^2 b^2 b^2 0]
//         [0 -b a^2 -a^2  b  1 0]        [0 a^3 -a^3 b^3 -b^3 1]
//         [0  b a^2 -a^2 -b  1 0]
//         [0    p    0   -s  0 1]  G^T = [1/p u   u   v   v   0]
//                                        [0  a u -a u b v -b v 0]
//                                        [0 a^2 u a^2 u b^2 v b^2 v 1]
//
// For two axes each matrix is applied to the columns and then to the rows. The
// functions below share the sums that neighbouring rows of a matrix have in
// common.

// [Winograd]'s, with small whole numbers. After up-sampling by repetition the
// row of -1 is zero, see winograd.h.
struct WholePoints {
  static constexpr float kA = 1, kB = 2;
  static constexpr bool kMinusOne = true;
};

// For products in bfloat16: their errors are half as large as with WholePoints,
// since no power of these grows far above 1 while another is small.
struct ReciprocalPoints {
  static constexpr float kA = 2.0f / 3, kB = 1.5f;
  static constexpr bool kMinusOne = false;
};

// B^T x, with step between the elements of x and of the result.
template <typename Points>
static inline void TransformSix(const Vec* x, int step, Vec* out) {
  constexpr float a = Points::kA, b = Points::kB;
  constexpr float a2 = a * a, b2 = b * b, s = a2 + b2, p = a2 * b2;
  const Vec x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step],
            x4 = x[4 * step], x5 = x[5 * step];
  const Vec even = x4 - b2 * x2, odd = a * (x3 - b2 * x1);
  const Vec even2 = x4 - a2 * x2, odd2 = b * (x3 - a2 * x1);
  out[0] = p * x0 - s * x2 + x4;
  out[step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = even2 + odd2;
  out[4 * step] = even2 - odd2;
  out[5 * step] = p * x1 - s * x3 + x5;
}

// A^T x: six to four.
template <typename Points>
static inline void TransformFour(const Vec* x, int step, Vec* out,
                                 int out_step) {
  constexpr float a = Points::kA, b = Points::kB;
  const Vec x0 = x[0], x5 = x[5 * step];
  const Vec sum1 = x[step] + x[2 * step], difference1 = x[step] - x[2 * step];
  const Vec sum2 = x[3 * step] + x[4 * step];
  const Vec difference2 = x[3 * step] - x[4 * step];
  out[0] = x0 + sum1 + sum2;
  out[out_step] = a * difference1 + b * difference2;
  out[2 * out_step] = a * a * sum1 + b * b * sum2;
  out[3 * out_step] = a * a * a * difference1 + b * b * b * difference2 + x5;
}

// G x: three to six.
template <typename Points>
static inline void TransformThree(const Vec* x, int step, Vec* out,
                                  int out_step) {
  constexpr float a = Points::kA, b = Points::kB, a2 = a * a, b2 = b * b;
  constexpr float u = 1 / (2 * a2 * (a2 - b2)), v = 1 / (2 * b2 * (b2 - a2));
  const Vec x0 = x[0], x1 = x[step], x2 = x[2 * step];
  const Vec outer = x0 + a2 * x2, outer2 = x0 + b2 * x2;
  out[0] = (1 / (a2 * b2)) * x0;
  out[out_step] = (outer + a * x1) * u;
  out[2 * out_step] = (outer - a * x1) * u;
  out[3 * out_step] = (outer2 + b * x1) * v;
  out[4 * out_step] = (outer2 - b * x1) * v;
  out[5 * out_step] = x2;
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

// B^T d B of one vector of channels from `c` on, of which n are left. Stored as
// an Element, float or another with a Store.
template <typename Points, bool kWhole, bool kActive, bool kUpsample,
          typename Element>
static inline void TransformInputVector(const TileSource& source, int64_t c,
                                        int64_t n, Vec scale, Vec offset,
                                        Element* to, int64_t position_stride) {
  constexpr bool kSkip = kUpsample && Points::kMinusOne;
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
    TransformSix<Points>(x, 1, x);
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kTileInputs; ++r) d[r * kTileInputs + s] = x[r];
  }
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kTileInputs; ++r) {
    if (kSkip && r == 2) continue;
    Vec x[kTileInputs];
    TransformSix<Points>(d + r * kTileInputs, 1, x);
    NETWORKS_CPU_UNROLL
    for (int s = 0; s < kTileInputs; ++s) {
      if (kSkip && s == 2) continue;
      // The buffer's rows are padded to whole vectors.
      Store(x[s], to + (r * kTileInputs + s) * position_stride);
    }
  }
}

template <typename Points, bool kActive, bool kUpsample, typename Element>
static inline void TransformInputOf(const TileSource& source,
                                    const ChannelAffineRelu& activation,
                                    int64_t channels, Element* to,
                                    int64_t position_stride) {
  for (int64_t c = 0; c < channels; c += kWidth, to += kWidth) {
    const int64_t n = channels - c;
    const Vec scale = kActive ? LoadFirst(activation.scale + c, n) : Vec{};
    const Vec offset = kActive ? LoadFirst(activation.shift + c, n) : Vec{};
    if (source.inside && n >= kWidth) {
      TransformInputVector<Points, true, kActive, kUpsample>(
          source, c, n, scale, offset, to, position_stride);
    } else {
      TransformInputVector<Points, false, kActive, kUpsample>(
          source, c, n, scale, offset, to, position_stride);
    }
  }
}

// As Kernels::transform_input, with `to` and strides in Elements.
template <typename Points, typename Element>
static void TransformInputTile(const ConstPixels& image,
                               const ChannelAffineRelu& activation,
                               bool upsample, int64_t tile_y, int64_t tile_x,
                               Element* to, int64_t position_stride) {
  const TileSource source = SourceOfTile(image, upsample, tile_y, tile_x);
  const auto transform =
      activation.scale != nullptr
          ? (upsample ? TransformInputOf<Points, true, true, Element>
                      : TransformInputOf<Points, true, false, Element>)
          : (upsample ? TransformInputOf<Points, false, true, Element>
                      : TransformInputOf<Points, false, false, Element>);
  transform(source, activation, image.channels, to, position_stride);
}

// A^T m A plus bias and residual of one vector of channels from `c` on, of
// which n are left; kWhole: all of the tile lies inside of the image.
template <typename Points, bool kWhole, bool kResidual, bool kUpsample>
static inline void TransformOutputVector(const float* from,
                                         int64_t position_stride, int64_t y0,
                                         int64_t x0, int64_t c, int64_t n,
                                         const float* bias,
                                         const ConstPixels& residual,
                                         const Pixels& out) {
  constexpr bool kSkip = kUpsample && Points::kMinusOne;
  Vec rows[kTileOutputs * kTileInputs];
  NETWORKS_CPU_UNROLL
  for (int s = 0; s < kTileInputs; ++s) {
    Vec m[kTileInputs];
    NETWORKS_CPU_UNROLL
    for (int r = 0; r < kTileInputs; ++r) {
      m[r] = kSkip && (r == 2 || s == 2)
                 ? Vec{}
                 : Load(from + (r * kTileInputs + s) * position_stride);
    }
    TransformFour<Points>(m, 1, rows + s, kTileInputs);
  }
  const Vec offset = kWhole ? Load(bias + c) : LoadFirst(bias + c, n);
  NETWORKS_CPU_UNROLL
  for (int r = 0; r < kTileOutputs; ++r) {
    if (!kWhole && y0 + r >= out.height) break;
    Vec values[kTileOutputs];
    TransformFour<Points>(rows + r * kTileInputs, 1, values, 1);
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

template <typename Points, bool kResidual, bool kUpsample>
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
      TransformOutputVector<Points, true, kResidual, kUpsample>(
          from, position_stride, y0, x0, c, n, bias, residual, out);
    } else {
      TransformOutputVector<Points, false, kResidual, kUpsample>(
          from, position_stride, y0, x0, c, n, bias, residual, out);
    }
  }
}

// As Kernels::transform_output.
template <typename Points>
static void TransformOutput(const TileBuffer& in, bool upsample, int64_t tile_y,
                            int64_t tile_x, int64_t tile, const float* bias,
                            const ConstPixels& residual, const Pixels& out) {
  const float* from = in.data + tile * in.tile_stride;
  const auto transform =
      residual.data != nullptr
          ? (upsample ? TransformOutputOf<Points, true, true>
                      : TransformOutputOf<Points, true, false>)
          : (upsample ? TransformOutputOf<Points, false, true>
                      : TransformOutputOf<Points, false, false>);
  transform(from, in.position_stride, tile_y, tile_x, bias, residual, out);
}
