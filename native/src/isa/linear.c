// Matrix products with the weights of a linear layer. Few rows of x: every weight row is read once, for all of them. Many
// rows: single-threaded BLAS on each task's slice of the result, weights of other types widened to F32 in blocks.
#include "kernels.h"
#include "activation.h"
#include "unpack.h"

enum {
    MAX_COLUMNS = VL == 16 ? 64 : VL == 8 ? 32 : 16, // of x that are handled by tiles
    BLOCK_BYTES = 512 * 1024, // of widened weights, to stay in the second-level cache
    AHEAD_BYTES = 16 * 1024,  // of the next weights, asked for at the end of a product (measured: 4 to 64 KiB do the same)
    UNIT = 16,
};

struct epilogue {
    const float * bias;
    const float * residual;
    float * y;
    int64_t n;
    int activation;
};

static void finish(const struct epilogue * e, int64_t row, int64_t n0, int64_t n1) {
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

// --- dot products of plain types

INLINE vf widen(enum ggml_type type, const char * p) {
    switch (type) {
        case GGML_TYPE_F16: return vload_f16((const ggml_fp16_t *) p);
        case GGML_TYPE_BF16: return vload_bf16((const ggml_bf16_t *) p);
        default: return vload((const float *) p);
    }
}

INLINE float widen_one(enum ggml_type type, const char * p) {
    switch (type) {
        case GGML_TYPE_F16: return ggml_fp16_to_fp32(*(const ggml_fp16_t *) p);
        case GGML_TYPE_BF16: return ggml_bf16_to_fp32(*(const ggml_bf16_t *) p);
        default: return *(const float *) p;
    }
}

// A tile is as many rows of weights by columns of x as the registers hold sums of: few columns, slim; more, wide.
#if defined(__AVX512F__) || defined(__aarch64__)
enum { SLIM_ROWS = 4, SLIM_COLUMNS = 6, WIDE_ROWS = 6, WIDE_COLUMNS = 4, MOST_ROWS = 6, MOST_COLUMNS = 6 };
#else
enum { SLIM_ROWS = 4, SLIM_COLUMNS = 2, WIDE_ROWS = 2, WIDE_COLUMNS = 6, MOST_ROWS = 4, MOST_COLUMNS = 6 };
#endif

// Columns [c, c + C) of x as one panel: VL numbers of the first column, VL of the second, ..., the next VL of the first. A
// tile reads it in a straight line. The rest of k that fills no vector is left out.
static void pack(const float * x, int64_t k, int64_t columns, float * panel) {
    for (int64_t i = 0; i + VL <= k; i += VL) {
        for (int64_t c = 0; c < columns; c++, panel += VL) vstore(panel, vload(x + c * k + i));
    }
}

// y[c * ldy + r] for R weight rows and C columns. Meanwhile the rows that follow come into the cache: by the time this
// tile is done, as many bytes of them have been asked for as it has read.
INLINE void tile(enum ggml_type type, int size, const int R, const int C, const int fetch, const char * w, int64_t row_bytes,
                 const float * panel, const float * x, int64_t k, float * y, int64_t ldy) {
    vf acc[MOST_ROWS][MOST_COLUMNS];
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) acc[r][c] = vset(0.0f);
    const int step = R * VL * size, lines = step < 64 ? 1 : step / 64;
    const char * next = w + R * row_bytes;
    int64_t i = 0;
    for (; i + VL <= k; i += VL, panel += C * VL) {
        vf wv[MOST_ROWS];
        for (int r = 0; r < R; r++) wv[r] = widen(type, w + r * row_bytes + i * size);
        if (fetch) {
            for (int l = 0; l < lines; l++) __builtin_prefetch(next + i * size * R + 64 * l, 0, 3);
        }
        for (int c = 0; c < C; c++) {
            vf xv = vload(panel + c * VL);
            VKEEP(xv); // loaded once, not by each of the products
            for (int r = 0; r < R; r++) acc[r][c] += wv[r] * xv;
        }
    }
    for (int r = 0; r < R; r++) {
        for (int c = 0; c < C; c++) {
            float s = vsum(acc[r][c]);
            for (int64_t j = i; j < k; j++) s += widen_one(type, w + r * row_bytes + j * size) * x[c * k + j];
            y[c * ldy + r] = s;
        }
    }
}

