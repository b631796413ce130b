// Register tiles of a matrix product: the one inner loop of the native kernels.
//
// C[i, j] = Σ_k A[i, k] B[k, j] for a few rows i and PANEL columns j, all of it in vector registers. A is read element by
// element, so any strides do (a transposed A costs nothing); a row of B must be contiguous. What C starts from and what
// happens to it at the end - bias, dropout, ReLU, a mask, an accumulation - is the caller's, while C is still in registers.
#pragma once

namespace native {

#if defined(__AVX512F__)
constexpr int LANES = 16, TALL = 12, SHORT = 8;
#else
constexpr int LANES = 8, TALL = 6, SHORT = 4;
#endif
constexpr int PANEL = 2 * LANES;

typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int ivec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

static inline vec &at(float *p) { return *(vec *)p; }
static inline vec at(const float *p) { return *(const vec *)p; }

static inline float sum(vec v) {
    float total[LANES];
    at(total) = v;
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) total[i] += total[i + half];
    return total[0];
}

struct Matrix {  // element (i, k) at data[i * row + k * column]
    const float *data;
    long row, column;
};

template <int ROWS, class Start, class Finish>
static inline __attribute__((always_inline)) void tile(const float *a, long row, long column, const float *b, long ldb,
                                                       long k, Start start, Finish finish) {
    vec left[ROWS], right[ROWS];
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++) start(r, left[r], right[r]);
    for (; k; k--, a += column, b += ldb) {
        const vec b_left = at(b), b_right = at(b + LANES);
#pragma GCC unroll 12
        for (int r = 0; r < ROWS; r++) {
            left[r] += a[r * row] * b_left;
            right[r] += a[r * row] * b_right;
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++) finish(r, left[r], right[r]);
}

// C[m, n] = A[m, k] B[k, n]; n is a multiple of PANEL, rows of B are `ldb` apart.
// start(i, j, left, right) sets C[i, j … j + PANEL) before, finish(i, j, left, right) takes it after.
template <class Start, class Finish>
static inline void product(long m, long n, long k, Matrix a, const float *b, long ldb, Start start, Finish finish) {
    for (long j = 0; j < n; j += PANEL) {
        for (long i = 0, rows; i < m; i += rows) {
            const float *first = a.data + i * a.row;
            const long left = m - i;
            auto begin = [&](int r, vec &x, vec &y) { start(i + r, j, x, y); };
            auto end = [&](int r, vec x, vec y) { finish(i + r, j, x, y); };
            if (left == TALL || left >= TALL + SHORT) {
                tile<TALL>(first, a.row, a.column, b + j, ldb, k, begin, end);
                rows = TALL;
            } else if (left >= SHORT) {
                tile<SHORT>(first, a.row, a.column, b + j, ldb, k, begin, end);
                rows = SHORT;
            } else {
                tile<1>(first, a.row, a.column, b + j, ldb, k, begin, end);
                rows = 1;
            }
        }
    }
}

template <int ROWS, int COLUMNS>
static inline __attribute__((always_inline)) void dots_tile(long k, const float *a, long lda, const float *b, long ldb,
                                                            const float *bias, float *c, long ldc) {
    vec total[ROWS][COLUMNS];
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < COLUMNS; j++) total[r][j] = vec{};
    for (long i = 0; i < k; i += LANES)
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
            for (int j = 0; j < COLUMNS; j++) total[r][j] += at(a + r * lda + i) * at(b + j * ldb + i);
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < COLUMNS; j++) c[r * ldc + j] = sum(total[r][j]) + (bias ? bias[j] : 0.0f);
}

template <int COLUMNS>
static inline void dots_columns(long m, long k, const float *a, long lda, const float *b, long ldb, const float *bias,
                                float *c, long ldc) {
    long i = 0;
    for (; i + 2 <= m; i += 2) dots_tile<2, COLUMNS>(k, a + i * lda, lda, b, ldb, bias, c + i * ldc, ldc);
    for (; i < m; i++) dots_tile<1, COLUMNS>(k, a + i * lda, lda, b, ldb, bias, c + i * ldc, ldc);
}

// C[m, n] = A[m, k] B[n, k]ᵀ + bias: for the few columns of a narrow layer; rows of A and of B are contiguous, k is a
// multiple of LANES.
static inline void dots(long m, long n, long k, const float *a, long lda, const float *b, long ldb, const float *bias,
                        float *c, long ldc) {
    for (long j = 0, columns; j < n; j += columns) {
        const float *bj = b + j * ldb, *start = bias ? bias + j : nullptr;
        columns = n - j >= 4 ? 4 : n - j >= 2 ? 2 : 1;
        if (columns == 4)
            dots_columns<4>(m, k, a, lda, bj, ldb, start, c + j, ldc);
        else if (columns == 2)
            dots_columns<2>(m, k, a, lda, bj, ldb, start, c + j, ldc);
        else
            dots_columns<1>(m, k, a, lda, bj, ldb, start, c + j, ldc);
    }
}

}  // namespace native
