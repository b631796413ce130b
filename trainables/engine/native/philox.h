// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): random bits as a function of a key
// and a counter. `trainables/randomness/philox.py` is the same function in torch.
#pragma once
#include <cstdint>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace native {

constexpr int STREAMS = 16;  // counters computed side by side

struct Key {
    uint32_t low, high;
};

// A 32-bit word lives in the lower half of 64 bits, where its product with another is one instruction; what is in the
// upper half is never read.
#if defined(__AVX512F__)
typedef uint64_t wide __attribute__((vector_size(64)));
static inline wide multiplied(wide x, uint32_t by) { return (wide)_mm512_mul_epu32((__m512i)x, _mm512_set1_epi64(by)); }
#elif defined(__AVX2__)
typedef uint64_t wide __attribute__((vector_size(32)));
static inline wide multiplied(wide x, uint32_t by) { return (wide)_mm256_mul_epu32((__m256i)x, _mm256_set1_epi64x(by)); }
#else
typedef uint64_t wide __attribute__((vector_size(32)));
static inline wide multiplied(wide x, uint32_t by) { return (x & 0xFFFFFFFFu) * by; }
#endif
constexpr int WIDE = sizeof(wide) / sizeof(uint64_t);
typedef uint32_t narrow __attribute__((vector_size(sizeof(wide) / 2), aligned(4), may_alias));

static inline void put(uint32_t *out, wide x) { *(narrow *)out = __builtin_convertvector(x, narrow); }

// words[w * STREAMS + i] = word w of counter (first + i, b, c, d), for i < STREAMS.
static inline void philox(Key key, uint32_t first, uint32_t b, uint32_t c, uint32_t d, uint32_t *words) {
    constexpr int SIDE = 2;  // vectors side by side: enough to hide a product's latency, few enough for the registers
    wide lanes;
    for (int j = 0; j < WIDE; j++) lanes[j] = (uint64_t)j;
    for (int start = 0; start < STREAMS; start += SIDE * WIDE) {
        wide x0[SIDE], x1[SIDE], x2[SIDE], x3[SIDE];
        for (int s = 0; s < SIDE; s++) {
            x0[s] = lanes + (uint64_t)(first + (uint32_t)(start + s * WIDE));
            x1[s] = wide{} + b, x2[s] = wide{} + c, x3[s] = wide{} + d;
        }
        Key k = key;
        for (int round = 0; round < 10; round++, k.low += 0x9E3779B9u, k.high += 0xBB67AE85u)
#pragma GCC unroll 2
            for (int s = 0; s < SIDE; s++) {
                const wide even = multiplied(x0[s], 0xD2511F53u), odd = multiplied(x2[s], 0xCD9E8D57u);
                x0[s] = (odd >> 32) ^ x1[s] ^ (uint64_t)k.low, x2[s] = (even >> 32) ^ x3[s] ^ (uint64_t)k.high;
                x1[s] = odd, x3[s] = even;
            }
        for (int s = 0; s < SIDE; s++, words += WIDE) {
            put(words, x0[s]), put(words + STREAMS, x1[s]);
            put(words + 2 * STREAMS, x2[s]), put(words + 3 * STREAMS, x3[s]);
        }
    }
}

}  // namespace native
