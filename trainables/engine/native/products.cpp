// Matrix products of one model's linear layers, as torch lays their matrices: C[m, n] = start + A[m, k] B[k, n].
//
// A register tile (tiles.h) reads A element by element, and rows of B that are contiguous. Where the columns of B are
// contiguous instead, as of a layer's weights on the way forward, the transposed product is taken: Cᵀ = Bᵀ Aᵀ, with Aᵀ, a
// batch of points, packed into rows.
#include <algorithm>
#include <vector>

#include "kernels.h"
#include "tiles.h"

using namespace native;

namespace {

thread_local std::vector<float> packed;

// Columns from `from` on of B[k, n] as rows of so many floats, those beyond n zero.
const float *pack(Matrix b, long k, long n, long from, long ldb) {
    packed.assign((size_t)(k * ldb), 0.0f);
    for (long i = 0; i < k; i++)
        for (long j = from; j < n; j++) packed[(size_t)(i * ldb + j - from)] = b.data[i * b.row + j * b.column];
    return packed.data();
}

// C's columns `from` … `from` + columns.
void direct(long m, long from, long columns, long k, Matrix a, const float *b, long ldb, const float *start, long start_row,
            float *c, long ldc) {
    auto begin = [=](long i, long j, vec &p, vec &q) {
        p = q = vec{};
        if (!start) return;
        const float *s = start + i * start_row + from + j;
        if (j + PANEL <= columns) {
            p = at(s), q = at(s + LANES);
        } else {
            float some[PANEL] = {};
            std::copy(s, s + columns - j, some);
            p = at(some), q = at(some + LANES);
        }
    };
    auto finish = [=](long i, long j, vec p, vec q) {
        float *o = c + i * ldc + from + j;
        if (j + PANEL <= columns) {
            at(o) = p, at(o + LANES) = q;
        } else {
            float some[PANEL];
            at(some) = p, at(some + LANES) = q;
            std::copy(some, some + columns - j, o);
        }
    };
    product(m, (columns + PANEL - 1) / PANEL * PANEL, k, a, b, ldb, begin, finish);
}

// The transposed product: rows of the tile are columns of C.
void transposed(long m, long n, long k, Matrix a, Matrix b, const float *start, long start_row, float *c) {
    const long ldb = (m + PANEL - 1) / PANEL * PANEL;
    const float *points = pack({a.data, a.column, a.row}, k, m, 0, ldb);
    auto begin = [=](long j, long i, vec &p, vec &q) {
        p = q = vec{};
        if (!start) return;
        float some[PANEL] = {};
        for (long r = 0; r < PANEL && i + r < m; r++) some[r] = start[(i + r) * start_row + j];
        p = at(some), q = at(some + LANES);
    };
    auto finish = [=](long j, long i, vec p, vec q) {
        float some[PANEL];
        at(some) = p, at(some + LANES) = q;
        for (long r = 0; r < PANEL && i + r < m; r++) c[(i + r) * n + j] = some[r];
    };
    product(n, ldb, k, {b.data, b.column, b.row}, points, ldb, begin, finish);
}

}  // namespace

extern "C" {

// Element (i, j) of A at a[i · a_row + j · a_column], of B likewise, one of whose steps is 1; C [m, n] is contiguous. start is null,
// or its row i begins at start[i · start_row].
void matrix_product(long m, long n, long k, const float *a, long a_row, long a_column, const float *b, long b_row, long b_column,
                    const float *start, long start_row, float *c) {
    const Matrix left{a, a_row, a_column}, right{b, b_row, b_column};
    if (b_column != 1) return transposed(m, n, k, left, right, start, start_row, c);
    const long whole = n / PANEL * PANEL, rest = n - whole;
    if (whole) direct(m, 0, whole, k, left, b, b_row, start, start_row, c, n);
    if (rest) direct(m, whole, rest, k, left, pack(right, k, n, whole, PANEL), PANEL, start, start_row, c, n);
}
}
