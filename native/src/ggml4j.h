// ggml4j's own kernels: the operations of GPT-2 as functions for ggml_custom_4d on the CPU backend, and a few helpers.
//
// Each ggml4j_op_* function has the signature of ggml's custom ops. Its inputs are dst->src[0..]. Its parameters are a struct
// ggml4j_params that `userdata` points to; the caller owns it and keeps it alive as long as the graph. ggml calls the function
// from nth threads at once, with ith = 0..nth-1. An op allocates no tensors, and aborts only if memory runs out. The same inputs
// and the same nth give the same bits.
//
// Shapes are row-major, the last dimension is contiguous: (M, K) is a tensor with ne = {K, M}. Letters:
//   B sequences, T tokens in each, M = B * T tokens, C channels, NH heads, HS = C / NH channels in each, V tokens of the
//   vocabulary, P positions, K inputs and N outputs of a linear layer, R rows of the cache or of logits
// Tensors are contiguous F32 if nothing else is said. [x]: optional source. (+=): the op adds to the source in place.
// "dst unused": the result is in the sources; dst has one element that is not written.
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

// Names are those of ACT2FN in transformers.
enum ggml4j_activation {
    GGML4J_ACT_NONE = 0,
    GGML4J_ACT_GELU_NEW = 1,    // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); also gelu_pytorch_tanh
    GGML4J_ACT_GELU = 2,        // 0.5 x (1 + erf(x / sqrt 2))
    GGML4J_ACT_RELU = 3,        // max(x, 0)
    GGML4J_ACT_SILU = 4,        // x sigmoid(x)
    GGML4J_ACT_TANH = 5,        // tanh(x)
    GGML4J_ACT_QUICK_GELU = 6,  // x sigmoid(1.702 x)
};

// The parameters of an op; each op reads only those that name it.
struct ggml4j_params {
    int32_t activation;   // linear_forward, activation_*: enum ggml4j_activation
    int32_t has_bias;     // linear_forward, linear_backward_dw: 1 if there is a bias
    int32_t has_residual; // linear_forward, dropout: 1 if the last source is added to the result
    int32_t n_head;       // attention_*: NH
    int32_t n_seq;        // attention_forward, attention_backward: B
    int32_t ignore_index; // cross_entropy: label of rows that are ignored (-100 in PyTorch)
    int32_t site;         // dropout, attention_forward, attention_backward: number of the dropout layer in the model
    float   eps;          // layernorm_*
    float   scale;        // attention_*: factor on q k^T, positive; 1 / sqrt(HS) in GPT-2
    float   dropout;      // dropout, attention_forward, attention_backward: probability of zeroing, 0 = off
    int64_t offset;       // adamw: weight decay applies to parameters [0, offset)
    const struct ggml_tensor * next_weight; // linear_forward: weight of the graph's next linear layer, or NULL; its first rows
                                            // are prefetched
};

// --- linear layer; w is any type that ggml computes with in the forward pass, F32 in the backward pass