INLINE void tile_of(enum ggml_type type, int size, const int R, int64_t columns, const int fetch, const char * w,
                    int64_t row_bytes, const float * panel, const float * x, int64_t k, float * y, int64_t ldy) {
    switch (columns) {
        case 1: tile(type, size, R, 1, fetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 2: tile(type, size, R, 2, fetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 3: tile(type, size, R, 3, fetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 4: tile(type, size, R, 4, fetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 5: tile(type, size, R, 5, fetch, w, row_bytes, panel, x, k, y, ldy); break;
        case 6: tile(type, size, R, 6, fetch, w, row_bytes, panel, x, k, y, ldy); break;
        default: break;
    }
}

// Rows [n0, n1), R at a time, with all columns; these are split evenly into tiles, so that none is left with a slow rest.
INLINE void rows_of(enum ggml_type type, int size, const int R, const int most, const char * w, int64_t row_bytes, const float * x,
                    int64_t k, int64_t m, int64_t n0, int64_t n1, float * y, int64_t n) {
    int64_t first[MAX_COLUMNS + 1] = {0}, tiles = (m + most - 1) / most, kv = k / VL * VL;
    float * panels = g4_scratch(0, (size_t) (m * kv) * sizeof(float));
    for (int64_t t = 0; t <= tiles; t++) first[t] = m * t / tiles;
    for (int64_t t = 0; t < tiles; t++) pack(x + first[t] * k, k, first[t + 1] - first[t], panels + first[t] * kv);
    int64_t i = n0;
    for (; i + R <= n1; i += R) {
        const char * wi = w + i * row_bytes;
        tile_of(type, size, R, first[1], 1, wi, row_bytes, panels, x, k, y + i, n);
        for (int64_t t = 1; t < tiles; t++) {
            int64_t c = first[t];
            tile_of(type, size, R, first[t + 1] - c, 0, wi, row_bytes, panels + c * kv, x + c * k, k, y + c * n + i, n);
        }
    }
    for (; i < n1; i++) {
        for (int64_t c = 0; c < m; c++) tile(type, size, 1, 1, 0, w + i * row_bytes, row_bytes, x + c * k, x + c * k, k, y + c * n + i, n);
    }
}

INLINE void few_plain(enum ggml_type type, int size, const char * w, int64_t row_bytes, const float * x, int64_t k, int64_t m,
                      int64_t n0, int64_t n1, float * y, int64_t n) {
    if (m <= SLIM_COLUMNS) rows_of(type, size, SLIM_ROWS, SLIM_COLUMNS, w, row_bytes, x, k, m, n0, n1, y, n);
    else rows_of(type, size, WIDE_ROWS, WIDE_COLUMNS, w, row_bytes, x, k, m, n0, n1, y, n);
}

// --- quantized weights with a few columns: the floats of a group of weights never leave the registers, and x stays exact

// As tile(), for the types of unpack.h.
INLINE void tile_quantized(enum ggml_type type, const int R, const int C, const uint8_t * w, int64_t row_bytes, const float * panel,
                           int64_t k, float * y, int64_t ldy) {
    vf acc[SLIM_ROWS][MOST_COLUMNS];
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) acc[r][c] = vset(0.0f);
    const int bytes = block_bytes(type), size = group_size(type), lines = (R * bytes + 63) / 64;
    const uint8_t * next = w + R * row_bytes;
    for (int64_t i = 0; i < k; w += bytes) {
        for (int l = 0; l < lines; l++) __builtin_prefetch(next + 64 * l, 0, 3);
        next += R * bytes;
        struct scales s[SLIM_ROWS];
        for (int r = 0; r < R; r++) scales_of(type, w + r * row_bytes, &s[r]);
        for (int g = 0; g < groups(type); g++, i += size, panel += size * C) {
            for (int r = 0; r < R; r++) {
                vf f[64 / VL];
                group_of(type, w + r * row_bytes, g, &s[r], f);
                for (int j = 0; j < size / VL; j++) {
                    for (int c = 0; c < C; c++) acc[r][c] += f[j] * vload(panel + (j * C + c) * VL);
                }
            }
        }
    }
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) y[c * ldy + r] = vsum(acc[r][c]);
}

INLINE void rows_quantized(enum ggml_type type, const int R, const int most, const uint8_t * w, int64_t row_bytes, const float * x,
                           int64_t k, int64_t m, int64_t n0, int64_t n1, float * y, int64_t n) {
    int64_t first[MAX_COLUMNS + 1] = {0}, tiles = (m + most - 1) / most;
    float * panels = g4_scratch(0, (size_t) (m * k) * sizeof(float));
    for (int64_t t = 0; t <= tiles; t++) first[t] = m * t / tiles;
    for (int64_t t = 0; t < tiles; t++) pack(x + first[t] * k, k, first[t + 1] - first[t], panels + first[t] * k);
    int64_t i = n0;
    for (; i + R <= n1; i += R) {
        const uint8_t * wi = w + i * row_bytes;
        for (int64_t t = 0; t < tiles; t++) {
            const float * panel = panels + first[t] * k;
            float * yt = y + first[t] * n + i;
            switch (first[t + 1] - first[t]) {
                case 1: tile_quantized(type, R, 1, wi, row_bytes, panel, k, yt, n); break;
                case 2: tile_quantized(type, R, 2, wi, row_bytes, panel, k, yt, n); break;
                case 3: tile_quantized(type, R, 3, wi, row_bytes, panel, k, yt, n); break;
                case 4: tile_quantized(type, R, 4, wi, row_bytes, panel, k, yt, n); break;
                case 5: tile_quantized(type, R, 5, wi, row_bytes, panel, k, yt, n); break;
                default: tile_quantized(type, R, 6, wi, row_bytes, panel, k, yt, n); break;
            }
        }
    }
    for (; i < n1; i++) {
        for (int64_t c = 0; c < m; c++) tile_quantized(type, 1, 1, w + i * row_bytes, row_bytes, x + c * k, k, y + c * n + i, n);
    }
}

INLINE void few_quantized_of(enum ggml_type type, const void * w, int64_t row_bytes, const float * x, int64_t k, int64_t m,
                             int64_t n0, int64_t n1, float * y, int64_t n) {
    if (m <= SLIM_COLUMNS || SLIM_COLUMNS == MOST_COLUMNS) {
        rows_quantized(type, SLIM_ROWS, SLIM_COLUMNS, w, row_bytes, x, k, m, n0, n1, y, n);
    } else {
        rows_quantized(type, 2, MOST_COLUMNS, w, row_bytes, x, k, m, n0, n1, y, n);
    }
}

static void few_quantized(enum ggml_type type, const void * w, int64_t row_bytes, const float * x, int64_t k, int64_t m, int64_t n0,
                          int64_t n1, float * y, int64_t n) {
    switch (type) {
        case GGML_TYPE_Q8_0: few_quantized_of(GGML_TYPE_Q8_0, w, row_bytes, x, k, m, n0, n1, y, n); break;
        case GGML_TYPE_Q4_0: few_quantized_of(GGML_TYPE_Q4_0, w, row_bytes, x, k, m, n0, n1, y, n); break;
        case GGML_TYPE_Q4_K: few_quantized_of(GGML_TYPE_Q4_K, w, row_bytes, x, k, m, n0, n1, y, n); break;
        case GGML_TYPE_Q5_K: few_quantized_of(GGML_TYPE_Q5_K, w, row_bytes, x, k, m, n0, n1, y, n); break;
        default: few_quantized_of(GGML_TYPE_Q6_K, w, row_bytes, x, k, m, n0, n1, y, n); break;
    }
}

// --- dot products of other quantized types, by ggml

static void few_by_ggml(enum ggml_type type, const char * w, int64_t row_bytes, const float * x, int64_t k, int64_t m,
                          int64_t n0, int64_t n1, float * y, int64_t n) {
    const struct ggml_type_traits_cpu * traits = g4_traits(type);
    const struct ggml_type_traits_cpu * activation = g4_traits(traits->vec_dot_type);
    size_t q_bytes = ggml_row_size(traits->vec_dot_type, k);
    size_t stride = (q_bytes + 63) & ~(size_t) 63;
    char * q = g4_scratch(0, stride * (size_t) m);
    for (int64_t c = 0; c < m; c++) {
        if (traits->vec_dot_type == GGML_TYPE_F32) {
            memcpy(q + (size_t) c * stride, x + c * k, (size_t) k * sizeof(float));
        } else {
            activation->from_float(x + c * k, q + (size_t) c * stride, k);
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

// The rows of w that belong to a task.
static void own_rows(const struct ggml_tensor * w, int ith, int nth, int64_t * n0, int64_t * n1) { g4_range(w->ne[1], 4, ith, nth, n0, n1); }

// Memory idles while tasks wait for each other and in the short ops between two products.
static void fetch_ahead(const struct ggml_tensor * w, int ith, int nth) {
    int64_t n0, n1, row_bytes = (int64_t) ggml_row_size(w->type, w->ne[0]);
    own_rows(w, ith, nth, &n0, &n1);
    const char * first = (const char *) w->data + n0 * row_bytes;
    for (int64_t i = 0; i < (n1 - n0) * row_bytes && i < AHEAD_BYTES; i += 64) __builtin_prefetch(first + i, 0, 2);
}

static void few(const struct ggml_tensor * w, const float * x, int64_t m, struct epilogue * e, int ith, int nth) {
    int64_t n0, n1;
    own_rows(w, ith, nth, &n0, &n1);
    const char * data = w->data;
    int64_t k = w->ne[0], row_bytes = (int64_t) ggml_row_size(w->type, k);
    switch (w->type) {
        case GGML_TYPE_F32: few_plain(GGML_TYPE_F32, 4, data, row_bytes, x, k, m, n0, n1, e->y, e->n); break;
        case GGML_TYPE_F16: few_plain(GGML_TYPE_F16, 2, data, row_bytes, x, k, m, n0, n1, e->y, e->n); break;
        case GGML_TYPE_BF16: few_plain(GGML_TYPE_BF16, 2, data, row_bytes, x, k, m, n0, n1, e->y, e->n); break;
        default:
            // For a single column ggml's products with x in eight bits are the faster ones where unpacking takes long.
            if (unpacks(w->type) && (m > 1 || w->type == GGML_TYPE_Q8_0 || w->type == GGML_TYPE_Q4_0)) {
                few_quantized(w->type, data, row_bytes, x, k, m, n0, n1, e->y, e->n);
            } else few_by_ggml(w->type, data, row_bytes, x, k, m, n0, n1, e->y, e->n);
            break;
    }
    for (int64_t row = 0; row < m; row++) finish(e, row, n0, n1);
}

static void many(const struct ggml_tensor * w, const float * x, int64_t m, struct epilogue * e, int ith, int nth) {
    int64_t k = w->ne[0], n = e->n;
    if (w->type == GGML_TYPE_F32 && m > n) {
        int64_t m0, m1;
        g4_range(m, UNIT, ith, nth, &m0, &m1);
        g4_gemm(G4_NO_TRANS, G4_TRANS, m1 - m0, n, k, x + m0 * k, k, w->data, k, 0.0f, e->y + m0 * n, n);
        for (int64_t row = m0; row < m1; row++) finish(e, row, 0, n);
        return;
    }
    int64_t n0, n1;
    g4_range(n, UNIT, ith, nth, &n0, &n1);
    if (w->type == GGML_TYPE_F32) {
        g4_gemm(G4_NO_TRANS, G4_TRANS, m, n1 - n0, k, x, k, (const float *) w->data + n0 * k, k, 0.0f, e->y + n0, n);
    } else {
        int64_t row_bytes = (int64_t) ggml_row_size(w->type, k);
        int64_t block = BLOCK_BYTES / (4 * k) / UNIT * UNIT;
        if (block < UNIT) block = UNIT;
        float * wide = g4_scratch(0, (size_t) (block * k) * sizeof(float));
        for (int64_t b = n0; b < n1; b += block) {
            int64_t rows = b + block < n1 ? block : n1 - b;
            for (int64_t r = 0; r < rows; r++) unpack(w->type, (const char *) w->data + (b + r) * row_bytes, wide + r * k, k);
            g4_gemm(G4_NO_TRANS, G4_TRANS, m, rows, k, x, k, wide, k, 0.0f, e->y + b, n);
        }
    }
    for (int64_t row = 0; row < m; row++) finish(e, row, n0, n1);
}

// Up to how many rows of x BLAS, which copies all weights into its own order first, is slower (measured with bench/).
static int64_t most_columns(enum ggml_type type) {
    int tiled = type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16 || unpacks(type);
    return tiled ? MAX_COLUMNS : 16;
}

void G4_NAME(g4_linear)(struct ggml_tensor * dst, int ith, int nth, void * userdata);
void G4_NAME(g4_linear)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const struct ggml_tensor * w = dst->src[0];
    int next = 2;
    struct epilogue e = {.y = dst->data, .n = dst->ne[0], .activation = p->activation};
    if (p->has_bias) e.bias = dst->src[next++]->data;
    if (p->has_residual) e.residual = dst->src[next++]->data;
    int64_t m = dst->ne[1];
    if (m <= most_columns(w->type)) {
        few(w, dst->src[1]->data, m, &e, ith, nth);
        if (p->ahead != NULL) fetch_ahead(p->ahead, ith, nth);
    } else {
        many(w, dst->src[1]->data, m, &e, ith, nth);
    }
}

void G4_NAME(g4_linear_dx)(struct ggml_tensor * dst, int ith, int nth, void * userdata);
void G4_NAME(g4_linear_dx)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    (void) userdata;
    const struct ggml_tensor * w = dst->src[0];
    const float * dy = dst->src[1]->data;
    int64_t k = w->ne[0], n = w->ne[1], m = dst->ne[1];
    float * dx = dst->data;
    int64_t from, to;
    if (m > k) {
        g4_range(m, UNIT, ith, nth, &from, &to);
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, to - from, k, n, dy + from * n, n, w->data, k, 0.0f, dx + from * k, k);
    } else {
        g4_range(k, UNIT, ith, nth, &from, &to);
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, m, to - from, n, dy, n, (const float *) w->data + from, k, 0.0f, dx + from, k);
    }
}

void G4_NAME(g4_linear_dw)(struct ggml_tensor * dst, int ith, int nth, void * userdata);
void G4_NAME(g4_linear_dw)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const float * dy = dst->src[0]->data;
    const float * x = dst->src[1]->data;
    float * dw = dst->src[2]->data;
    int64_t n = dst->src[0]->ne[0], m = dst->src[0]->ne[1], k = dst->src[1]->ne[0];
    int64_t from, to;
    if (n >= k) {
        g4_range(n, UNIT, ith, nth, &from, &to);
        g4_gemm(G4_TRANS, G4_NO_TRANS, to - from, k, m, dy + from, n, x, k, 1.0f, dw + from * k, k);
    } else {
        g4_range(k, UNIT, ith, nth, &from, &to);
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
