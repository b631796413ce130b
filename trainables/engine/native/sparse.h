// Products whose left operand is half zeros: hidden units after a ReLU, errors on their way back through one.
//
// C[i, j] = Σ_k A[i, k] B[k, j] over the A[i, k] that are not zero, in the order of the dense product (`tiles.h`) and with
// its result: what is left out adds zero. (An infinite B times a zero would have been NaN; A's own NaN stay.)
#pragma once
#include <cstdint>
#include <vector>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "tiles.h"

namespace native {

constexpr long SLICE = 64;  // of k and of the columns of B: 16 KiB, half of an L1 cache
constexpr int ACROSS = SLICE / LANES;
constexpr double DENSE = 0.7;  // part of A that is not zero from which on the dense product is faster

#if defined(__AVX2__)

struct Orders {  // of each mask of eight lanes: the kept lanes' numbers, a byte each, the first kept lane first
    uint64_t bytes[256] = {};
    constexpr Orders() {
        for (int mask = 0; mask < 256; mask++)
            for (int lane = 0, place = 0; lane < 8; lane++)
                if (mask >> lane & 1) bytes[mask] |= (uint64_t)lane << 8 * place++;
    }
};

// Moves the lanes of `values` and `places` that are not zero in `values` to the front; returns how many.
static inline long compress(vec &values, ivec &places) {
#if defined(__AVX512F__)
    const __mmask16 kept = _mm512_cmp_ps_mask((__m512)values, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    values = (vec)_mm512_maskz_compress_ps(kept, (__m512)values);
    places = (ivec)_mm512_maskz_compress_epi32(kept, (__m512i)places);
    return __builtin_popcount(kept);
#else
    static constexpr Orders orders;
    const int kept = _mm256_movemask_ps(_mm256_cmp_ps((__m256)values, _mm256_setzero_ps(), _CMP_NEQ_UQ));
    const __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)orders.bytes[kept]));
    values = (vec)_mm256_permutevar8x32_ps((__m256)values, order);
    places = (ivec)_mm256_permutevar8x32_epi32((__m256i)places, order);
    return __builtin_popcount((unsigned)kept);
#endif
}

static inline __attribute__((always_inline)) vec pick(vec a, vec b, ivec from) {  // a's lanes are 0 …, b's LANES …
#if defined(__clang__)
    vec out;
    for (int l = 0; l < LANES; l++) out[l] = from[l] < LANES ? a[from[l]] : b[from[l] - LANES];
    return out;
#else
    return __builtin_shuffle(a, b, from);
#endif
}

template <int STEP>
static inline __attribute__((always_inline)) void exchange(vec *square) {
    ivec low, high;
    for (int l = 0; l < LANES; l++) low[l] = l & STEP ? LANES + l - STEP : l, high[l] = l & STEP ? LANES + l : l + STEP;
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++)
        if (!(i & STEP)) {
            const vec a = square[i], b = square[i + STEP];
            square[i] = pick(a, b, low), square[i + STEP] = pick(a, b, high);
        }
}

// A square of LANES × LANES, in place: blocks off the diagonal change sides, from single elements to halves.
static inline __attribute__((always_inline)) void transpose(vec *square) {
    exchange<1>(square), exchange<2>(square), exchange<4>(square);
    if constexpr (LANES == 16) exchange<8>(square);
}

// The non-zero elements of A [m, k]: of row i and slice s of k in list s·m + i, with their places in a slice of B.
class NonZeros {
   public:
    struct List {
        const float *values;
        const int *places;
        long count;
    };