// y (M, N) = activation(x (M, K) w (N, K)^T + bias (N)) + residual (M, N)
// src = w, x, [bias], [residual]; dst = y
GGML4J_API void ggml4j_op_linear_forward(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// dx (M, K) = dy (M, N) w (N, K)
// src = w, dy; dst = dx
GGML4J_API void ggml4j_op_linear_backward_dx(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// dw (N, K) += dy (M, N)^T x (M, K), db (N) += sum of dy over M
// src = dy, x, dw (+=), [db] (+=); dst unused
GGML4J_API void ggml4j_op_linear_backward_dw(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- embedding

// y (M, C) = wte[tokens] + wpe[positions]
// src = wte (V, C) of any type, wpe (P, C) of any type, tokens (M) I32, positions (M) I32; dst = y
GGML4J_API void ggml4j_op_embedding_forward(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = dy (M, C), tokens (M) I32, positions (M) I32, dwte (V, C) (+=), dwpe (P, C) (+=); dst unused
GGML4J_API void ggml4j_op_embedding_backward(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- layer normalization

// y (M, C) = (x - mean) / sqrt(variance + eps) * w + b
// src = x (M, C), w (C), b (C); dst = y
GGML4J_API void ggml4j_op_layernorm_forward(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = x (M, C), w (C), dy (M, C); dst = dx (M, C)
GGML4J_API void ggml4j_op_layernorm_backward_dx(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = x (M, C), dy (M, C), dw (C) (+=), db (C) (+=); dst unused
GGML4J_API void ggml4j_op_layernorm_backward_dw(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- activation function, any shape; relative error at most about 1e-6

// src = x; dst = f(x)
GGML4J_API void ggml4j_op_activation_forward(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = x, dy; dst = dx = dy f'(x)
GGML4J_API void ggml4j_op_activation_backward(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- dropout, any shape

// y = [residual +] x * keep / (1 - p), keep = ggml4j_uniform(seed, site, element index) >= p. Backward: the same op on dy.
// src = x, seed (2) I32: low and high word of a 64-bit seed, [residual]; dst = y
GGML4J_API void ggml4j_op_dropout(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// A random number in [0, 1) that depends on its arguments only. The code in Java and CUDA must give the same bits.
//   z = mix(seed + site * 0x9E3779B97F4A7C15), z = mix(z + index * 0xD1B54A32D192ED03), result (z >> 40) * 2^-24   (all mod 2^64)
//   mix(z): z ^= z >> 30; z *= 0xBF58476D1CE4E5B9; z ^= z >> 27; z *= 0x94D049BB133111EB; z ^= z >> 31
//   (the finalizer of SplitMix64)
GGML4J_API float ggml4j_uniform(uint64_t seed, uint64_t site, uint64_t index);

// --- causal self-attention

// For generation, over a pool of cache rows that sequences can share (prompts, beams). M tokens of any sequences; each attends to
// itself and to all earlier tokens of its sequence. Writes the keys and values of the M tokens into the cache, then reads it.
// Tasks split the heads.
// src = qkv (M, 3C): queries, keys and values of each token
//       k cache (R, C), v cache (R, C), F32 or F16: row rows[m] is written with the key and value of token m
//       rows (M) I32: cache row of each token
//       seq (M) I32: sequence of each token, an index into table
//       pos (M) I32: position of each token in its sequence
//       table (S, L) I32: cache row of each position of each sequence; [s, p] is read for p <= pos, the M tokens included
// dst (M, C)
GGML4J_API void ggml4j_op_attention_cached(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// For training: B whole sequences of T = M / B tokens. Tasks split the B * NH heads.
// src = qkv (B, T, 3C), seed (2) I32; dst (B, T, C)
// The seed is used if dropout > 0; the index of a probability is ((b * NH + h) * T + query) * T + key.
GGML4J_API void ggml4j_op_attention_forward(struct ggml_tensor * dst, int ith, int nth, void * userdata);
// src = qkv (B, T, 3C), dout (B, T, C), seed (2) I32; dst = dqkv (B, T, 3C). Computes the probabilities again.
GGML4J_API void ggml4j_op_attention_backward(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- cross entropy

// loss (R) = -log(softmax(logits)[label]), 0 for rows whose label is ignore_index
// src = logits (R, V), labels (R) I32, [scale (1)]; dst = loss
// With scale, logits are overwritten with their gradient: scale * (softmax(logits) - onehot(label)), 0 for ignored rows.
GGML4J_API void ggml4j_op_cross_entropy(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- optimizers; all parameters are one vector of n numbers, n can exceed 2^31

// dst (64) = sums of squares of 64 equal chunks of g, accumulated in double; the chunks do not depend on nth
// src = g (n)
GGML4J_API void ggml4j_op_sum_squares(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// Indices into `control` of adamw, for step t = 1, 2, ...
enum ggml4j_adamw_control {
    GGML4J_ADAMW_LR = 0,
    GGML4J_ADAMW_BETA1 = 1,
    GGML4J_ADAMW_BETA2 = 2,
    GGML4J_ADAMW_EPS = 3,
    GGML4J_ADAMW_WEIGHT_DECAY = 4,
    GGML4J_ADAMW_CORRECTION1 = 5, // 1 / (1 - beta1^t)
    GGML4J_ADAMW_CORRECTION2 = 6, // 1 / (1 - beta2^t)
    GGML4J_ADAMW_GRAD_SCALE = 7,  // factor on g, for clipping
};
// torch.optim.AdamW (Loshchilov, Hutter 2019, arXiv:1711.05101):
//   g *= grad_scale; p *= 1 - lr * weight_decay for parameters [0, offset)
//   m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2
//   p -= lr (m * correction1) / (sqrt(v * correction2) + eps); g = 0
// src = p (n), g (n), m (n), v (n), control (8); dst unused
GGML4J_API void ggml4j_op_adamw(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// Indices into `control` of sgd.
enum ggml4j_sgd_control {
    GGML4J_SGD_LR = 0,
    GGML4J_SGD_MOMENTUM = 1,
    GGML4J_SGD_DAMPENING = 2,
    GGML4J_SGD_WEIGHT_DECAY = 3,
    GGML4J_SGD_NESTEROV = 4,   // 0 or 1
    GGML4J_SGD_FIRST_STEP = 5, // 1 in the first step: buf becomes the gradient
    GGML4J_SGD_GRAD_SCALE = 6, // factor on g, for clipping
};
// torch.optim.SGD; g = 0 afterwards
// src = p (n), g (n), buf (n): momentum (p again if momentum is 0), control (7); dst unused
GGML4J_API void ggml4j_op_sgd(struct ggml_tensor * dst, int ith, int nth, void * userdata);

// --- helpers outside of graphs

// Must be called before any op runs. Takes the addresses of ggml_get_type_traits_cpu in the loaded CPU backend, of
// cblas_sgemm and of openblas_set_num_threads (NULL for another BLAS). Returns 0, or -1 if one of the first two is NULL.
GGML4J_API int ggml4j_init(void * get_type_traits_cpu, void * cblas_sgemm, void * openblas_set_num_threads);
// dst (cols, rows) = src (rows, cols)^T, elements of 2 or 4 bytes, with n_threads threads
GGML4J_API void ggml4j_transpose(void * dst, const void * src, int64_t rows, int64_t cols, int element_size, int n_threads);
// Returns the index of the first of n weights that is NaN or infinite, -1 if all are finite; for quantized types the index
// of the first weight of its block. Searches with n_threads threads.
GGML4J_API int64_t ggml4j_first_nonfinite(const void * data, enum ggml_type type, int64_t n, int n_threads);
// Returns 1 if linear_forward computes with weights of this type on this CPU, which needs a dot product and conversions both
// ways.
GGML4J_API int ggml4j_computes(enum ggml_type type);
// Returns the instruction set of the kernels in use: "avx512", "avx2", "baseline" or "neon".
GGML4J_API const char * ggml4j_kernel_isa(void);
// Returns sizeof(struct ggml4j_params), so that Java can check its own layout.
GGML4J_API size_t ggml4j_sizeof_params(void);

#ifdef __cplusplus
}
#endif
