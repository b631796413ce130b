// Batch normalisation of rows [n, channels], such as the pixels of channels-last images, with the ReLU after it.
//
// Sums over rows are taken of chunks in float and added up in double, of differences from the first row: in one pass, and
// as exact as two.
#include <algorithm>
#include <cmath>
#include <vector>

namespace {

constexpr long CHUNK = 256;

thread_local std::vector<float> parts;
thread_local std::vector<double> totals;

// Adds `term(i, c, sums of the row's chunk)` up over rows: `count` sums of each channel, into `totals`.
template <class Term>
void add_up(long n, long channels, long count, Term term) {
    totals.assign((size_t)(count * channels), 0.0);
    for (long begin = 0; begin < n; begin += CHUNK) {
        parts.assign((size_t)(count * channels), 0.0f);
        float *first = parts.data(), *second = first + (count - 1) * channels;
        for (long i = begin; i < std::min(n, begin + CHUNK); i++) term(i, first, second);
        for (long c = 0; c < count * channels; c++) totals[(size_t)c] += parts[(size_t)c];
    }
}

}  // namespace

extern "C" {

// y = (x − mean) · scale · weight + bias, and its ReLU if asked for; mean, variance (of the batch, biased) and scale = 1 / √(variance + ε)
// of each channel are written.
void normalise(long n, long channels, const float *x, const float *weight, const float *bias, double epsilon, bool relu, float *y,
               float *mean, float *variance, float *scale) {
    add_up(n, channels, 2, [=](long i, float *sum, float *squares) {
        const float *row = x + i * channels;
#pragma GCC ivdep
        for (long c = 0; c < channels; c++) {
            const float d = row[c] - x[c];
            sum[c] += d, squares[c] += d * d;
        }
    });
    std::vector<float> slope((size_t)channels), start((size_t)channels);
    for (long c = 0; c < channels; c++) {
        const double m = totals[(size_t)c] / (double)n;
        const double v = std::max(0.0, totals[(size_t)(channels + c)] / (double)n - m * m);
        mean[c] = (float)(x[c] + m), variance[c] = (float)v, scale[c] = (float)(1.0 / std::sqrt(v + epsilon));
        slope[(size_t)c] = scale[c] * weight[c], start[(size_t)c] = bias[c] - mean[c] * slope[(size_t)c];
    }
    const float *a = slope.data(), *b = start.data(), least = relu ? 0.0f : -INFINITY;
    for (long i = 0; i < n; i++) {
        const float *row = x + i * channels;
        float *out = y + i * channels;
#pragma GCC ivdep
        for (long c = 0; c < channels; c++) {
            const float v = row[c] * a[c] + b[c];
            out[c] = v < least ? least : v;
        }
    }
}

// Gradients of x, weight and bias from the one of y; `units` are y after the ReLU, or null where there was none.
void normalise_backward(long n, long channels, const float *x, const float *weight, const float *mean, const float *scale,
                        const float *error, const float *units, float *dx, float *dweight, float *dbias) {
    add_up(n, channels, 2, [=](long i, float *sum, float *products) {
        const float *row = x + i * channels, *e = error + i * channels, *u = units + i * channels;
        if (units) {
#pragma GCC ivdep
            for (long c = 0; c < channels; c++) {
                const float g = u[c] <= 0.0f ? 0.0f : e[c];
                sum[c] += g, products[c] += g * (row[c] - mean[c]);
            }
        } else {
#pragma GCC ivdep
            for (long c = 0; c < channels; c++) sum[c] += e[c], products[c] += e[c] * (row[c] - mean[c]);
        }
    });
    std::vector<float> slope((size_t)channels), lift((size_t)channels), tilt((size_t)channels);
    for (long c = 0; c < channels; c++) {
        const double g = totals[(size_t)c], p = totals[(size_t)(channels + c)], s = scale[c];
        dbias[c] = (float)g, dweight[c] = (float)(p * s);
        slope[(size_t)c] = (float)(s * weight[c]);
        lift[(size_t)c] = (float)(-s * weight[c] * g / (double)n);
        tilt[(size_t)c] = (float)(-s * weight[c] * s * s * p / (double)n);
    }
    const float *a = slope.data(), *b = lift.data(), *t = tilt.data();
    for (long i = 0; i < n; i++) {
        const float *row = x + i * channels, *e = error + i * channels, *u = units + i * channels;
        float *out = dx + i * channels;
        if (units) {
#pragma GCC ivdep
            for (long c = 0; c < channels; c++)
                out[c] = (u[c] <= 0.0f ? 0.0f : e[c]) * a[c] + b[c] + (row[c] - mean[c]) * t[c];
        } else {
#pragma GCC ivdep
            for (long c = 0; c < channels; c++) out[c] = e[c] * a[c] + b[c] + (row[c] - mean[c]) * t[c];
        }
    }
}
}
