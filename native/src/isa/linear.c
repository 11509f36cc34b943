// A linear layer, forward and backward. Shapes are row-major with the last dimension contiguous:
//   x (M, K)   inputs, F32: one row for each token
//   w (N, K)   weights, any type that ggml computes with
//   bias (N)   F32
//   y (M, N)   outputs, F32
//
// Few rows of x ("skinny" gemm, a gemv if M = 1): every weight row is read once and multiplied with all rows of x. Built as
// in BLIS (Van Zee, van de Geijn 2015): a micro-kernel keeps the sums of MR rows of w by NR rows of x in registers, x is
// packed into panels of NR rows, a macro-kernel runs the micro-kernel over w and all panels.
// Many rows of x: each task calls single-threaded BLAS for its slice of y. Weights of other types than F32 are converted to
// F32 in blocks.
#include "kernels.h"
#include "activation.h"
#include "dequantize.h"

enum {
    SKINNY_MAX_M = VL == 16 ? 64 : VL == 8 ? 32 : 16, // most rows of x for the micro-kernels
    WEIGHT_BLOCK_BYTES = 512 * 1024, // F32 weights converted at a time; they stay in the second-level cache
    PREFETCH_BYTES = 16 * 1024,      // prefetched of the next layer's weights (measured: 4 to 64 KiB are equally fast)
    SPLIT_UNIT = 16,                 // tasks split M, N or K in multiples of it
};

// Follows the product: y = activation(y + bias) + residual.
struct epilogue {
    const float * bias;     // (N), or NULL
    const float * residual; // (M, N), or NULL
    float * y;              // (M, N)
    int64_t n;              // N
    int activation;         // enum ggml4j_activation
};

// For the elements [n0, n1) of one row of y.
static void epilogue_apply(const struct epilogue * e, int64_t row, int64_t n0, int64_t n1) {
    float * y = e->y + row * e->n;
    if (e->bias != NULL) {
        int64_t i = n0;
        for (; i + VL <= n1; i += VL) vstore(y + i, vload(y + i) + vload(e->bias + i));
        for (; i < n1; i++) y[i] += e->bias[i];
    }
    if (e->activation != GGML4J_ACT_NONE) g4_activate(e->activation, y + n0, y + n0, n1 - n0);
    if (e->residual != NULL) {
        const float * r = e->residual + row * e->n;
        int64_t i = n0;
        for (; i + VL <= n1; i += VL) vstore(y + i, vload(y + i) + vload(r + i));
        for (; i < n1; i++) y[i] += r[i];
    }
}

// --- skinny gemm with F32, F16 or BF16 weights

INLINE vf load_weights(enum ggml_type type, const char * p) {
    switch (type) {
        case GGML_TYPE_F16: return vload_f16((const ggml_fp16_t *) p);
        case GGML_TYPE_BF16: return vload_bf16((const ggml_bf16_t *) p);
        default: return vload((const float *) p);
    }
}

INLINE float load_weight(enum ggml_type type, const char * p) {
    switch (type) {
        case GGML_TYPE_F16: return ggml_fp16_to_fp32(*(const ggml_fp16_t *) p);
        case GGML_TYPE_BF16: return ggml_bf16_to_fp32(*(const ggml_bf16_t *) p);
        default: return *(const float *) p;
    }
}

// MR and NR of the micro-kernels, limited by the number of registers. NARROW is used up to M = NARROW_NR, WIDE above.
#if defined(__AVX512F__) || defined(__aarch64__)
enum { NARROW_MR = 4, NARROW_NR = 6, WIDE_MR = 6, WIDE_NR = 4, MAX_MR = 6, MAX_NR = 6 };
#else
enum { NARROW_MR = 4, NARROW_NR = 2, WIDE_MR = 2, WIDE_NR = 6, MAX_MR = 4, MAX_NR = 6 };
#endif

