// The kernels of one model, for the block's loop and for the code that `trainables/engine/native/lowering.py` writes.
#pragma once
#include <cstdint>

namespace native {

struct Network {  // an MLP's shape; `networks.MLP` says how its parameters lie
    long inputs, width, depth, outputs;
    // Where the backward pass keeps transposed weights for the next one, and whether they are those of the parameters;
    // null: it transposes them each time.
    float *transposed = nullptr;
    bool *fresh = nullptr;
};

struct Convolution {  // between large images [h, w, inner] and small ones [oh, ow, outer]
    long batch, h, w, inner, oh, ow, outer, kh, kw, stride, padding;
};

// Floats of a network's transposed weights.
long transposed_size(const Network &network);

// Floats of hidden units that a forward pass over `rows` points leaves for the backward pass.
long saved_size(const Network &network, long rows);

// h [rows, inputs] -> y [rows, outputs]; dropout is key (two words), step, pass and rate in 1/65536, or null.
void mlp_forward(const Network &network, long rows, const float *flat, const float *h, const int64_t *dropout, float *y,
                 float *saved);

// dy [rows, outputs] -> dflat as flat (`add`: on top of what it holds) and dh as h; either may be null.
void mlp_backward(const Network &network, long rows, const float *flat, const float *h, const int64_t *dropout,
                  const float *saved, const float *dy, float *dflat, bool add, float *dh);

// `count` standard-normal numbers, a multiple of 64: the stream's key of two words, and the step.
void normals(const int64_t *key, int64_t step, long count, float *out);

// One step of Adam in place, as `adam.py` defines it; size is a multiple of 64.
void adam(long size, float *parameters, float *first, float *second, const float *gradient, float rate, float beta1,
          float one_minus_beta1, float beta2, float one_minus_beta2, float correction, float epsilon);

}  // namespace native
