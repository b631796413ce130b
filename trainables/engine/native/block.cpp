// A block of training: member after member through the same schedule of updates, each member's arrays in the cache from
// its first update to its last.
#include <algorithm>
#include <vector>

#include "kernels.h"

using namespace native;

namespace {

constexpr int NETWORKS = 8;

}  // namespace

extern "C" {

// The loss of one player for one model and one batch, and its gradients (`trainables/engine/native/lowering.py` writes these).
typedef void (*Loss)(const Network *networks, const float *const *flats, float *const *gradients, const float *lam,
                     const float *x, const float *noise, const int64_t *dropout, float *loss, float *scratch);

struct Player {
    const Loss *losses;  // of each member
    long count;          // networks it trains
    long trained[NETWORKS];
};

struct Optimiser {  // of one network: arrays [M, size]
    float *parameters, *first, *second;
    long size;
    float clip;  // parameters are kept in [−clip, clip]; 0: anywhere
};

struct Update {  // one step of one player
    long player, batch;
    float correction;  // 1 / √(1 − β2ᵗ)
};

// indices [batches, M, rows] into data [points, x_dim]; noise_keys [M, 2]; dropout [updates, M, 2, 5];
// rates [updates, M]; kept [M], by which a step multiplies the parameters first, null for 1; losses [updates, M]. Step numbers count
// from `first_step`.
void train(long members, long count, Network *networks, const Optimiser *optimisers, const Player *players,
           long updates, const Update *schedule, long rows, long x_dim, long noise_dim, const float *data,
           const int64_t *indices, const int64_t *noise_keys, int64_t first_step, const int64_t *dropout,
           const float *rates, const float *lam, const float *beta1, const float *one_minus_beta1, const float *kept,
           float beta2, float one_minus_beta2, float epsilon, long scratch_size, float *losses) {
    std::vector<float> x(rows * x_dim), noise((rows * noise_dim + 63) / 64 * 64), scratch(scratch_size);
    std::vector<std::vector<float>> gradients, transposed;
    bool fresh[NETWORKS];
    for (long k = 0; k < count; k++) {
        gradients.emplace_back(optimisers[k].size, 0.0f);
        transposed.emplace_back(transposed_size(networks[k]) + 1);
        networks[k].transposed = transposed[k].data(), networks[k].fresh = fresh + k;
    }
    for (long m = 0; m < members; m++) {
        const float *flats[NETWORKS];
        float *into[NETWORKS];
        for (long k = 0; k < count; k++)
            flats[k] = optimisers[k].parameters + m * optimisers[k].size, into[k] = gradients[k].data(), fresh[k] = false;
        for (long u = 0; u < updates; u++) {
            const Update &update = schedule[u];
            const Player &player = players[update.player];
            const int64_t *points = indices + (update.batch * members + m) * rows;
            for (long i = 0; i < rows; i++)
                for (long j = 0; j < x_dim; j++) x[i * x_dim + j] = data[points[i] * x_dim + j];
            normals(noise_keys + 2 * m, first_step + u, noise.size(), noise.data());
            player.losses[m](networks, flats, into, lam + m, x.data(), noise.data(), dropout + (u * members + m) * 10,
                             losses + u * members + m, scratch.data());
            for (long t = 0; t < player.count; t++) {
                const long k = player.trained[t];
                const Optimiser &o = optimisers[k];
                const long at = m * o.size;
                if (kept && kept[m] != 1)
                    for (long i = at; i < at + o.size; i++) o.parameters[i] *= kept[m];
                adam(o.size, o.parameters + at, o.first + at, o.second + at, into[k], rates[u * members + m], beta1[m],
                     one_minus_beta1[m], beta2, one_minus_beta2, update.correction, epsilon);
                if (o.clip > 0)
                    for (long i = at; i < at + o.size; i++)
                        o.parameters[i] = std::min(o.clip, std::max(-o.clip, o.parameters[i]));
                fresh[k] = false;
            }
        }
    }
}
}