// x (nr, K) -> panel (K / VL, nr, VL): the order in which a micro-kernel reads it. The last K % VL numbers are left out.
static void pack_panel(const float * x, int64_t k, int64_t nr, float * panel) {
    for (int64_t i = 0; i + VL <= k; i += VL) {
        for (int64_t c = 0; c < nr; c++, panel += VL) vstore(panel, vload(x + c * k + i));
    }
}

// y[c * ldy + r] = w[r] . x[c] for MR rows of w (MR, K) and NR rows of x (NR, K), also given as its panel. With prefetch set,
// the MR rows of w that follow are prefetched meanwhile.
INLINE void micro_kernel(enum ggml_type type, int size, const int MR, const int NR, const int prefetch, const char * w,
                         int64_t row_bytes, const float * panel, const float * x, int64_t k, float * y, int64_t ldy) {
    vf acc[MAX_MR][MAX_NR];
    for (int r = 0; r < MR; r++)
        for (int c = 0; c < NR; c++) acc[r][c] = vset(0.0f);
    const int step = MR * VL * size, lines = step < 64 ? 1 : step / 64;
    const char * next = w + MR * row_bytes;
    int64_t i = 0;
    for (; i + VL <= k; i += VL, panel += NR * VL) {
        vf wv[MAX_MR];
        for (int r = 0; r < MR; r++) wv[r] = load_weights(type, w + r * row_bytes + i * size);
        if (prefetch) {
            for (int l = 0; l < lines; l++) __builtin_prefetch(next + i * size * MR + 64 * l, 0, 3);
        }
        for (int c = 0; c < NR; c++) {
            vf xv = vload(panel + c * VL);
            VKEEP(xv); // else the compiler loads it again for each row of w
            for (int r = 0; r < MR; r++) acc[r][c] += wv[r] * xv;
        }
    }
    for (int r = 0; r < MR; r++) {
        for (int c = 0; c < NR; c++) {
            float s = vsum(acc[r][c]);
            for (int64_t j = i; j < k; j++) s += load_weight(type, w + r * row_bytes + j * size) * x[c * k + j];
            y[c * ldy + r] = s;
        }
    }
}

