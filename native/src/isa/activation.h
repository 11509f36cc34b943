// The activation functions of the MLP and their derivatives, over vectors.
#pragma once
#include "ggml4j.h"
#include "vec.h"

// erf by Abramowitz and Stegun 7.1.26 is not enough for float; this is erf(x) = 1 - t exp(-x^2 + P(t)), the rational
// Chebyshev fit of erfc in Numerical Recipes (erfcc), refined near zero by the Maclaurin series.
INLINE vf verf(vf x) {
    vf ax = vselect(x < 0.0f, -x, x);
    vf x2 = x * x;
    vf series = x * 1.1283791670955126f *
                (1.0f + x2 * (-0.33333333333f + x2 * (0.1f + x2 * (-0.023809523810f + x2 * (0.0046296296296f +
                x2 * (-0.00075757575758f + x2 * (0.00010683760684f + x2 * (-1.3227513228e-5f + x2 * 1.4589169001e-6f))))))));
    vf t = 1.0f / (1.0f + 0.5f * ax);
    vf poly = -1.26551223f + t * (1.00002368f + t * (0.37409196f + t * (0.09678418f + t * (-0.18628806f +
              t * (0.27886807f + t * (-1.13520398f + t * (1.48851587f + t * (-0.82215223f + t * 0.17087277f))))))));
    vf tail = 1.0f - t * vexp(-x2 + poly);
    tail = vselect(x < 0.0f, -tail, tail);
    return vselect(ax < 1.0f, series, tail);
}

#define G4_SQRT_2_OVER_PI 0.7978845608028654f
#define G4_CUBIC 0.044715f

INLINE vf vactivate(int kind, vf x) {
    switch (kind) {
        case GGML4J_ACT_GELU_NEW: return x * vsigmoid(2.0f * G4_SQRT_2_OVER_PI * x * (1.0f + G4_CUBIC * x * x));
        case GGML4J_ACT_GELU: return 0.5f * x * (1.0f + verf(x * 0.7071067811865476f));
        case GGML4J_ACT_RELU: return vmaxf(x, vset(0.0f));
        case GGML4J_ACT_SILU: return x * vsigmoid(x);
        case GGML4J_ACT_TANH: return vtanh(x);
        case GGML4J_ACT_QUICK_GELU: return x * vsigmoid(1.702f * x);
        default: return x;
    }
}

INLINE vf vactivate_back(int kind, vf x) {
    switch (kind) {
        case GGML4J_ACT_GELU_NEW: {
            vf s = vsigmoid(2.0f * G4_SQRT_2_OVER_PI * x * (1.0f + G4_CUBIC * x * x));
            return s + x * s * (1.0f - s) * (2.0f * G4_SQRT_2_OVER_PI) * (1.0f + 3.0f * G4_CUBIC * x * x);
        }
        case GGML4J_ACT_GELU:
            return 0.5f * (1.0f + verf(x * 0.7071067811865476f)) + x * 0.3989422804014327f * vexp(-0.5f * x * x);
        case GGML4J_ACT_RELU: return vselect(x > 0.0f, vset(1.0f), vset(0.0f));
        case GGML4J_ACT_SILU: {
            vf s = vsigmoid(x);
            return s + x * s * (1.0f - s);
        }
        case GGML4J_ACT_TANH: {
            vf t = vtanh(x);
            return 1.0f - t * t;
        }
        case GGML4J_ACT_QUICK_GELU: {
            vf s = vsigmoid(1.702f * x);
            return s + 1.702f * x * s * (1.0f - s);
        }
        default: return vset(1.0f);
    }
}

INLINE void g4_activate_kind(const int kind, const float * x, float * y, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) vstore(y + i, vactivate(kind, vload(x + i)));
    if (i < n) vstore_part(y + i, vactivate(kind, vload_part(x + i, n - i, 0.0f)), n - i);
}

static inline __attribute__((unused)) void g4_activate(int kind, const float * x, float * y, int64_t n) {
    switch (kind) {
        case GGML4J_ACT_GELU_NEW: g4_activate_kind(GGML4J_ACT_GELU_NEW, x, y, n); break;
        case GGML4J_ACT_GELU: g4_activate_kind(GGML4J_ACT_GELU, x, y, n); break;
        case GGML4J_ACT_RELU: g4_activate_kind(GGML4J_ACT_RELU, x, y, n); break;
        case GGML4J_ACT_SILU: g4_activate_kind(GGML4J_ACT_SILU, x, y, n); break;
        case GGML4J_ACT_TANH: g4_activate_kind(GGML4J_ACT_TANH, x, y, n); break;
        case GGML4J_ACT_QUICK_GELU: g4_activate_kind(GGML4J_ACT_QUICK_GELU, x, y, n); break;
        default: break;
    }
}
