// What the kernels share: their table for each instruction set, and what was found when the library was loaded.
#pragma once
#include "ggml4j.h"
#include "ggml-cpu.h"

typedef void (*g4_op)(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// Every op of ggml4j.h, without its prefix ggml4j_op_.
#define G4_OPS(X) \
    X(linear) X(linear_dx) X(linear_dw) X(embed) X(embed_back) X(layer_norm) X(layer_norm_dx) X(layer_norm_dw) \
    X(act) X(act_back) X(dropout) X(attention) X(attention_train) X(attention_train_back) X(cross_entropy) \
    X(sum_squares) X(adamw) X(sgd)

enum g4_transpose { G4_NO_TRANS = 111, G4_TRANS = 112 }; // cblas.h
typedef void (*g4_sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float * a, int lda,
                         const float * b, int ldb, float beta, float * c, int ldc);
typedef const struct ggml_type_traits_cpu * (*g4_cpu_traits)(enum ggml_type type);

extern g4_sgemm g4_cblas_sgemm;
extern g4_cpu_traits g4_traits;

// c[m, n] = a * b + beta * c, row-major
static inline void g4_gemm(int ta, int tb, int64_t m, int64_t n, int64_t k, const float * a, int64_t lda, const float * b,
                           int64_t ldb, float beta, float * c, int64_t ldc) {
    if (m > 0 && n > 0) {
        g4_cblas_sgemm(101, ta, tb, (int) m, (int) n, (int) k, 1.0f, a, (int) lda, b, (int) ldb, beta, c, (int) ldc);
    }
}

// Scratch memory of the calling thread, at least `bytes`, valid until its next call with the same slot. Aligned to 64.
enum { G4_SLOTS = 4 };
void * g4_scratch(int slot, size_t bytes);