// micro_kernel with nr as a constant.
INLINE void micro_kernel_nr(enum ggml_type type, int size, const int MR, int64_t nr, const int prefetch, const char * w,
                            int64_t row_bytes, const float * panel, const float * x, int64_t k, float * y, int64_t ldy) {
    switch (nr) {
        case 1: micro_kernel(type, size, MR, 1, prefetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 2: micro_kernel(type, size, MR, 2, prefetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 3: micro_kernel(type, size, MR, 3, prefetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 4: micro_kernel(type, size, MR, 4, prefetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 5: micro_kernel(type, size, MR, 5, prefetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 6: micro_kernel(type, size, MR, 6, prefetch, w, row_bytes, panel, x, k, y, ldy); break;
        default: break;
    }
}

// y (M, n) = x (M, K) w^T for the rows [n0, n1) of w. The M rows of x are split evenly into panels of at most max_nr rows, so
// that no panel is much smaller than the others. Panel p holds the rows [first[p], first[p + 1]).
INLINE void macro_kernel(enum ggml_type type, int size, const int MR, const int max_nr, const char * w, int64_t row_bytes,
                         const float * x, int64_t k, int64_t m, int64_t n0, int64_t n1, float * y, int64_t n) {
    int64_t first[SKINNY_MAX_M + 1] = {0}, count = (m + max_nr - 1) / max_nr, kv = k / VL * VL;
    float * panels = g4_scratch(0, (size_t) (m * kv) * sizeof(float));
    for (int64_t p = 0; p <= count; p++) first[p] = m * p / count;
    for (int64_t p = 0; p < count; p++) pack_panel(x + first[p] * k, k, first[p + 1] - first[p], panels + first[p] * kv);
    int64_t i = n0;
    for (; i + MR <= n1; i += MR) {
        const char * wi = w + i * row_bytes;
        micro_kernel_nr(type, size, MR, first[1], 1, wi, row_bytes, panels, x, k, y + i, n);
        for (int64_t p = 1; p < count; p++) {
            int64_t c = first[p];
            micro_kernel_nr(type, size, MR, first[p + 1] - c, 0, wi, row_bytes, panels + c * kv, x + c * k, k, y + c * n + i, n);
        }
    }
    for (; i < n1; i++) {
        for (int64_t c = 0; c < m; c++) {
            micro_kernel(type, size, 1, 1, 0, w + i * row_bytes, row_bytes, x + c * k, x + c * k, k, y + c * n + i, n);
        }
    }
}

INLINE void gemm_skinny_plain(enum ggml_type type, int size, const char * w, int64_t row_bytes, const float * x, int64_t k,
                              int64_t m, int64_t n0, int64_t n1, float * y, int64_t n) {
    if (m <= NARROW_NR) macro_kernel(type, size, NARROW_MR, NARROW_NR, w, row_bytes, x, k, m, n0, n1, y, n);
    else macro_kernel(type, size, WIDE_MR, WIDE_NR, w, row_bytes, x, k, m, n0, n1, y, n);
}

// --- skinny gemm with quantized weights that dequantize.h knows: weights are dequantized in registers, x stays F32

// As micro_kernel; K is a multiple of the type's block.
INLINE void micro_kernel_quantized(enum ggml_type type, const int MR, const int NR, const uint8_t * w, int64_t row_bytes,
                                   const float * panel, int64_t k, float * y, int64_t ldy) {
    vf acc[NARROW_MR][MAX_NR];
    for (int r = 0; r < MR; r++)
        for (int c = 0; c < NR; c++) acc[r][c] = vset(0.0f);
    const int bytes = block_bytes(type), size = group_size(type), lines = (MR * bytes + 63) / 64;
    const uint8_t * next = w + MR * row_bytes;
    for (int64_t i = 0; i < k; w += bytes) {
        for (int l = 0; l < lines; l++) __builtin_prefetch(next + 64 * l, 0, 3);
        next += MR * bytes;
        struct scales s[NARROW_MR];
        for (int r = 0; r < MR; r++) load_scales(type, w + r * row_bytes, &s[r]);
        for (int g = 0; g < groups(type); g++, i += size, panel += size * NR) {
            for (int r = 0; r < MR; r++) {
                vf f[64 / VL];
                dequantize_group(type, w + r * row_bytes, g, &s[r], f);
                for (int j = 0; j < size / VL; j++) {
                    for (int c = 0; c < NR; c++) acc[r][c] += f[j] * vload(panel + (j * NR + c) * VL);
                }
            }
        }
    }
    for (int r = 0; r < MR; r++)
        for (int c = 0; c < NR; c++) y[c * ldy + r] = vsum(acc[r][c]);
}

// As macro_kernel.
INLINE void macro_kernel_quantized(enum ggml_type type, const int MR, const int max_nr, const uint8_t * w, int64_t row_bytes,
                                   const float * x, int64_t k, int64_t m, int64_t n0, int64_t n1, float * y, int64_t n) {
    int64_t first[SKINNY_MAX_M + 1] = {0}, count = (m + max_nr - 1) / max_nr;
    float * panels = g4_scratch(0, (size_t) (m * k) * sizeof(float));
    for (int64_t p = 0; p <= count; p++) first[p] = m * p / count;
    for (int64_t p = 0; p < count; p++) pack_panel(x + first[p] * k, k, first[p + 1] - first[p], panels + first[p] * k);
    int64_t i = n0;
    for (; i + MR <= n1; i += MR) {
        const uint8_t * wi = w + i * row_bytes;
        for (int64_t p = 0; p < count; p++) {
            const float * panel = panels + first[p] * k;
            float * yp = y + first[p] * n + i;
            switch (first[p + 1] - first[p]) {
                case 1: micro_kernel_quantized(type, MR, 1, wi, row_bytes, panel, k, yp, n); break;
                case 2: micro_kernel_quantized(type, MR, 2, wi, row_bytes, panel, k, yp, n); break;
                case 3: micro_kernel_quantized(type, MR, 3, wi, row_bytes, panel, k, yp, n); break;
                case 4: micro_kernel_quantized(type, MR, 4, wi, row_bytes, panel, k, yp, n); break;
                case 5: micro_kernel_quantized(type, MR, 5, wi, row_bytes, panel, k, yp, n); break;
                default: micro_kernel_quantized(type, MR, 6, wi, row_bytes, panel, k, yp, n); break;
            }
        }
    }
    for (; i < n1; i++) {
        for (int64_t c = 0; c < m; c++) {
            micro_kernel_quantized(type, 1, 1, w + i * row_bytes, row_bytes, x + c * k, k, y + c * n + i, n);
        }
    }
}

INLINE void gemm_skinny_quantized_type(enum ggml_type type, const void * w, int64_t row_bytes, const float * x, int64_t k,
                                       int64_t m, int64_t n0, int64_t n1, float * y, int64_t n) {
    if (m <= NARROW_NR || NARROW_NR == MAX_NR) {
        macro_kernel_quantized(type, NARROW_MR, NARROW_NR, w, row_bytes, x, k, m, n0, n1, y, n);
    } else {
        macro_kernel_quantized(type, 2, MAX_NR, w, row_bytes, x, k, m, n0, n1, y, n);
    }
}

static void gemm_skinny_quantized(enum ggml_type type, const void * w, int64_t row_bytes, const float * x, int64_t k, int64_t m,
                                  int64_t n0, int64_t n1, float * y, int64_t n) {
    switch (type) {
        case GGML_TYPE_Q8_0: gemm_skinny_quantized_type(GGML_TYPE_Q8_0, w, row_bytes, x, k, m, n0, n1, y, n); break;
        case GGML_TYPE_Q4_0: gemm_skinny_quantized_type(GGML_TYPE_Q4_0, w, row_bytes, x, k, m, n0, n1, y, n); break;
        case GGML_TYPE_Q4_K: gemm_skinny_quantized_type(GGML_TYPE_Q4_K, w, row_bytes, x, k, m, n0, n1, y, n); break;
        case GGML_TYPE_Q5_K: gemm_skinny_quantized_type(GGML_TYPE_Q5_K, w, row_bytes, x, k, m, n0, n1, y, n); break;
        default: gemm_skinny_quantized_type(GGML_TYPE_Q6_K, w, row_bytes, x, k, m, n0, n1, y, n); break;
    }
}

// --- skinny gemm with all other quantized types: ggml's vec_dot of the type, with x converted to its vec_dot_type

static void gemm_skinny_vec_dot(enum ggml_type type, const char * w, int64_t row_bytes, const float * x, int64_t k, int64_t m,
                                int64_t n0, int64_t n1, float * y, int64_t n) {
    const struct ggml_type_traits_cpu * traits = g4_traits(type);
    const struct ggml_type_traits_cpu * x_traits = g4_traits(traits->vec_dot_type);
    size_t q_bytes = ggml_row_size(traits->vec_dot_type, k);
    size_t stride = (q_bytes + 63) & ~(size_t) 63;
    char * q = g4_scratch(0, stride * (size_t) m);
    for (int64_t c = 0; c < m; c++) {
        if (traits->vec_dot_type == GGML_TYPE_F32) {
            memcpy(q + (size_t) c * stride, x + c * k, (size_t) k * sizeof(float));
        } else {
            x_traits->from_float(x + c * k, q + (size_t) c * stride, k);
        }
    }
    for (int64_t i = n0; i < n1; i++) {
        const char * row = w + i * row_bytes;
        for (int64_t b = 0; b < row_bytes; b += 64) __builtin_prefetch(row + 2 * row_bytes + b, 0, 3);
        for (int64_t c = 0; c < m; c++) {
            traits->vec_dot((int) k, y + c * n + i, 0, row, 0, q + (size_t) c * stride, 0, 1);
        }
    }
}

// --- forward

// The rows [n0, n1) of w that task ith multiplies.
static void task_rows(const struct ggml_tensor * w, int ith, int nth, int64_t * n0, int64_t * n1) {
    g4_range(w->ne[1], 4, ith, nth, n0, n1);
}

// Prefetches the first of this task's rows of the next layer's weights: memory is idle while tasks wait for each other and
// during the short ops between two linear layers.
static void prefetch_next(const struct ggml_tensor * w, int ith, int nth) {
    int64_t n0, n1, row_bytes = (int64_t) ggml_row_size(w->type, w->ne[0]);
    task_rows(w, ith, nth, &n0, &n1);
    const char * first = (const char *) w->data + n0 * row_bytes;
    for (int64_t i = 0; i < (n1 - n0) * row_bytes && i < PREFETCH_BYTES; i += 64) __builtin_prefetch(first + i, 0, 2);
}

// Few rows of x: tasks split N.
static void gemm_skinny(const struct ggml_tensor * w, const float * x, int64_t m, struct epilogue * e, int ith, int nth) {
    int64_t n0, n1;
    task_rows(w, ith, nth, &n0, &n1);
    const char * data = w->data;
    int64_t k = w->ne[0], row_bytes = (int64_t) ggml_row_size(w->type, k);
    switch (w->type) {
        case GGML_TYPE_F32: gemm_skinny_plain(GGML_TYPE_F32, 4, data, row_bytes, x, k, m, n0, n1, e->y, e->n); break;
        case GGML_TYPE_F16: gemm_skinny_plain(GGML_TYPE_F16, 2, data, row_bytes, x, k, m, n0, n1, e->y, e->n); break;
        case GGML_TYPE_BF16: gemm_skinny_plain(GGML_TYPE_BF16, 2, data, row_bytes, x, k, m, n0, n1, e->y, e->n); break;
        default:
            // For a gemv with K types, ggml's products with x in eight bits are faster than dequantizing.
            if (can_dequantize(w->type) && (m > 1 || w->type == GGML_TYPE_Q8_0 || w->type == GGML_TYPE_Q4_0)) {
                gemm_skinny_quantized(w->type, data, row_bytes, x, k, m, n0, n1, e->y, e->n);
            } else gemm_skinny_vec_dot(w->type, data, row_bytes, x, k, m, n0, n1, e->y, e->n);
            break;
    }
    for (int64_t row = 0; row < m; row++) epilogue_apply(e, row, n0, n1);
}

// Many rows of x: tasks split the larger one of M and N if w is F32, N otherwise.
static void gemm_blas(const struct ggml_tensor * w, const float * x, int64_t m, struct epilogue * e, int ith, int nth) {
    int64_t k = w->ne[0], n = e->n;
    if (w->type == GGML_TYPE_F32 && m > n) {
        int64_t m0, m1;
        g4_range(m, SPLIT_UNIT, ith, nth, &m0, &m1);
        g4_gemm(G4_NO_TRANS, G4_TRANS, m1 - m0, n, k, x + m0 * k, k, w->data, k, 0.0f, e->y + m0 * n, n);
        for (int64_t row = m0; row < m1; row++) epilogue_apply(e, row, 0, n);
        return;
    }
    int64_t n0, n1;
    g4_range(n, SPLIT_UNIT, ith, nth, &n0, &n1);
    if (w->type == GGML_TYPE_F32) {
        g4_gemm(G4_NO_TRANS, G4_TRANS, m, n1 - n0, k, x, k, (const float *) w->data + n0 * k, k, 0.0f, e->y + n0, n);
    } else {
        int64_t row_bytes = (int64_t) ggml_row_size(w->type, k);
        int64_t block = WEIGHT_BLOCK_BYTES / (4 * k) / SPLIT_UNIT * SPLIT_UNIT;
        if (block < SPLIT_UNIT) block = SPLIT_UNIT;
        float * w_f32 = g4_scratch(0, (size_t) (block * k) * sizeof(float)); // (block, K)
        for (int64_t b = n0; b < n1; b += block) {
            int64_t rows = b + block < n1 ? block : n1 - b;
            for (int64_t r = 0; r < rows; r++) {
                dequantize_row(w->type, (const char *) w->data + (b + r) * row_bytes, w_f32 + r * k, k);
            }
            g4_gemm(G4_NO_TRANS, G4_TRANS, m, rows, k, x, k, w_f32, k, 0.0f, e->y + b, n);
        }
    }
    for (int64_t row = 0; row < m; row++) epilogue_apply(e, row, n0, n1);
}

// Up to this M, gemm_skinny is faster than BLAS, which copies all weights into an order of its own first (measured with bench/).
static int64_t skinny_max_m(enum ggml_type type) {
    int has_micro_kernel = type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || can_dequantize(type);
    return has_micro_kernel ? SKINNY_MAX_M : 16;
}

// y (M, N) = activation(x (M, K) w (N, K)^T + bias (N)) + residual (M, N). src = w, x, [bias], [residual]
void G4_NAME(g4_linear_forward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const struct ggml_tensor * w = dst->src[0];
    int next = 2;
    struct epilogue e = {.y = dst->data, .n = dst->ne[0], .activation = p->activation};
    if (p->has_bias) e.bias = dst->src[next++]->data;
    if (p->has_residual) e.residual = dst->src[next++]->data;
    int64_t m = dst->ne[1];
    if (m <= skinny_max_m(w->type)) {
        gemm_skinny(w, dst->src[1]->data, m, &e, ith, nth);
        if (p->next_weight != NULL) prefetch_next(p->next_weight, ith, nth);
    } else {
        gemm_blas(w, dst->src[1]->data, m, &e, ith, nth);
    }
}

// --- backward

// dx (M, K) = dy (M, N) w (N, K). src = w (F32), dy. Tasks split the larger one of M and K.
void G4_NAME(g4_linear_backward_dx)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    const struct ggml_tensor * w = dst->src[0];
    const float * dy = dst->src[1]->data;
    int64_t k = w->ne[0], n = w->ne[1], m = dst->ne[1];
    float * dx = dst->data;
    int64_t from, to;
    if (m > k) {
        g4_range(m, SPLIT_UNIT, ith, nth, &from, &to);
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, to - from, k, n, dy + from * n, n, w->data, k, 0.0f, dx + from * k, k);
    } else {
        g4_range(k, SPLIT_UNIT, ith, nth, &from, &to);
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, m, to - from, n, dy, n, (const float *) w->data + from, k, 0.0f, dx + from, k);
    }
}

// dw (N, K) += dy (M, N)^T x (M, K), db (N) += the sum of dy over M. src = dy, x, dw, [db]. Tasks split the larger one of N
// and K.
void G4_NAME(g4_linear_backward_dw)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const float * dy = dst->src[0]->data;
    const float * x = dst->src[1]->data;
    float * dw = dst->src[2]->data;
    int64_t n = dst->src[0]->ne[0], m = dst->src[0]->ne[1], k = dst->src[1]->ne[0];
    int64_t from, to;
    if (n >= k) {
        g4_range(n, SPLIT_UNIT, ith, nth, &from, &to);
        g4_gemm(G4_TRANS, G4_NO_TRANS, to - from, k, m, dy + from, n, x, k, 1.0f, dw + from * k, k);
    } else {
        g4_range(k, SPLIT_UNIT, ith, nth, &from, &to);
        g4_gemm(G4_TRANS, G4_NO_TRANS, n, to - from, m, dy, n, x + from, k, 1.0f, dw + from, k);
    }
    if (p->has_bias) {
        float * db = dst->src[3]->data;
        g4_range(n, VL, ith, nth, &from, &to);
        for (int64_t row = 0; row < m; row++) {
            const float * d = dy + row * n;
            for (int64_t i = from; i < to; i++) db[i] += d[i];
        }
    }
}
