// Shared by the kernels: the list of ops, their prototypes, BLAS, ggml's CPU traits and scratch memory.
#pragma once
#include "ggml4j.h"
#include "ggml-cpu.h"

typedef void (*g4_op)(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// Every op of ggml4j.h, without its prefix ggml4j_op_. An op NAME is implemented as g4_NAME_ISA for each instruction set.
#define G4_OPS(X) \
    X(linear_forward) X(linear_backward_dx) X(linear_backward_dw) \
    X(embedding_forward) X(embedding_backward) \
    X(layernorm_forward) X(layernorm_backward_dx) X(layernorm_backward_dw) \
    X(activation_forward) X(activation_backward) \
    X(dropout) \
    X(attention_cached) X(attention_forward) X(attention_backward) \
    X(cross_entropy) \
    X(sum_squares) X(adamw) X(sgd)

#define G4_JOIN2(a, b) a##_##b
#define G4_JOIN(a, b) G4_JOIN2(a, b)
// Declares op `name` for instruction set `isa`.
#define G4_PROTOTYPE(name, isa) void G4_JOIN(g4_##name, isa)(struct ggml_tensor * dst, int ith, int nth, void * userdata);

#if defined(GGML4J_ISA) // the instruction set that a file in isa/ is compiled for
#  define G4_NAME(name) G4_JOIN(name, GGML4J_ISA)
#  define G4_DECLARE(name) G4_PROTOTYPE(name, GGML4J_ISA)
G4_OPS(G4_DECLARE)
#endif

enum g4_transpose { G4_NO_TRANS = 111, G4_TRANS = 112 }; // cblas.h
typedef void (*g4_sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float * a, int lda,
                         const float * b, int ldb, float beta, float * c, int ldc);
typedef const struct ggml_type_traits_cpu * (*g4_cpu_traits)(enum ggml_type type);

// Set by ggml4j_init.
extern g4_sgemm g4_cblas_sgemm;
extern g4_cpu_traits g4_traits;

// c (m, n) = op(a) (m, k) op(b) (k, n) + beta * c, row-major; op transposes if ta or tb is G4_TRANS. lda, ldb, ldc: numbers from
// one row to the next, as stored.
static inline void g4_gemm(int ta, int tb, int64_t m, int64_t n, int64_t k, const float * a, int64_t lda, const float * b,
                           int64_t ldb, float beta, float * c, int64_t ldc) {
    if (m > 0 && n > 0) {
        g4_cblas_sgemm(101, ta, tb, (int) m, (int) n, (int) k, 1.0f, a, (int) lda, b, (int) ldb, beta, c, (int) ldc);
    }
}

// Returns scratch memory of the calling thread: at least `bytes`, aligned to 64, valid until its next call with this slot.
enum { G4_SLOTS = 4 };
void * g4_scratch(int slot, size_t bytes);