    // Finds them; whether a sparse product with B [k, n] is the faster one. Either A's rows or its columns are contiguous.
    bool find(long m, long n, long k, Matrix a) {
        const bool columns = a.column != 1;
        // Columns are transposed first, which narrow products do not repay.
        if (n % SLICE || k % LANES || (columns && (m % LANES || a.row != 1 || n < 2 * SLICE))) return false;
        rows = m;
        const long lists = (k + SLICE - 1) / SLICE * m;
        if ((long)counts.size() < lists) counts.resize(lists), values.resize(lists * ROOM), places.resize(lists * ROOM);
        long found = 0;
        for (long first = 0; first < k; first += SLICE) {
            const long length = k - first < SLICE ? k - first : SLICE, list = first / SLICE * m;
            const float *from = a.data + first * a.column;
            if (columns)
                for (long i = 0; i < m; i += LANES) {
                    alignas(64) float turned[LANES * SLICE];
                    for (long p = 0; p < length; p += LANES) {
                        vec square[LANES];
                        for (int r = 0; r < LANES; r++) square[r] = at(from + (p + r) * a.column + i);
                        transpose(square);
                        for (int r = 0; r < LANES; r++) at(turned + r * SLICE + p) = square[r];
                    }
                    for (int r = 0; r < LANES; r++) found += collect(turned + r * SLICE, length, list + i + r);
                }
            else
                for (long i = 0; i < m; i++) found += collect(from + i * a.row, length, list + i);
        }
        return (double)found < DENSE * (double)(m * k);
    }

    List list(long slice, long row) const {
        const long l = slice * rows + row;
        return {values.data() + l * ROOM, places.data() + l * ROOM, counts[l]};
    }

   private:
    static constexpr long ROOM = SLICE + LANES;  // whole vectors are stored
    long rows = 0;
    std::vector<float> values;
    std::vector<int> places;
    std::vector<long> counts;

    long collect(const float *row, long length, long list) {
        long count = 0;
        ivec places_here;
        for (int l = 0; l < LANES; l++) places_here[l] = l * (int)SLICE;
        for (long p = 0; p < length; p += LANES, places_here += (int)(LANES * SLICE)) {
            vec v = at(row + p);
            ivec o = places_here;
            const long kept = compress(v, o);
            at(values.data() + list * ROOM + count) = v;
            *(ivec *)(places.data() + list * ROOM + count) = o;
            count += kept;
        }
        return counts[list] = count;
    }
};

// As `product`, of the A whose elements were found; n is a multiple of SLICE.
template <class Start, class Finish>
static inline void sparse_product(long m, long n, long k, const NonZeros &a, const float *b, long ldb, Start start,
                                  Finish finish) {
    static thread_local std::vector<float> partial;
    if ((long)partial.size() < m * SLICE) partial.resize(m * SLICE);
    float *const sums = partial.data();
    alignas(64) float slice[SLICE * SLICE];
    for (long j = 0; j < n; j += SLICE)
        for (long s = 0; s * SLICE < k; s++) {
            const long length = k - s * SLICE < SLICE ? k - s * SLICE : SLICE;
            for (long r = 0; r < length; r++)
                for (long c = 0; c < SLICE; c += LANES) at(slice + r * SLICE + c) = at(b + (s * SLICE + r) * ldb + j + c);
            const bool last = (s + 1) * SLICE >= k;
            for (long i = 0; i < m; i++) {
                const NonZeros::List list = a.list(s, i);
                float *between = sums + i * SLICE;
                vec c[ACROSS];
#pragma GCC unroll 8
                for (int v = 0; v < ACROSS; v += 2)
                    if (s == 0)
                        start(i, j + v * LANES, c[v], c[v + 1]);
                    else
                        c[v] = at(between + v * LANES), c[v + 1] = at(between + (v + 1) * LANES);
                for (long t = 0; t < list.count; t++) {
                    const float *row = slice + list.places[t];
                    const float value = list.values[t];
#pragma GCC unroll 8
                    for (int v = 0; v < ACROSS; v++) c[v] += value * at(row + v * LANES);
                }
#pragma GCC unroll 8
                for (int v = 0; v < ACROSS; v += 2)
                    if (last)
                        finish(i, j + v * LANES, c[v], c[v + 1]);
                    else
                        at(between + v * LANES) = c[v], at(between + (v + 1) * LANES) = c[v + 1];
            }
        }
}

#endif

// As `product`, of an A that a ReLU left: by its non-zero elements where the processor finds them fast, and that is faster.
template <class Start, class Finish>
static inline void product_of_units(long m, long n, long k, Matrix a, const float *b, long ldb, Start start,
                                    Finish finish) {
#if defined(__AVX2__)
    static thread_local NonZeros found;
    if (found.find(m, n, k, a)) return sparse_product(m, n, k, found, b, ldb, start, finish);
#endif
    product(m, n, k, a, b, ldb, start, finish);
}

}  // namespace native
