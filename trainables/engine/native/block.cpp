// A block of training: member after member through the same schedule of updates, each member's arrays in the cache from
// its first update to its last.
#include <algorithm>
#include <vector>

#include "kernels.h"

using namespace native;

namespace {

constexpr int NETWORKS = 8, STATES = 4;

}  // namespace

extern "C" {

// The loss of one player for one model and one batch, and its gradients (`trainables/engine/native/lowering.py` writes these).
typedef void (*Loss)(const Network *networks, const float *const *flats, float *const *gradients, const float *lam,
                     const float *x, const float *noise, const int64_t *dropout, float *loss, float *scratch);

// One step of an optimiser in place (`trainables/engine/native/steps.py` writes these); size is a multiple of 64.
typedef void (*Step)(long size, float *parameters, float *const *state, const float *gradient, const float *scalars);

struct Player {
    const Loss *losses;  // of each member
    long count;          // networks it trains
    long trained[NETWORKS];
};

struct Optimiser {  // of one network: arrays [M, size]
    float *parameters, *state[STATES];
    long states, size;
    float clip;  // parameters are kept in [−clip, clip]; 0: anywhere
};

struct Update {  // one step of one player
    long player, batch;
};

// What a block of training is a function of; its fields are those of `_Block` in block.py, in this order.
struct Block {
    long members, networks;
    Network *shapes;
    const Optimiser *optimisers;
    const Player *players;
    Step step;
    long updates;
    const Update *schedule;
    long first_member, end_member;  // of those that this call trains
    long rows, x_dim, noise_dim;
    const float *data;          // [points, x_dim]; or where there are no indices the member's own batches [batches, rows, x_dim]
    const int64_t *indices;     // into data, [batches, M, rows]; or null
    const int64_t *noise_keys;  // [M, 2]
    int64_t first_step;         // step numbers count from it
    const int64_t *dropout;     // [updates, M, 2, 5]
    const float *scalars;       // of the optimiser, [updates, M, scalar_count]
    long scalar_count;
    const float *lam;  // [M]
    long scratch_size;
    float *losses;  // [updates, M]
};

// Adam. scalars: rate, β1, 1 − β1, what a step leaves of a parameter before it goes down the gradient, 1 / √(1 − β2ᵗ), β2, 1 − β2, ε.
void adam_step(long size, float *parameters, float *const *state, const float *gradient, const float *scalars) {
    if (const float kept = scalars[3]; kept != 1)
        for (long i = 0; i < size; i++) parameters[i] *= kept;
    adam(size, parameters, state[0], state[1], gradient, scalars[0], scalars[1], scalars[2], scalars[5], scalars[6], scalars[4],
         scalars[7]);
}

void train(const Block *block) {
    const Block &b = *block;
    std::vector<float> x(b.rows * b.x_dim), noise((b.rows * b.noise_dim + 63) / 64 * 64), scratch(b.scratch_size);
    std::vector<std::vector<float>> gradients, transposed;
    bool fresh[NETWORKS];
    for (long k = 0; k < b.networks; k++) {
        gradients.emplace_back(b.optimisers[k].size, 0.0f);
        transposed.emplace_back(transposed_size(b.shapes[k]) + 1);
        b.shapes[k].transposed = transposed[k].data(), b.shapes[k].fresh = fresh + k;
    }
    for (long m = b.first_member; m < b.end_member; m++) {
        const float *flats[NETWORKS];
        float *into[NETWORKS];
        for (long k = 0; k < b.networks; k++)
            flats[k] = b.optimisers[k].parameters + m * b.optimisers[k].size, into[k] = gradients[k].data(), fresh[k] = false;
        for (long u = 0; u < b.updates; u++) {
            const Update &update = b.schedule[u];
            const Player &player = b.players[update.player];
            const int64_t *points = b.indices ? b.indices + (update.batch * b.members + m) * b.rows : nullptr;
            for (long i = 0; i < b.rows; i++) {
                const float *point = b.data + (points ? points[i] : update.batch * b.rows + i) * b.x_dim;
                for (long j = 0; j < b.x_dim; j++) x[i * b.x_dim + j] = point[j];
            }
            normals(b.noise_keys + 2 * m, b.first_step + u, noise.size(), noise.data());
            player.losses[m](b.shapes, flats, into, b.lam + m, x.data(), noise.data(), b.dropout + (u * b.members + m) * 10,
                             b.losses + u * b.members + m, scratch.data());
            for (long t = 0; t < player.count; t++) {
                const long k = player.trained[t];
                const Optimiser &o = b.optimisers[k];
                const long at = m * o.size;
                float *state[STATES];
                for (long s = 0; s < o.states; s++) state[s] = o.state[s] + at;
                b.step(o.size, o.parameters + at, state, into[k], b.scalars + (u * b.members + m) * b.scalar_count);
                if (o.clip > 0)
                    for (long i = at; i < at + o.size; i++)
                        o.parameters[i] = std::min(o.clip, std::max(-o.clip, o.parameters[i]));
                fresh[k] = false;
            }
        }
    }
}
}
