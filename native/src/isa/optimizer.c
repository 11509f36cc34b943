// Optimizers. All parameters are one vector of n numbers.
#include "kernels.h"
#include "vec.h"

// Sums of g^2 over equal chunks of g. src = g (n); dst (chunks). Tasks split the chunks; sums of STRIDE numbers in float,
// their sum in double.
void G4_NAME(g4_sum_squares)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    const float * g = dst->src[0]->data;
    int64_t n = ggml_nelements(dst->src[0]), chunks = dst->ne[0];
    for (int64_t k = ith; k < chunks; k += nth) {
        int64_t from = n * k / chunks, to = n * (k + 1) / chunks;
        double sum = 0;
        enum { STRIDE = 4096 };
        for (int64_t s = from; s < to; s += STRIDE) {
            int64_t end = s + STRIDE < to ? s + STRIDE : to, i = s;
            vf part = vset(0.0f);
            for (; i + VL <= end; i += VL) {
                vf x = vload(g + i);
                part += x * x;
            }
            sum += vsum(part);
            for (; i < end; i++) sum += (double) g[i] * g[i];
        }
        ((float *) dst->data)[k] = (float) sum;
    }
}

// One step of AdamW for n parameters with weight decay `decay`.
static void adamw(float * p, float * g, float * m, float * v, int64_t n, const float * c, float decay) {
    const float lr = c[GGML4J_ADAMW_LR], b1 = c[GGML4J_ADAMW_BETA1], b2 = c[GGML4J_ADAMW_BETA2], eps = c[GGML4J_ADAMW_EPS];
    const float c1 = c[GGML4J_ADAMW_CORRECTION1], c2 = c[GGML4J_ADAMW_CORRECTION2], gs = c[GGML4J_ADAMW_GRAD_SCALE];
    const float keep = 1.0f - lr * decay;
    for (int64_t i = 0; i < n; i++) {
        float gi = g[i] * gs;
        float mi = b1 * m[i] + (1.0f - b1) * gi;
        float vi_ = b2 * v[i] + (1.0f - b2) * gi * gi;
        m[i] = mi;
        v[i] = vi_;
        p[i] = p[i] * keep - lr * (mi * c1) / (sqrtf(vi_ * c2) + eps);
        g[i] = 0.0f;
    }
}

// src = p (n), g (n), m (n), v (n), control (8); dst unused. Parameters [0, params->offset) decay, the others do not.
void G4_NAME(g4_adamw)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * params = userdata;
    float * p = dst->src[0]->data;
    float * g = dst->src[1]->data;
    float * m = dst->src[2]->data;
    float * v = dst->src[3]->data;
    const float * c = dst->src[4]->data;
    int64_t from, to, split = params->offset;
    g4_range(ggml_nelements(dst->src[0]), 1024, ith, nth, &from, &to);
    if (from < split) {
        int64_t end = to < split ? to : split;
        adamw(p + from, g + from, m + from, v + from, end - from, c, c[GGML4J_ADAMW_WEIGHT_DECAY]);
        from = end;
    }
    if (from < to) adamw(p + from, g + from, m + from, v + from, to - from, c, 0.0f);
}

// src = p (n), g (n), buf (n), control (7); dst unused
void G4_NAME(g4_sgd)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    float * p = dst->src[0]->data;
    float * g = dst->src[1]->data;
    float * buf = dst->src[2]->data;
    const float * c = dst->src[3]->data;
    const float lr = c[GGML4J_SGD_LR], momentum = c[GGML4J_SGD_MOMENTUM], dampening = c[GGML4J_SGD_DAMPENING];
    const float decay = c[GGML4J_SGD_WEIGHT_DECAY], gs = c[GGML4J_SGD_GRAD_SCALE];
    const int nesterov = c[GGML4J_SGD_NESTEROV] != 0.0f, first = c[GGML4J_SGD_FIRST_STEP] != 0.0f;
    int64_t from, to;
    g4_range(ggml_nelements(dst->src[0]), 1024, ith, nth, &from, &to);
    for (int64_t i = from; i < to; i++) {
        float gi = g[i] * gs + decay * p[i];
        if (momentum != 0.0f) {
            buf[i] = first ? gi : momentum * buf[i] + (1.0f - dampening) * gi;
            gi = nesterov ? gi + momentum * buf[i] : buf[i];
        }
        p[i] -= lr * gi;
        g[i] = 0.0f;
    }
}
