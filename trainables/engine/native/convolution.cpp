// Convolutions of one model's batch; images are [height, width, channels], torch's channels-last.
//
// A convolution connects large images x [h, w, inner] and small ones y [oh, ow, outer] by weights [outer, inner, kh, kw], as
// torch lays them. Three products are all there is to it:
//   gather    y from x: a convolution, and the way back of a transposed one
//   scatter   x from y: a transposed convolution, and the way back of a convolution
//   weights   their gradient, from x and y
// No matrix of patches is built: the pixels of a row of an image, padded once into the cache, are the rows of a matrix whose
// elements a register tile reads one by one; a row is cut into tiles that are as alike as they can be. What is computed of an image
// depends on that image alone.
#include <algorithm>
#include <vector>

#include "kernels.h"
#include "tiles.h"

using namespace native;

namespace {

thread_local std::vector<float> packed, padded, spread, sums;
thread_local std::vector<long> starts;

#if defined(__AVX512F__)
constexpr int MOST = 14;  // rows of a tile: two accumulators each, and two registers for B
#else
constexpr int MOST = 6;
#endif

float *zeroed(std::vector<float> &buffer, long size) {
    buffer.assign((size_t)size, 0.0f);
    return buffer.data();
}

long up(long value, long step) { return (value + step - 1) / step; }
long panels(long channels) { return up(channels, PANEL) * PANEL; }

// C[ROWS, PANEL] += Σ over segments s of A_s[ROWS, length] B_s[length, PANEL]; A_s begins at a + starts[s], B_s follow one another.
template <int ROWS>
inline __attribute__((always_inline)) void segments(const float *a, long row, long column, const long *starts, long count, long length,
                                                    const float *b, long ldb, vec *left, vec *right) {
    for (long s = 0; s < count; s++) {
        const float *from = a + starts[s];
        for (long k = length; k; k--, from += column, b += ldb) {
            const vec b_left = at(b), b_right = at(b + LANES);
#pragma GCC unroll 14
            for (int r = 0; r < ROWS; r++) {
                left[r] += from[r * row] * b_left;
                right[r] += from[r * row] * b_right;
            }
        }
    }
}

// call(integral_constant<rows>) for rows up to MOST.
template <int ROWS = MOST, class Call>
inline __attribute__((always_inline)) void sized(long rows, Call call) {
    if constexpr (ROWS > 1)
        if (rows < ROWS) return sized<ROWS - 1>(rows, call);
    call(std::integral_constant<int, ROWS>());
}

// tile(rows, first) for tiles that cover 0 … m.
template <class Tile>
inline void tiles(long m, Tile tile) {
    const long count = up(m, MOST);
    for (long t = 0, first = 0; t < count; t++) {
        const long rows = m / count + (t < m % count);
        sized(rows, [&](auto size) { tile(size, first); });
        first += rows;
    }
}

struct Steps {  // of pixel (i, j) of an image at i · line + j · pixel
    long line, pixel;
};

// `lines` times `width` pixels of an image: each one's channels are Σ over segments, plus the bias, or null.
void pixels(long lines, long width, long channels, const float *a, Steps from, long length, const float *b, const float *bias,
            float *out, Steps to) {
    const long ldb = panels(channels), count = (long)starts.size();
    for (long j = 0; j < channels; j += PANEL) {
        const long columns = std::min<long>(PANEL, channels - j);
        float values[PANEL] = {};
        if (bias) std::copy(bias + j, bias + j + columns, values);
        const vec first = at(values), second = at(values + LANES);
        for (long i = 0; i < lines; i++)
            tiles(width, [&](auto size, long pixel) {
                constexpr int ROWS = decltype(size)::value;
                vec left[ROWS], right[ROWS];
                for (int r = 0; r < ROWS; r++) left[r] = first, right[r] = second;
                segments<ROWS>(a + i * from.line + pixel * from.pixel, from.pixel, 1, starts.data(), count, length, b + j, ldb, left,
                               right);
                float *o = out + i * to.line + pixel * to.pixel + j;
                for (int r = 0; r < ROWS; r++, o += to.pixel) {
                    if (columns == PANEL) {
                        at(o) = left[r], at(o + LANES) = right[r];
                    } else {
                        float some[PANEL];
                        at(some) = left[r], at(some + LANES) = right[r];
                        std::copy(some, some + columns, o);
                    }
                }
            });
    }
}

struct Shape : Convolution {
    explicit Shape(const Convolution &c) : Convolution(c) {}
    long large() const { return h * w * inner; }
    long small() const { return oh * ow * outer; }
    // Padded x: rows of one residue modulo the stride lie together, so that the step from pixel to pixel of y is always the same.
    long pitch() const { return up(w + 2 * padding, stride); }
    long line() const { return pitch() * stride * inner; }
    long plane() const { return (std::max(up(h + 2 * padding, stride), oh + up(kh, stride)) + 1) * line(); }
    long at_row(long row) const { return row % stride * plane() + row / stride * line(); }
    float *planes() const { return zeroed(padded, stride * plane()); }
    void pad(const float *x, float *to) const {  // one image; where nothing is written `to` stays zero
        for (long i = 0; i < h; i++)
            std::copy(x + i * w * inner, x + (i + 1) * w * inner, to + at_row(i + padding) + padding * inner);
    }
};

void gather(const Shape &s, const float *x, const float *weight, const float *bias, float *y) {
    const long n = panels(s.outer), taps = s.kh * s.kw;
    float *b = zeroed(packed, taps * s.inner * n);
    for (long o = 0; o < s.outer; o++)
        for (long i = 0; i < s.inner; i++)
            for (long t = 0; t < taps; t++) b[(t * s.inner + i) * n + o] = weight[(o * s.inner + i) * taps + t];
    starts.clear();
    for (long t = 0; t < s.kh; t++) starts.push_back(s.at_row(t));
    float *image = s.planes();
    for (long r = 0; r < s.batch; r++, x += s.large(), y += s.small()) {
        s.pad(x, image);
        pixels(s.oh, s.ow, s.outer, image, {s.line(), s.stride * s.inner}, s.kw * s.inner, b, bias, y, {s.ow * s.outer, s.outer});
    }
}

// Pixels of x of one residue modulo the stride see the same taps of the kernel: each residue is a convolution of y of its own.
void scatter(const Shape &s, const float *y, const float *weight, const float *bias, float *x) {
    const long n = panels(s.inner), taps = s.kh * s.kw;
    const long edge_h = up(s.kh, s.stride) - 1, edge_w = up(s.kw, s.stride) - 1;  // zeros before the first row and column of y
    const long pitch = std::max((s.w - 1 + s.padding) / s.stride + 1, s.ow) + 2 * edge_w + 1;
    const long lines = std::max((s.h - 1 + s.padding) / s.stride + 1, s.oh) + 2 * edge_h + 2;
    float *image = zeroed(padded, lines * pitch * s.outer);
    for (long r = 0; r < s.batch; r++, y += s.small(), x += s.large()) {
        for (long i = 0; i < s.oh; i++)
            std::copy(y + i * s.ow * s.outer, y + (i + 1) * s.ow * s.outer, image + ((i + edge_h) * pitch + edge_w) * s.outer);
        float *b = r ? packed.data() : zeroed(packed, taps * s.outer * n);
        for (long ph = 0; ph < s.stride; ph++)
            for (long pw = 0; pw < s.stride; pw++) {
                const long th = ph < s.kh ? up(s.kh - ph, s.stride) : 0, tw = pw < s.kw ? up(s.kw - pw, s.stride) : 0;
                if (r == 0)
                    for (long i = 0; i < th; i++)
                        for (long j = 0; j < tw; j++) {
                            const long tap = (ph + (th - 1 - i) * s.stride) * s.kw + pw + (tw - 1 - j) * s.stride;
                            float *to = b + (i * tw + j) * s.outer * n;
                            for (long o = 0; o < s.outer; o++)
                                for (long c = 0; c < s.inner; c++)
                                    to[o * n + c] = weight[(o * s.inner + c) * taps + tap];
                        }
                // Pixel (stride · u + ph − padding, stride · v + pw − padding) of x is reached from rows u − th + 1 … u of y.
                const long u0 = up(std::max(0l, s.padding - ph), s.stride), v0 = up(std::max(0l, s.padding - pw), s.stride);
                const long u1 = (s.h - 1 + s.padding - ph) / s.stride, v1 = (s.w - 1 + s.padding - pw) / s.stride;
                if (s.h - 1 + s.padding < ph || s.w - 1 + s.padding < pw || u1 < u0 || v1 < v0) continue;
                starts.clear();
                for (long i = 0; i < th && tw; i++) starts.push_back(i * pitch * s.outer);
                const float *from = image + ((u0 - th + 1 + edge_h) * pitch + v0 - tw + 1 + edge_w) * s.outer;
                float *to = x + ((u0 * s.stride + ph - s.padding) * s.w + v0 * s.stride + pw - s.padding) * s.inner;
                pixels(u1 - u0 + 1, v1 - v0 + 1, s.inner, from, {pitch * s.outer, s.outer}, tw * s.outer, b, bias, to,
                       {s.stride * s.w * s.inner, s.stride * s.inner});
                b += th * tw * s.outer * n;
            }
    }
}

// Of few channels: every pixel of y times the whole kernel first, then each product is added where it belongs.
void scatter_few(const Shape &s, const float *y, const float *weight, const float *bias, float *x) {
    const long taps = s.kh * s.kw, columns = taps * s.inner, n = panels(columns), m = s.oh * s.ow;
    float *b = zeroed(packed, s.outer * n);
    for (long o = 0; o < s.outer; o++)
        for (long i = 0; i < s.inner; i++)
            for (long t = 0; t < taps; t++) b[o * n + t * s.inner + i] = weight[(o * s.inner + i) * taps + t];
    float *products = zeroed(spread, m * n);
    auto begin = [](long, long, vec &p, vec &q) { p = vec{}, q = vec{}; };
    auto finish = [=](long i, long j, vec p, vec q) {
        at(products + i * n + j) = p, at(products + i * n + j + LANES) = q;
    };
    const long width = s.w + 2 * s.padding + s.kw;
    float *image = zeroed(padded, (s.h + 2 * s.padding + s.kh) * width * s.inner);
    for (long r = 0; r < s.batch; r++, y += s.small(), x += s.large()) {
        if (r) std::fill(padded.begin(), padded.end(), 0.0f);
        product(m, n, s.outer, {y, s.outer, 1}, b, n, begin, finish);
        for (long i = 0; i < s.oh; i++)
            for (long a = 0; a < s.kh; a++) {
                float *line = image + (i * s.stride + a) * width * s.inner;
                for (long j = 0; j < s.ow; j++) {
                    const float *p = products + (i * s.ow + j) * n + a * s.kw * s.inner;
                    float *o = line + j * s.stride * s.inner;
                    for (long c = 0; c < s.kw * s.inner; c++) o[c] += p[c];
                }
            }
        for (long i = 0; i < s.h; i++)
            for (long j = 0; j < s.w; j++)
                for (long c = 0; c < s.inner; c++)
                    x[(i * s.w + j) * s.inner + c] =
                        image[((i + s.padding) * width + j + s.padding) * s.inner + c] + (bias ? bias[c] : 0.0f);
    }
}

void weights(const Shape &s, const float *x, const float *y, float *gradient) {
    const long n = panels(s.outer), rows = s.kw * s.inner, taps = s.kh * s.kw;
    float *image = s.planes(), *total = zeroed(sums, s.kh * rows * n), *error = zeroed(spread, s.oh * s.ow * n);
    starts.clear();
    for (long i = 0; i < s.oh; i++) starts.push_back(i * s.line());
    for (long r = 0; r < s.batch; r++, x += s.large(), y += s.small()) {
        s.pad(x, image);
        for (long p = 0; p < s.oh * s.ow; p++) std::copy(y + p * s.outer, y + (p + 1) * s.outer, error + p * n);
        for (long t = 0; t < s.kh; t++)
            for (long j = 0; j < n; j += PANEL)
                tiles(rows, [&](auto size, long i) {
                    constexpr int ROWS = decltype(size)::value;
                    vec left[ROWS], right[ROWS];
                    float *out = total + (t * rows + i) * n + j;
                    for (int k = 0; k < ROWS; k++) left[k] = at(out + k * n), right[k] = at(out + k * n + LANES);
                    segments<ROWS>(image + s.at_row(t) + i, 1, s.stride * s.inner, starts.data(), s.oh, s.ow, error + j, n, left, right);
                    for (int k = 0; k < ROWS; k++) at(out + k * n) = left[k], at(out + k * n + LANES) = right[k];
                });
    }
    for (long o = 0; o < s.outer; o++)
        for (long i = 0; i < s.inner; i++)
            for (long t = 0; t < taps; t++) gradient[(o * s.inner + i) * taps + t] = total[(t * s.inner + i) * n + o];
}

}  // namespace

extern "C" {

// y [batch, oh, ow, outer] from x [batch, h, w, inner]; bias [outer] or null.
void convolution_gather(const Convolution *c, const float *x, const float *weight, const float *bias, float *y) {
    gather(Shape(*c), x, weight, bias, y);
}

// x from y; bias [inner] or null.
void convolution_scatter(const Convolution *c, const float *y, const float *weight, const float *bias, float *x) {
    (c->inner < LANES / 2 ? scatter_few : scatter)(Shape(*c), y, weight, bias, x);
}

// The weights' gradient, as they lie.
void convolution_weights(const Convolution *c, const float *x, const float *y, float *gradient) {
    weights(Shape(*c), x, y, gradient);
}
}
