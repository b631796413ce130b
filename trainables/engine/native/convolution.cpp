// Convolutions of one model's batch; images are [height, width, channels], torch's channels-last.
//
// A convolution connects large images x [h, w, inner] and small ones y [oh, ow, outer] by weights [outer, inner, kh, kw], as
// torch lays them. Three products are all there is to it:
//   gather    y from x: a convolution, and the way back of a transposed one
//   scatter   x from y: a transposed convolution, and the way back of a convolution
//   weights   their gradient, from x and y
// No matrix of patches is built: the pixels of an image, padded once into the cache, are the rows of a matrix whose elements
// a register tile reads one by one. Pixels are a fixed step apart, those of the padding between two rows included, whose
// results go nowhere. What is computed of an image depends on that image alone.
#include <algorithm>
#include <vector>

#include "kernels.h"
#include "tiles.h"

using namespace native;

namespace {

thread_local std::vector<float> packed, padded, spread, sums;
thread_local std::vector<long> places, starts;

float *zeroed(std::vector<float> &buffer, long size) {
    buffer.assign((size_t)size, 0.0f);
    return buffer.data();
}

long up(long value, long step) { return (value + step - 1) / step; }
long panels(long channels) { return up(channels, PANEL) * PANEL; }

// C[rows, PANEL] = start + Σ over segments s of A_s[rows, length] B_s[length, PANEL]; A_s begins at a + starts[s], B_s follow one another.
template <int ROWS, class Start, class Finish>
inline __attribute__((always_inline)) void segments(const float *a, long row, const long *starts, long count, long length,
                                                    const float *b, long ldb, Start start, Finish finish) {
    vec left[ROWS], right[ROWS];
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++) start(r, left[r], right[r]);
    for (long s = 0; s < count; s++) {
        const float *from = a + starts[s];
        for (long k = length; k; k--, from++, b += ldb) {
            const vec b_left = at(b), b_right = at(b + LANES);
#pragma GCC unroll 12
            for (int r = 0; r < ROWS; r++) {
                left[r] += from[r * row] * b_left;
                right[r] += from[r * row] * b_right;
            }
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++) finish(r, left[r], right[r]);
}

// `m` pixels of an image, `row` floats apart: each one's channels go to where `places` says, or nowhere if that is negative.
void pixels(long m, long channels, const float *a, long row, long length, const float *b, const float *bias, float *out) {
    const long ldb = panels(channels), count = (long)starts.size();
    const long *to = places.data(), *from = starts.data();
    for (long j = 0; j < channels; j += PANEL) {
        const long columns = std::min<long>(PANEL, channels - j);
        float values[PANEL] = {};
        if (bias) std::copy(bias + j, bias + j + columns, values);
        const vec first = at(values), second = at(values + LANES);
        auto begin = [=](int, vec &x, vec &y) { x = first, y = second; };
        auto row_tile = [&](auto rows, long i) {
            auto finish = [=](int r, vec x, vec y) {
                if (to[i + r] < 0) return;
                float *o = out + to[i + r] + j;
                if (columns == PANEL) {
                    at(o) = x, at(o + LANES) = y;
                } else {
                    float some[PANEL];
                    at(some) = x, at(some + LANES) = y;
                    std::copy(some, some + columns, o);
                }
            };
            segments<decltype(rows)::value>(a + i * row, row, from, count, length, b + j, ldb, begin, finish);
        };
        long i = 0;
        for (; m - i >= TALL + SHORT || m - i == TALL; i += TALL) row_tile(std::integral_constant<int, TALL>(), i);
        for (; m - i >= SHORT; i += SHORT) row_tile(std::integral_constant<int, SHORT>(), i);
        if (i < m && m >= SHORT) row_tile(std::integral_constant<int, SHORT>(), m - SHORT), i = m;  // some of them again
        for (; i < m; i++) row_tile(std::integral_constant<int, 1>(), i);
    }
}

struct Shape : Convolution {
    explicit Shape(const Convolution &c) : Convolution(c) {}
    long large() const { return h * w * inner; }
    long small() const { return oh * ow * outer; }
    // Padded x: rows of one residue modulo the stride lie together, so that the step from pixel to pixel of y is always the same.
    long pitch() const { return std::max(up(w + 2 * padding, stride), ow + up(kw, stride)); }  // pixels of y from row to row
    long line() const { return pitch() * stride * inner; }
    long plane() const { return (std::max(up(h + 2 * padding, stride), oh + up(kh, stride)) + 1) * line(); }
    long at_row(long row) const { return row % stride * plane() + row / stride * line(); }
    long grid() const { return (oh - 1) * pitch() + ow; }
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
    places.assign((size_t)s.grid(), -1);
    for (long i = 0; i < s.oh; i++)
        for (long j = 0; j < s.ow; j++) places[(size_t)(i * s.pitch() + j)] = (i * s.ow + j) * s.outer;
    starts.clear();
    for (long t = 0; t < s.kh; t++) starts.push_back(s.at_row(t));
    float *image = s.planes();
    for (long r = 0; r < s.batch; r++, x += s.large(), y += s.small()) {
        s.pad(x, image);
        pixels(s.grid(), s.outer, image, s.stride * s.inner, s.kw * s.inner, b, bias, y);
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
                const long m = (u1 - u0) * pitch + v1 - v0 + 1;
                places.assign((size_t)m, -1);
                for (long u = u0; u <= u1; u++)
                    for (long v = v0; v <= v1; v++)
                        places[(size_t)((u - u0) * pitch + v - v0)] =
                            ((u * s.stride + ph - s.padding) * s.w + v * s.stride + pw - s.padding) * s.inner;
                starts.clear();
                for (long i = 0; i < th && tw; i++) starts.push_back(i * pitch * s.outer);
                const float *from = image + ((u0 - th + 1 + edge_h) * pitch + v0 - tw + 1 + edge_w) * s.outer;
                pixels(m, s.inner, from, s.outer, tw * s.outer, b, bias, x);
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
    const long n = panels(s.outer), rows = s.kw * s.inner, taps = s.kh * s.kw, line = s.pitch() * n;
    float *image = s.planes(), *total = zeroed(sums, s.kh * rows * n), *error = zeroed(spread, s.oh * line);
    for (long r = 0; r < s.batch; r++, x += s.large(), y += s.small()) {
        s.pad(x, image);
        for (long i = 0; i < s.oh; i++)
            for (long j = 0; j < s.ow; j++)
                std::copy(y + (i * s.ow + j) * s.outer, y + (i * s.ow + j + 1) * s.outer, error + i * line + j * n);
        for (long t = 0; t < s.kh; t++) {
            float *out = total + t * rows * n;
            auto begin = [=](long i, long j, vec &p, vec &q) { p = at(out + i * n + j), q = at(out + i * n + j + LANES); };
            auto finish = [=](long i, long j, vec p, vec q) { at(out + i * n + j) = p, at(out + i * n + j + LANES) = q; };
            product(rows, n, s.grid(), {image + s.at_row(t), 1, s.stride * s.inner}, error, n, begin, finish);
        }
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
