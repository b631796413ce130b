// Standard-normal numbers by Box and Muller's transformation of Philox words; `philox.normals` is the same in torch.
#include <cmath>
#include <vector>

#include "kernels.h"
#include "philox.h"

namespace native {

void normals(const int64_t *key, int64_t step, long count, float *out) {
    constexpr float TURN = 6.283185307179586f, UNIT = 1.0f / (1 << 24);
    static thread_local std::vector<float> uniform;
    const long half = count / 2;
    uniform.resize(count);
    float *a = uniform.data(), *b = a + half;
    uint32_t words[4 * STREAMS];
    for (long first = 0; first < half; first += 2 * STREAMS) {
        philox({(uint32_t)key[0], (uint32_t)key[1]}, (uint32_t)(first / 2), 0, 0, (uint32_t)step, words);
        for (int pair = 0; pair < 2; pair++)
            for (int i = 0; i < STREAMS; i++) {
                a[first + pair * STREAMS + i] = ((float)(int)(words[2 * pair * STREAMS + i] >> 8) + 0.5f) * UNIT;
                b[first + pair * STREAMS + i] = ((float)(int)(words[(2 * pair + 1) * STREAMS + i] >> 8) + 0.5f) * UNIT;
            }
    }
    // A loop for each function: a sine and a cosine together become a call that has no vector form.
#pragma GCC ivdep
    for (long i = 0; i < half; i++) a[i] = std::sqrt(-2.0f * std::log(a[i]));
#pragma GCC ivdep
    for (long i = 0; i < half; i++) out[i] = a[i] * std::cos(TURN * b[i]);
#pragma GCC ivdep
    for (long i = 0; i < half; i++) out[half + i] = a[i] * std::sin(TURN * b[i]);
}

}  // namespace native

extern "C" void normals_of(const int64_t *key, int64_t step, long count, float *out) {
    native::normals(key, step, count, out);
}
