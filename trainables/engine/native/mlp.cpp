// Multi-layer perceptrons of a cohort, forward and backward, one member after the other.
//
// The same function as `networks.MLP` in torch, which is its definition and its test. A member's activations stay in the
// cache from one layer to the next, biases, dropout and ReLU happen while a tile is in registers, and a member's result
// cannot depend on its neighbours: no instruction sees two members.
#include "kernels.h"

#include <vector>

#include "philox.h"
#include "sparse.h"
#include "tiles.h"

using namespace native;

namespace {

struct Shape : native::Network {
    long rows;
    Shape(const native::Network &network, long rows) : native::Network(network), rows(rows) {}
    // Floats from one row of an activation to the next: rows 512 bytes apart would share cache sets.
    long ld() const { return width % 128 ? width : width + 16; }
    long hidden() const { return rows * ld(); }
    long layer_inputs(long l) const { return l == 0 ? inputs : width; }
    // Where layer l's weight starts in the flat parameters; its bias follows the weight.
    long weight(long l) const {
        return l == 0 ? 0 : inputs * width + width + (l - 1) * (width * width + width);
    }
    long bias(long l) const { return weight(l) + layer_inputs(l) * (l == depth ? outputs : width); }
};

// A pass's dropout: Philox counters (block, layer, pass, step); a unit is dropped where its 16 bits are below `rate`.
struct Dropout {
    Key key;
    uint32_t step, pass, rate;
    explicit Dropout(const int64_t *v)
        : key{(uint32_t)v[0], (uint32_t)v[1]}, step((uint32_t)v[2]), pass((uint32_t)v[3]), rate((uint32_t)v[4]) {}
    float scale() const { return 65536.0f / (float)(65536 - rate); }
};

thread_local std::vector<uint32_t> words;
thread_local std::vector<float> weights, errors[2];

template <class T>
T *at_least(std::vector<T> &buffer, long size) {
    if ((long)buffer.size() < size) buffer.resize(size);
    return buffer.data();
}

// Random words for a layer's units, half a word each: unit u's bits are in word (u / 32) · 16 + u % 16, the upper half
// where u / 16 is odd.
const uint32_t *draw(const Dropout &d, long layer, long units) {
    constexpr long GROUP = 8 * STREAMS;
    const long groups = (units + GROUP - 1) / GROUP;
    uint32_t *out = at_least(words, groups * 4 * STREAMS);
    for (long g = 0; g < groups; g++)
        philox(d.key, (uint32_t)(g * STREAMS), (uint32_t)layer, d.pass, d.step, out + g * 4 * STREAMS);
    return out;
}

// relu(v) and ReLU's derivative pass NaN on, as torch's do.
vec relu(vec v) { return v < vec{} ? vec{} : v; }
vec through(vec h, vec g) { return h <= vec{} ? vec{} : g; }

void hidden_layer(const Shape &s, long l, const float *flat, Matrix in, float *out) {
    const float *bias = flat + s.bias(l), *weight = flat + s.weight(l);
    auto begin = [=](long, long j, vec &x, vec &y) { x = at(bias + j), y = at(bias + j + LANES); };
    auto finish = [=, ld = s.ld()](long i, long j, vec x, vec y) {
        float *o = out + i * ld + j;
        at(o) = relu(x), at(o + LANES) = relu(y);
    };
    if (l == 0)
        product(s.rows, s.width, s.inputs, in, weight, s.width, begin, finish);
    else
        product_of_units(s.rows, s.width, s.width, in, weight, s.width, begin, finish);
}

// Dropout after the ReLU, in a pass of its own: inside the product its constants would take registers from the tile.
void drop(const Shape &s, float *units, const uint32_t *drawn, const Dropout &d) {
    const int rate = (int)d.rate;
    const float scale = d.scale();
    for (long i = 0; i < s.rows; i++)
        for (long j = 0; j < s.width; j += LANES) {
            const unsigned long u = (unsigned long)(i * s.width + j);
            const ivec bits = *(const ivec *)(drawn + u / 32 * 16 + u % 16) >> (int)(u / 16 % 2 * 16) & 0xFFFF;
            vec &v = at(units + i * s.ld() + j);
            v *= bits >= rate ? vec{} + scale : vec{};
        }
}

void forward(const Shape &s, const float *flat, const float *h, const int64_t *dropout, float *y, float *saved) {
    Matrix in{h, s.inputs, 1};
    for (long l = 0; l < s.depth; l++) {
        float *out = saved + l * s.hidden();
        hidden_layer(s, l, flat, in, out);
        if (dropout && dropout[4]) {
            const Dropout d(dropout);
            drop(s, out, draw(d, l, s.rows * s.width), d);
        }
        in = {out, s.ld(), 1};
    }
    dots(s.rows, s.outputs, s.width, in.data, s.ld(), flat + s.weight(s.depth), s.width, flat + s.bias(s.depth), y,
         s.outputs);
}

// weight gradient [m, n] = A[m, rows] B[rows, n], on top of what is there if `add`; `units`: A are hidden units
void gradient(long m, long n, long rows, Matrix a, const float *b, long ldb, float *out, bool add, bool units) {
    auto finish = [=](long i, long j, vec x, vec y) { at(out + i * n + j) = x, at(out + i * n + j + LANES) = y; };
    auto from = [=](auto begin) {
        if (units)
            product_of_units(m, n, rows, a, b, ldb, begin, finish);
        else
            product(m, n, rows, a, b, ldb, begin, finish);
    };
    if (add)
        from([=](long i, long j, vec &x, vec &y) { x = at(out + i * n + j), y = at(out + i * n + j + LANES); });
    else
        from([](long, long, vec &x, vec &y) { x = vec{}, y = vec{}; });
}

void column_sums(long rows, long n, const float *a, long lda, float *out, bool add) {
    for (long j = 0; j < n; j += PANEL) {
        vec x = add ? at(out + j) : vec{}, y = add ? at(out + j + LANES) : vec{};
        for (long i = 0; i < rows; i++) x += at(a + i * lda + j), y += at(a + i * lda + j + LANES);
        at(out + j) = x, at(out + j + LANES) = y;
    }
}

void transpose(long n, const float *a, float *out, long ldo) {
    constexpr long BLOCK = 8;
    for (long i = 0; i < n; i += BLOCK)
        for (long j = 0; j < n; j += BLOCK)
            for (long c = 0; c < BLOCK; c++)
#pragma GCC unroll 8
                for (long r = 0; r < BLOCK; r++) out[(j + c) * ldo + i + r] = a[(i + r) * n + j + c];
}

// The transposed weights of the hidden layers but the first, one after the other.
const float *transposed_weights(const Shape &s, const float *flat) {
    float *out = s.transposed ? s.transposed : at_least(weights, transposed_size(s));
    if (!s.transposed || !*s.fresh)
        for (long l = 1; l < s.depth; l++) transpose(s.width, flat + s.weight(l), out + (l - 1) * s.width * s.ld(), s.ld());
    if (s.transposed) *s.fresh = true;
    return out;
}

void backward(const Shape &s, const float *flat, const float *h, const int64_t *dropout, const float *saved,
              const float *dy, float *dflat, bool add, float *dh) {
    const float scale = dropout && dropout[4] ? Dropout(dropout).scale() : 1.0f;
    float *error = at_least(errors[0], s.hidden()), *next = at_least(errors[1], s.hidden());
    const float *across = transposed_weights(s, flat);
    auto zero = [](long, long, vec &x, vec &y) { x = vec{}, y = vec{}; };
    auto below = [&](long l, float *out) {  // what an error becomes on its way through hidden layer l's ReLU and dropout
        const float *units = saved + l * s.hidden();
        return [=, ld = s.ld()](long i, long j, vec x, vec y) {
            const float *u = units + i * ld + j;
            float *o = out + i * ld + j;
            at(o) = through(at(u), x * scale), at(o + LANES) = through(at(u + LANES), y * scale);
        };
    };
    const float *top = saved + (s.depth - 1) * s.hidden();
    if (dflat) {
        gradient(s.outputs, s.width, s.rows, {dy, 1, s.outputs}, top, s.ld(), dflat + s.weight(s.depth), add,
                 false);
        float *bias = dflat + s.bias(s.depth);
        for (long j = 0; j < s.outputs; j++) {
            float total = add ? bias[j] : 0.0f;
            for (long i = 0; i < s.rows; i++) total += dy[i * s.outputs + j];
            bias[j] = total;
        }
    }
    product(s.rows, s.width, s.outputs, {dy, s.outputs, 1}, flat + s.weight(s.depth), s.width, zero,
            below(s.depth - 1, error));
    for (long l = s.depth - 1; l >= 0; l--) {
        if (dflat) {
            const Matrix in = l == 0 ? Matrix{h, 1, s.inputs} : Matrix{saved + (l - 1) * s.hidden(), 1, s.ld()};
            gradient(s.layer_inputs(l), s.width, s.rows, in, error, s.ld(), dflat + s.weight(l), add, l > 0);
            column_sums(s.rows, s.width, error, s.ld(), dflat + s.bias(l), add);
        }
        if (l > 0) {
            const float *weight = across + (l - 1) * s.width * s.ld();
            product_of_units(s.rows, s.width, s.width, {error, s.ld(), 1}, weight, s.ld(), zero, below(l - 1, next));
            std::swap(error, next);
        } else if (dh) {
            dots(s.rows, s.inputs, s.width, error, s.ld(), flat, s.width, nullptr, dh, s.inputs);
        }
    }
}

}  // namespace

