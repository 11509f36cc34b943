// Activation functions, dropout and embeddings. Shapes are row-major, the last dimension is contiguous.
#include "kernels.h"
#include "activation.h"

// y = f(x), any shape. src = x; dst = y
void G4_NAME(g4_activation_forward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    int64_t from, to;
    g4_range(ggml_nelements(dst), VL, ith, nth, &from, &to);
    g4_activate(p->activation, (const float *) dst->src[0]->data + from, (float *) dst->data + from, to - from);
}

// dx (n) = dy (n) f'(x (n))
INLINE void act_back(const int kind, const float * x, const float * dy, float * dx, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) vstore(dx + i, vload(dy + i) * vactivate_back(kind, vload(x + i)));
    if (i < n) {
        vf d = vload_part(dy + i, n - i, 0.0f) * vactivate_back(kind, vload_part(x + i, n - i, 0.0f));
        vstore_part(dx + i, d, n - i);
    }
}

// dx = dy f'(x), any shape. src = x, dy; dst = dx
void G4_NAME(g4_activation_backward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    int64_t from, to;
    g4_range(ggml_nelements(dst), VL, ith, nth, &from, &to);
    const float * x = (const float *) dst->src[0]->data + from;
    const float * dy = (const float *) dst->src[1]->data + from;
    float * dx = (float *) dst->data + from;
    int64_t n = to - from;
    switch (p->activation) {
        case GGML4J_ACT_GELU_NEW: act_back(GGML4J_ACT_GELU_NEW, x, dy, dx, n); break;
        case GGML4J_ACT_GELU: act_back(GGML4J_ACT_GELU, x, dy, dx, n); break;
        case GGML4J_ACT_RELU: act_back(GGML4J_ACT_RELU, x, dy, dx, n); break;
        case GGML4J_ACT_SILU: act_back(GGML4J_ACT_SILU, x, dy, dx, n); break;
        case GGML4J_ACT_TANH: act_back(GGML4J_ACT_TANH, x, dy, dx, n); break;
        case GGML4J_ACT_QUICK_GELU: act_back(GGML4J_ACT_QUICK_GELU, x, dy, dx, n); break;
        default: memcpy(dx, dy, (size_t) n * sizeof(float)); break;
    }
}

static uint64_t seed_of(const struct ggml_tensor * t) {
    const uint32_t * words = t->data;
    return words[0] | (uint64_t) words[1] << 32;
}

// y = [residual +] x keep / (1 - p), any shape; keep is 0 with probability p, else 1 (Srivastava et al. 2014). The backward pass
// is the same op on dy. src = x, seed (2), [residual]; dst = y
void G4_NAME(g4_dropout)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const float * x = dst->src[0]->data;
    const float * residual = p->has_residual ? dst->src[2]->data : NULL;
    float * y = dst->data;
    uint64_t stream = g4_stream(seed_of(dst->src[1]), (uint64_t) p->site);
    float rate = p->dropout, keep = 1.0f / (1.0f - rate);
    int64_t from, to;
    g4_range(ggml_nelements(dst), VL, ith, nth, &from, &to);
    for (int64_t i = from; i < to; i++) {
        float v = g4_draw(stream, (uint64_t) i) >= rate ? x[i] * keep : 0.0f;
        y[i] = residual != NULL ? residual[i] + v : v;
    }
}

// Returns row `row` of t (V, C) as floats: its address if t is F32, otherwise a copy in buffer (C).
static const float * row_as_floats(const struct ggml_tensor * t, int64_t row, float * buffer) {
    const char * data = (const char *) t->data + row * (int64_t) ggml_row_size(t->type, t->ne[0]);
    if (t->type == GGML_TYPE_F32) return (const float *) data;
    ggml_get_type_traits(t->type)->to_float(data, buffer, t->ne[0]);
    return buffer;
}

// y (M, C) = wte[tokens] + wpe[positions]. src = wte (V, C), wpe (P, C), tokens (M), positions (M); dst = y. Tasks split M.
void G4_NAME(g4_embedding_forward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    int64_t c = dst->ne[0], from, to;
    const int32_t * tokens = dst->src[2]->data;
    const int32_t * positions = dst->src[3]->data;
    float * buffer = g4_scratch(0, (size_t) (2 * c) * sizeof(float)); // (2, C)
    g4_range(dst->ne[1], 1, ith, nth, &from, &to);
    for (int64_t m = from; m < to; m++) {
        const float * a = row_as_floats(dst->src[0], tokens[m], buffer);
        const float * b = row_as_floats(dst->src[1], positions[m], buffer + c);
        float * y = (float *) dst->data + m * c;
        for (int64_t i = 0; i < c; i++) y[i] = a[i] + b[i];
    }
}

// dwte[tokens] += dy, dwpe[positions] += dy. src = dy (M, C), tokens (M), positions (M), dwte (V, C), dwpe (P, C); dst unused
void G4_NAME(g4_embedding_backward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    const struct ggml_tensor * dy = dst->src[0];
    const int32_t * tokens = dst->src[1]->data;
    const int32_t * positions = dst->src[2]->data;
    float * dwte = dst->src[3]->data;
    float * dwpe = dst->src[4]->data;
    int64_t c = dy->ne[0], from, to;
    g4_range(c, VL, ith, nth, &from, &to); // tasks split C, so that repeated tokens need no lock
    for (int64_t m = 0; m < dy->ne[1]; m++) {
        const float * d = (const float *) dy->data + m * c;
        float * t = dwte + tokens[m] * c;
        float * q = dwpe + positions[m] * c;
        for (int64_t i = from; i < to; i++) t[i] += d[i];
        for (int64_t i = from; i < to; i++) q[i] += d[i];
    }
}
