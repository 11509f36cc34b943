// The activation functions of the MLP and their derivatives. Formulas: enum ggml4j_activation; ACT2FN in transformers.
#pragma once
#include "ggml4j.h"
#include "vec.h"

// The cumulative distribution function of the normal distribution, Phi(x) = 0.5 erfc(-x / sqrt 2). Maclaurin series of erf near
// zero, Chebyshev fit of erfc (Numerical Recipes, section 6.2) elsewhere: its relative error is small for negative x too.
INLINE vf vphi(vf x) {
    vf z = x * 0.7071067811865476f;
    vf az = vselect(z < 0.0f, -z, z);
    vf z2 = z * z;
    vf series = 0.5f + z * 0.5641895835477563f *
                (1.0f + z2 * (-0.33333333333f + z2 * (0.1f + z2 * (-0.023809523810f + z2 * (0.0046296296296f +
                z2 * (-0.00075757575758f + z2 * (0.00010683760684f + z2 * (-1.3227513228e-5f + z2 * 1.4589169001e-6f))))))));
    vf t = 1.0f / (1.0f + 0.5f * az);
    vf poly = -1.26551223f + t * (1.00002368f + t * (0.37409196f + t * (0.09678418f + t * (-0.18628806f +
              t * (0.27886807f + t * (-1.13520398f + t * (1.48851587f + t * (-0.82215223f + t * 0.17087277f))))))));
    vf tail = 0.5f * t * vexp(poly - z2);
    return vselect(az < 1.0f, series, vselect(z < 0.0f, tail, 1.0f - tail));
}

#define G4_SQRT_2_OVER_PI 0.7978845608028654f
#define G4_CUBIC 0.044715f

// y = f(x). GELU_NEW uses 0.5 (1 + tanh(z)) = sigmoid(2z).
INLINE vf vactivate(int kind, vf x) {
    switch (kind) {
        case GGML4J_ACT_GELU_NEW: return x * vsigmoid(2.0f * G4_SQRT_2_OVER_PI * x * (1.0f + G4_CUBIC * x * x));
        case GGML4J_ACT_GELU: return x * vphi(x);
        case GGML4J_ACT_RELU: return vmaxf(vset(0.0f), x);
        case GGML4J_ACT_SILU: return x * vsigmoid(x);
        case GGML4J_ACT_TANH: return vtanh(x);
        case GGML4J_ACT_QUICK_GELU: return x * vsigmoid(1.702f * x);
        default: return x;
    }
}

// d(x sigmoid(u)) / dx for du = du/dx. 1 - sigmoid(u) is computed as e s, because the difference loses digits.
INLINE vf vsigmoid_unit_back(vf x, vf u, vf du) {
    vf e = vexp(-u);
    vf s = 1.0f / (1.0f + e);
    return s + x * s * (e * s) * du;
}

// f'(x)
INLINE vf vactivate_back(int kind, vf x) {
    switch (kind) {
        case GGML4J_ACT_GELU_NEW:
            return vsigmoid_unit_back(x, 2.0f * G4_SQRT_2_OVER_PI * x * (1.0f + G4_CUBIC * x * x),
                                      (2.0f * G4_SQRT_2_OVER_PI) * (1.0f + 3.0f * G4_CUBIC * x * x));
        case GGML4J_ACT_GELU: return vphi(x) + x * 0.3989422804014327f * vexp(-0.5f * x * x);
        case GGML4J_ACT_RELU: return vselect(x > 0.0f, vset(1.0f), vset(0.0f));
        case GGML4J_ACT_SILU: return vsigmoid_unit_back(x, x, vset(1.0f));
        case GGML4J_ACT_TANH: {
            vf t = vtanh(x);
            return 1.0f - t * t;
        }
        case GGML4J_ACT_QUICK_GELU: return vsigmoid_unit_back(x, 1.702f * x, vset(1.702f));
        default: return vset(1.0f);
    }
}

// y (n) = f(x (n)) with `kind` as a constant; x and y may be the same.
INLINE void g4_activate_kind(const int kind, const float * x, float * y, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL) vstore(y + i, vactivate(kind, vload(x + i)));
    if (i < n) vstore_part(y + i, vactivate(kind, vload_part(x + i, n - i, 0.0f)), n - i);
}

// y (n) = f(x (n)); does nothing for GGML4J_ACT_NONE.
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
