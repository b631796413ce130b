// Adam in one pass over the arrays.
#include <cmath>

#include "kernels.h"

namespace native {

void adam(long size, float *parameters, float *first, float *second, const float *gradient, float rate, float beta1,
          float one_minus_beta1, float beta2, float one_minus_beta2, float correction, float epsilon) {
#pragma GCC ivdep
    for (long i = 0; i < size; i++) {
        const float g = gradient[i];
        const float u = first[i] * beta1 + g * one_minus_beta1, v = second[i] * beta2 + g * g * one_minus_beta2;
        first[i] = u, second[i] = v;
        parameters[i] -= u * rate / (std::sqrt(v) * correction + epsilon);
    }
}

}  // namespace native
