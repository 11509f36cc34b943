// ggml4j's own kernels: operations of GPT-2 as functions for ggml_custom_4d on the CPU backend, and a few helpers.
//
// Every ggml4j_op_* function has ggml's custom-op signature. Its inputs are dst->src[0..], its parameters are the
// ggml4j_params that `userdata` points to (owned by the caller, alive as long as the graph). All ith/nth tasks run
// it at once; an op never allocates from ggml, never aborts and gives the same bits for the same inputs and nth.
// Shapes below are ggml's order, fastest dimension first. All float tensors are contiguous unless said otherwise.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "ggml.h"

#if defined(_WIN32)
#  define GGML4J_API __declspec(dllexport)
#else
#  define GGML4J_API __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
extern "C" {
#endif

enum ggml4j_activation {
    GGML4J_ACT_NONE = 0,
    GGML4J_ACT_GELU_NEW = 1,    // 0.5 x (1 + tanh(sqrt(2/pi)(x + 0.044715 x^3))), HF gelu_new / gelu_pytorch_tanh
    GGML4J_ACT_GELU = 2,        // 0.5 x (1 + erf(x / sqrt 2))
    GGML4J_ACT_RELU = 3,
    GGML4J_ACT_SILU = 4,
    GGML4J_ACT_TANH = 5,
    GGML4J_ACT_QUICK_GELU = 6,  // x sigmoid(1.702 x)
};

struct ggml4j_params {
    int32_t activation;   // linear, act, act_back
    int32_t has_bias;     // linear: src[2] is the bias
    int32_t has_residual; // linear: the last source is added to the result
    int32_t n_head;       // attention
    int32_t n_seq;        // attention_train: sequences in the batch
    int32_t has_mask;     // attention_train: src has a padding mask
    int32_t ignore_index; // cross_entropy: label that is left out (-100)
    int32_t site;         // dropout: which dropout of the model this is (part of the random stream)
    float   eps;          // layer_norm
    float   scale;        // attention: factor on q.k, 1/sqrt(head size) in GPT-2
    float   dropout;      // probability of zeroing, 0 = off
    float   reserved;
    float   opt[8];       // optimizers, see there
    int64_t offset;       // adamw: elements [0, offset) decay, the rest do not
    const struct ggml_tensor * ahead; // linear: weights of the graph's next linear, or NULL: each task asks for the first of its
                                      // rows while it would wait for the others
};

// --- linear: dst[N, M] = act(src1[K, M] * src0[K, N]^T + bias[N]) + residual[N, M]
// src0 = weights, any ggml type that ggml computes with; src1 = x F32; then bias F32, residual F32 if flagged.
// Few rows (M small): each weight row is read once for all columns with ggml's vec_dot of the type (x converted to
// its vec_dot_type per thread). Many rows: single-threaded BLAS on each task's slice, weights converted to F32 in blocks.
GGML4J_API void ggml4j_op_linear(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// dst[K, M] = src1(dy)[N, M] * src0(W F32)[K, N]
GGML4J_API void ggml4j_op_linear_dx(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src0 = dy[N, M], src1 = x[K, M], src2 = dW[K, N] (+= dy^T x, in place), src3 = db[N] (+= sum over M) if has_bias. dst[1] unused.
GGML4J_API void ggml4j_op_linear_dw(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- embedding: dst[C, M] = wte[:, tokens[M]] (any type) + wpe[:, positions[M]] (any type). src = wte, wpe, tokens I32, positions I32
GGML4J_API void ggml4j_op_embed(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = dy[C, M], tokens, positions, dwte[C, V] (+=), dwpe[C, P] (+=). dst[1] unused. Deterministic (each task owns columns of C).
GGML4J_API void ggml4j_op_embed_back(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- layer_norm: dst[C, M] = (x - mean) / sqrt(var + eps) * w + b. src = x, w[C], b[C]
GGML4J_API void ggml4j_op_layer_norm(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// dst[C, M] = dx. src = x, w, dy[C, M]
GGML4J_API void ggml4j_op_layer_norm_dx(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = x, dy, dw[C] (+=), db[C] (+=). dst[1] unused
GGML4J_API void ggml4j_op_layer_norm_dw(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- activation, elementwise, accurate to a few ulp-ish (max relative error about 1e-6 against double)
GGML4J_API void ggml4j_op_act(struct ggml_tensor * dst, int ith, int nth, void * userdata);      // src = x
GGML4J_API void ggml4j_op_act_back(struct ggml_tensor * dst, int ith, int nth, void * userdata); // src = x, dy

// --- dropout: dst = x * keep / (1 - p), keep = ggml4j_uniform(seed, site, element index) >= p. Backward is the same op on dy.
// src = x, seed I32[2] (low and high word of a 64-bit seed). Optional residual as src[2] (has_residual): dst = residual + dropped x
GGML4J_API void ggml4j_op_dropout(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// counter-based, independent of threads: splitmix64-style finaliser over (seed, site, index); the Java mirror must give the same bits.
// uniform in [0,1) = (z >> 40) * 2^-24 with
//   z = seed + site * 0x9E3779B97F4A7C15 ; z = mix(z); z = mix(z + index * 0xD1B54A32D192ED03)   (all mod 2^64)
//   mix(z): z ^= z >> 30; z *= 0xBF58476D1CE4E5B9; z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31
GGML4J_API float ggml4j_uniform(uint64_t seed, uint64_t site, uint64_t index);

// --- attention for generation, over a shared pool of cache rows (no copies for shared prompts or beams)
// M tokens of any number of sequences at once, each attends to itself and to all earlier tokens of its sequence.
// src0 = qkv[3C, M] F32 (q, k, v of each token one behind the other)
// src1 = k cache[C, R], src2 = v cache[C, R] (F32 or F16): row `rows[m]` is written with token m's k and v
// src3 = rows I32[M]: cache row of token m
// src4 = seq I32[M]: which column of `table` belongs to token m
// src5 = pos I32[M]: how many tokens precede token m in its sequence (= its position)
// src6 = table I32[L, S]: table[p, s] = cache row of position p of sequence s, valid for p <= pos (includes this step's rows)
// dst[C, M] F32. Tasks are split by head (or by head and query where heads are few); writing comes before reading
// within a task's own heads, so no barrier is needed when split by heads alone.
GGML4J_API void ggml4j_op_attention(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- attention for training: B = n_seq sequences of T = M / B tokens, causal
// src = qkv[3C, M], seed I32[2] (used when dropout > 0; dropout index = ((b*NH + h)*T + q)*T + k), mask I32[M] if has_mask (0 = key left out,
// as HF's attention_mask; a query all of whose keys are masked attends uniformly to nothing: output 0). dst[C, M]
GGML4J_API void ggml4j_op_attention_train(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// dst[3C, M] = dqkv. src = qkv, dout[C, M], seed, mask if has_mask. Recomputes the probabilities.
GGML4J_API void ggml4j_op_attention_train_back(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- cross entropy over rows of logits: dst[R] = loss of each row (0 where label == ignore_index);
// src = logits[V, R] F32, labels I32[R], scale F32[1] (optional third: then logits are overwritten in place with
// scale * (softmax - onehot), zero for ignored rows)
GGML4J_API void ggml4j_op_cross_entropy(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- optimizers over flat buffers of n elements (n can exceed 2^31)
// sum of squares: src = g[n]; dst[64] = partial sums over 64 fixed equal chunks (independent of nth), accumulated in double
GGML4J_API void ggml4j_op_sum_squares(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = p[n], g[n], m[n], v[n], control F32[8] = {lr, beta1, beta2, eps, weight_decay, 1/(1-beta1^t), 1/(1-beta2^t), grad_scale}
// torch.optim.AdamW: g *= grad_scale; p *= 1 - lr*wd (elements below params->offset); m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
// p -= lr * (m*c1) / (sqrt(v*c2) + eps). g is set to zero. dst[1] unused
GGML4J_API void ggml4j_op_adamw(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = p, g, buf (momentum, optional when momentum = 0: pass p again), control F32[8] = {lr, momentum, dampening, weight_decay, nesterov, first_step, 0, grad_scale}
// torch.optim.SGD; g is set to zero
GGML4J_API void ggml4j_op_sgd(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- helpers outside graphs
// ggml's CPU traits come from the loaded CPU variant: the loader passes the addresses of ggml_get_type_traits_cpu and of cblas_sgemm
// (and openblas_set_num_threads, may be NULL) before any op runs. Returns 0, or -1 when one is missing.
GGML4J_API int ggml4j_init(void * get_type_traits_cpu, void * cblas_sgemm, void * openblas_set_num_threads);
// dst (out, in) = transpose of src (in, out), elements of 2 or 4 bytes, with n_threads threads
GGML4J_API void ggml4j_transpose(void * dst, const void * src, int64_t rows, int64_t cols, int element_size, int n_threads);
// the index of the first of n numbers that is NaN or infinite, of quantized types the first one of its block; -1 when all are
// finite. Any type of weights, searched with n_threads threads
GGML4J_API int64_t ggml4j_first_nonfinite(const void * data, enum ggml_type type, int64_t n, int n_threads);
// 1 when weights of a type can be multiplied with on this CPU: the type has a dot product, and conversions both ways
GGML4J_API int ggml4j_computes(enum ggml_type type);
// the instruction set the kernels chose: "avx512", "avx2", "baseline", "neon"
GGML4J_API const char * ggml4j_kernel_isa(void);
GGML4J_API size_t ggml4j_sizeof_params(void);

#ifdef __cplusplus
}
#endif