namespace native {

long transposed_size(const Network &network) {
    return (network.depth - 1) * network.width * Shape(network, 0).ld();
}

long saved_size(const Network &network, long rows) { return Shape(network, rows).hidden() * network.depth; }

void mlp_forward(const Network &network, long rows, const float *flat, const float *h, const int64_t *dropout, float *y,
                 float *saved) {
    forward(Shape(network, rows), flat, h, dropout, y, saved);
}

void mlp_backward(const Network &network, long rows, const float *flat, const float *h, const int64_t *dropout,
                  const float *saved, const float *dy, float *dflat, bool add, float *dh) {
    backward(Shape(network, rows), flat, h, dropout, saved, dy, dflat, add, dh);
}

}  // namespace native

extern "C" {

long mlp_saved(const Network *network, long rows) { return saved_size(*network, rows); }

// flat [M, …] with members `stride` floats apart, h [M, rows, inputs], dropout [M, 5] or null
// -> y [M, rows, outputs], saved [M, mlp_saved].
void mlp_forward(const Network *network, long members, long rows, const float *flat, long stride, const float *h,
                 const int64_t *dropout, float *y, float *saved) {
    for (long m = 0; m < members; m++)
        native::mlp_forward(*network, rows, flat + m * stride, h + m * rows * network->inputs,
                            dropout ? dropout + 5 * m : nullptr, y + m * rows * network->outputs,
                            saved + m * saved_size(*network, rows));
}

// dy [M, rows, outputs] -> dflat [M, …] as flat, dh as h; either null: not wanted.
void mlp_backward(const Network *network, long members, long rows, const float *flat, long stride, const float *h,
                  const int64_t *dropout, const float *saved, const float *dy, float *dflat, long dstride, float *dh) {
    for (long m = 0; m < members; m++)
        native::mlp_backward(*network, rows, flat + m * stride, h + m * rows * network->inputs,
                             dropout ? dropout + 5 * m : nullptr, saved + m * saved_size(*network, rows),
                             dy + m * rows * network->outputs, dflat ? dflat + m * dstride : nullptr, false,
                             dh ? dh + m * rows * network->inputs : nullptr);
}
}
