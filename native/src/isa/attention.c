// Causal self-attention (Vaswani et al. 2017, arXiv:1706.03762; GPT2Attention in transformers): over a key-value cache for
// generation, within whole sequences for training.
//
// B sequences of T tokens, C channels, NH heads of HS = C / NH channels. Shapes are row-major, the last dimension is
// contiguous: qkv (B, T, 3, NH, HS), so the queries of one head are HS of every 3C numbers.
#include "kernels.h"
#include "vec.h"

enum { QUERY_BLOCK = 64 };

INLINE float dot(const float * a, const float * b, int64_t n) {
    vf s0 = vset(0.0f), s1 = vset(0.0f);
    int64_t i = 0;
    for (; i + 2 * VL <= n; i += 2 * VL) {
        s0 += vload(a + i) * vload(b + i);
        s1 += vload(a + i + VL) * vload(b + i + VL);
    }
    for (; i + VL <= n; i += VL) s0 += vload(a + i) * vload(b + i);
    float s = vsum(s0 + s1);
    for (; i < n; i++) s += a[i] * b[i];
    return s;
}

// The numerators of softmax(scale * x) in place: x (n) = exp(scale * (x - max(x))). Returns their sum, the denominator; 0 if all
// x are -inf, which then become 0. scale must be positive.
static float softmax_numerators(float * x, int64_t n, float scale) {
    vf top = vset(-INFINITY);
    int64_t i = 0;
    for (; i + VL <= n; i += VL) top = vmaxf(top, vload(x + i));
    if (i < n) top = vmaxf(top, vload_part(x + i, n - i, -INFINITY));
    float max = vmaxall(top);
    if (max == -INFINITY) { // all keys are masked
        memset(x, 0, (size_t) n * sizeof(float));
        return 0.0f;
    }
    vf sum = vset(0.0f);
    for (i = 0; i + VL <= n; i += VL) {
        vf e = vexp((vload(x + i) - max) * scale);
        vstore(x + i, e);
        sum += e;
    }
    float total = vsum(sum);
    if (i < n) {
        vf e = vexp((vload_part(x + i, n - i, -INFINITY) - max) * scale);
        vstore_part(x + i, e, n - i);
        total += vsum(e); // lanes from n on are exp(-inf) = 0
    }
    return total;
}

// --- generation

struct kv_cache {
    const struct ggml_tensor * k; // (R, C), F32 or F16
    const struct ggml_tensor * v; // (R, C), as k
    const int32_t * rows;         // (M): cache row of each token
    const int32_t * seq;          // (M): sequence of each token
    const int32_t * pos;          // (M): position of each token in its sequence
    const int32_t * table;        // (S, L): cache row of each position of each sequence
    int64_t table_width;          // L
};

// The cache rows of the sequence that token m belongs to.
static const int32_t * sequence_rows(const struct kv_cache * s, int64_t m) { return s->table + s->seq[m] * s->table_width; }

// Writes x (n) to channels [first, first + n) of a row of the cache.
static void cache_store(const struct ggml_tensor * t, int64_t row, int64_t first, const float * x, int64_t n) {
    if (t->type == GGML_TYPE_F16) {
        ggml_fp16_t * to = (ggml_fp16_t *) t->data + row * t->ne[0] + first;
        int64_t i = 0;
        for (; i + VL <= n; i += VL) vstore_f16(to + i, vload(x + i));
        for (; i < n; i++) to[i] = ggml_fp32_to_fp16(x[i]);
    } else {
        memcpy((float *) t->data + row * t->ne[0] + first, x, (size_t) n * sizeof(float));
    }
}

// Reads channels [first, first + n) of a row of the cache into x (n).
static void cache_load(const struct ggml_tensor * t, int64_t row, int64_t first, float * x, int64_t n) {
    if (t->type == GGML_TYPE_F16) {
        const ggml_fp16_t * from = (const ggml_fp16_t *) t->data + row * t->ne[0] + first;
        int64_t i = 0;
        for (; i + VL <= n; i += VL) vstore(x + i, vload_f16(from + i));
        for (; i < n; i++) x[i] = ggml_fp16_to_fp32(from[i]);
    } else {
        memcpy(x, (const float *) t->data + row * t->ne[0] + first, (size_t) n * sizeof(float));
    }
}

INLINE vf load_cached(const int half, const void * p, int64_t i) {
    return half ? vload_f16((const ggml_fp16_t *) p + i) : vload((const float *) p + i);
}

INLINE float load_cached_scalar(const int half, const void * p, int64_t i) {
    return half ? ggml_fp16_to_fp32(((const ggml_fp16_t *) p)[i]) : ((const float *) p)[i];
}

// p[i] (+)= q . k[rows[i]] over N * VL channels, for n cache rows. `data` is the first of these channels in cache row 0, `stride`
// the bytes of a cache row. With add, the products are added to p.
INLINE void query_key_dots(const int half, const int N, const char * data, const int32_t * rows, int64_t n, int64_t stride,
                           const float * q, const int add, float * p) {
    vf qv[8];
    for (int j = 0; j < N; j++) qv[j] = vload(q + j * VL);
    for (int64_t i = 0; i < n; i++) {
        const char * k = data + rows[i] * stride;
        vf s = qv[0] * load_cached(half, k, 0);
        for (int j = 1; j < N; j++) s += qv[j] * load_cached(half, k, j * VL);
        p[i] = add ? p[i] + vsum(s) : vsum(s);
    }
}

// y = factor * sum over i of p[i] * v[rows[i]], over N * VL channels.
INLINE void weighted_values(const int half, const int N, const char * data, const int32_t * rows, int64_t n, int64_t stride,
                            const float * p, float factor, float * y) {
    vf acc[8];
    for (int j = 0; j < N; j++) acc[j] = vset(0.0f);
    for (int64_t i = 0; i < n; i++) {
        const char * v = data + rows[i] * stride;
        vf w = vset(p[i]);
        for (int j = 0; j < N; j++) acc[j] += w * load_cached(half, v, j * VL);
    }
    for (int j = 0; j < N; j++) vstore(y + j * VL, acc[j] * factor);
}

// Attention of one query q (d) over n cache rows: y (d) = softmax(scale * q K^T) V. p (n) is scratch memory. The channels are
// processed in pieces of 8, 4, 2 and 1 vectors, whose sums stay in registers, and then one by one.
INLINE void attend_query(const int half, const char * k, const char * v, const int32_t * rows, int64_t n, int64_t stride,
                         const float * q, int64_t d, float scale, float * p, float * y) {
    const int64_t size = half ? 2 : 4;
    int64_t j = 0;
    if (d < VL) memset(p, 0, (size_t) n * sizeof(float));
    while (d - j >= VL) {
        const char * kj = k + j * size;
        int64_t vectors = (d - j) / VL;
        int add = j > 0;
        if (vectors >= 8) query_key_dots(half, 8, kj, rows, n, stride, q + j, add, p), j += 8 * VL;
        else if (vectors >= 4) query_key_dots(half, 4, kj, rows, n, stride, q + j, add, p), j += 4 * VL;
        else if (vectors >= 2) query_key_dots(half, 2, kj, rows, n, stride, q + j, add, p), j += 2 * VL;
        else query_key_dots(half, 1, kj, rows, n, stride, q + j, add, p), j += VL;
    }
    if (j < d) {
        for (int64_t i = 0; i < n; i++) {
            for (int64_t e = j; e < d; e++) p[i] += q[e] * load_cached_scalar(half, k + rows[i] * stride, e);
        }
    }
    float factor = 1.0f / softmax_numerators(p, n, scale);
    j = 0;
    while (d - j >= VL) {
        const char * vj = v + j * size;
        int64_t vectors = (d - j) / VL;
        if (vectors >= 8) weighted_values(half, 8, vj, rows, n, stride, p, factor, y + j), j += 8 * VL;
        else if (vectors >= 4) weighted_values(half, 4, vj, rows, n, stride, p, factor, y + j), j += 4 * VL;
        else if (vectors >= 2) weighted_values(half, 2, vj, rows, n, stride, p, factor, y + j), j += 2 * VL;
        else weighted_values(half, 1, vj, rows, n, stride, p, factor, y + j), j += VL;
    }
    if (j < d) {
        memset(y + j, 0, (size_t) (d - j) * sizeof(float));
        for (int64_t i = 0; i < n; i++) {
            for (int64_t e = j; e < d; e++) y[e] += p[i] * factor * load_cached_scalar(half, v + rows[i] * stride, e);
        }
    }
}

// Token m attends to its sequence up to itself: q (d) -> y (d), for the head whose channels begin at `first`.
static void attend_token(const struct kv_cache * s, int64_t m, const float * q, int64_t first, int64_t d, float scale,
                         float * y) {
    const int32_t * rows = sequence_rows(s, m);
    int64_t n = s->pos[m] + 1, c = s->k->ne[0];
    float * p = g4_scratch(0, (size_t) n * sizeof(float));
    const char * k = s->k->data;
    const char * v = s->v->data;
    if (s->k->type == GGML_TYPE_F16) attend_query(1, k + 2 * first, v + 2 * first, rows, n, 2 * c, q, d, scale, p, y);
    else attend_query(0, k + 4 * first, v + 4 * first, rows, n, 4 * c, q, d, scale, p, y);
}

// The same for `run` consecutive tokens of one sequence, from m on: copies the head's keys and values out of the cache, then
// multiplies QUERY_BLOCK queries at a time with BLAS.
static void attend_tokens(const struct kv_cache * s, int64_t m, int64_t run, const float * qkv, int64_t stride, int64_t first,
                          int64_t d, float scale, float * y, int64_t ldy) {
    const int32_t * rows = sequence_rows(s, m);
    int64_t total = s->pos[m] + run;
    float * k = g4_scratch(1, (size_t) (2 * total * d) * sizeof(float)); // (total, HS)
    float * v = k + total * d;                                           // (total, HS)
    for (int64_t i = 0; i < total; i++) {
        cache_load(s->k, rows[i], first, k + i * d, d);
        cache_load(s->v, rows[i], first, v + i * d, d);
    }
    float * p = g4_scratch(0, (size_t) (QUERY_BLOCK * total) * sizeof(float)); // (nq, n)
    for (int64_t b = 0; b < run; b += QUERY_BLOCK) {
        int64_t nq = b + QUERY_BLOCK < run ? QUERY_BLOCK : run - b;
        int64_t n = s->pos[m] + b + nq;
        g4_gemm(G4_NO_TRANS, G4_TRANS, nq, n, d, qkv + (m + b) * stride + first, stride, k, d, 0.0f, p, n);
        for (int64_t i = 0; i < nq; i++) {
            float * row = p + i * n;
            int64_t seen = s->pos[m] + b + i + 1;
            float inv = 1.0f / softmax_numerators(row, seen, scale);
            for (int64_t j = 0; j < seen; j++) row[j] *= inv;
            memset(row + seen, 0, (size_t) (n - seen) * sizeof(float));
        }
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, nq, d, n, p, n, v, d, 0.0f, y + (m + b) * ldy + first, ldy);
    }
}

// src = qkv (M, 3C), k cache (R, C), v cache (R, C), rows (M), seq (M), pos (M), table (S, L); dst (M, C)
void G4_NAME(g4_attention_cached)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const float * qkv = dst->src[0]->data;
    struct kv_cache s = {dst->src[1],       dst->src[2],       dst->src[3]->data,   dst->src[4]->data,
                      dst->src[5]->data, dst->src[6]->data, dst->src[6]->ne[0]};
    int64_t c = dst->ne[0], m_total = dst->ne[1], d = c / p->n_head, stride = 3 * c;
    float * y = dst->data;
    // Tasks split the heads, so a task reads only cache entries that it wrote itself or that earlier graphs wrote.
    for (int64_t h = p->n_head * ith / nth; h < p->n_head * (ith + 1) / nth; h++) {
        int64_t first = h * d;
        for (int64_t m = 0; m < m_total; m++) {
            cache_store(s.k, s.rows[m], first, qkv + m * stride + c + first, d);
            cache_store(s.v, s.rows[m], first, qkv + m * stride + 2 * c + first, d);
        }
        for (int64_t m = 0; m < m_total;) {
            int64_t run = 1;
            while (m + run < m_total && s.seq[m + run] == s.seq[m]) run++;
            if (run >= 8) {
                attend_tokens(&s, m, run, qkv, stride, first, d, p->scale, y, c);
            } else {
                for (int64_t i = m; i < m + run; i++) {
                    attend_token(&s, i, qkv + i * stride + first, first, d, p->scale, y + i * c + first);
                }
            }
            m += run;
        }
    }
}

// --- training

struct batch {
    const float * qkv; // (B, T, 3C)
    int64_t C, HS, T, NH, B;
    float scale, dropout;
    uint64_t stream; // of random numbers for dropout
};

static struct batch batch_of(const struct ggml_tensor * qkv, const struct ggml_tensor * seed, const struct ggml4j_params * p) {
    const uint32_t * words = seed->data;
    int64_t c = qkv->ne[0] / 3;
    struct batch s = {
        .qkv = qkv->data,
        .C = c,
        .HS = c / p->n_head,
        .T = qkv->ne[1] / p->n_seq,
        .NH = p->n_head,
        .B = p->n_seq,
        .scale = p->scale,
        .dropout = p->dropout,
        .stream = g4_stream(words[0] | (uint64_t) words[1] << 32, (uint64_t) p->site),
    };
    return s;
}

// p (T, T) = softmax(scale * q k^T) of head h of sequence b, zero above the diagonal.
static void attention_probabilities(const struct batch * s, int64_t b, int64_t h, float * p) {
    int64_t t = s->T, stride = 3 * s->C;
    const float * q = s->qkv + b * t * stride + h * s->HS;
    g4_gemm(G4_NO_TRANS, G4_TRANS, t, t, s->HS, q, stride, q + s->C, stride, 0.0f, p, t);
    for (int64_t i = 0; i < t; i++) {
        float * row = p + i * t;
        float sum = softmax_numerators(row, i + 1, s->scale);
        float inv = sum > 0.0f ? 1.0f / sum : 0.0f;
        for (int64_t j = 0; j <= i; j++) row[j] *= inv;
        memset(row + i + 1, 0, (size_t) (t - i - 1) * sizeof(float));
    }
}

// Dropout of probabilities: from (T, T) -> to (T, T), which may be the same. What is above the diagonal of `from` is not read.
static void dropout_probabilities(const struct batch * s, int64_t b, int64_t h, const float * from, float * to) {
    const int64_t t = s->T;
    const uint64_t stream = s->stream;
    const float rate = s->dropout, keep = 1.0f / (1.0f - rate);
    float * factors = g4_scratch(3, (size_t) t * sizeof(float));
    for (int64_t i = 0; i < t; i++) {
        uint64_t index = (uint64_t) (((b * s->NH + h) * t + i) * t);
        for (int64_t j = 0; j <= i; j++) factors[j] = g4_draw(stream, index + (uint64_t) j) >= rate ? keep : 0.0f;
        const float * x = from + i * t;
        float * y = to + i * t;
        int64_t j = 0;
        for (; j + VL <= i + 1; j += VL) vstore(y + j, vload(x + j) * vload(factors + j));
        for (; j <= i; j++) y[j] = x[j] * factors[j];
        if (to != from) memset(y + i + 1, 0, (size_t) (t - i - 1) * sizeof(float));
    }
}

// src = qkv (B, T, 3C), seed (2); dst (B, T, C). Tasks split the B * NH heads.
void G4_NAME(g4_attention_forward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    struct batch s = batch_of(dst->src[0], dst->src[1], userdata);
    int64_t t = s.T, n = s.B * s.NH;
    float * p = g4_scratch(0, (size_t) (t * t) * sizeof(float));
    for (int64_t i = n * ith / nth; i < n * (ith + 1) / nth; i++) {
        int64_t b = i / s.NH, h = i % s.NH;
        attention_probabilities(&s, b, h, p);
        if (s.dropout > 0.0f) dropout_probabilities(&s, b, h, p, p);
        const float * v = s.qkv + b * t * 3 * s.C + 2 * s.C + h * s.HS;
        float * y = (float *) dst->data + b * t * s.C + h * s.HS;
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, t, s.HS, t, p, t, v, 3 * s.C, 0.0f, y, s.C);
    }
}

// src = qkv (B, T, 3C), dout (B, T, C), seed (2); dst = dqkv (B, T, 3C). Tasks split the B * NH heads.
// Computes the probabilities again.
void G4_NAME(g4_attention_backward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    struct batch s = batch_of(dst->src[0], dst->src[2], userdata);
    const float * dout = dst->src[1]->data;
    int64_t t = s.T, n = s.B * s.NH, stride = 3 * s.C;
    float * p = g4_scratch(0, (size_t) (t * t) * sizeof(float));
    float * dropped = s.dropout > 0.0f ? g4_scratch(1, (size_t) (t * t) * sizeof(float)) : p;
    float * ds = g4_scratch(2, (size_t) (t * t) * sizeof(float));
    for (int64_t i = n * ith / nth; i < n * (ith + 1) / nth; i++) {
        int64_t b = i / s.NH, h = i % s.NH;
        const float * q = s.qkv + b * t * stride + h * s.HS;
        const float * dy = dout + b * t * s.C + h * s.HS;
        float * dq = (float *) dst->data + b * t * stride + h * s.HS;
        attention_probabilities(&s, b, h, p);
        if (s.dropout > 0.0f) dropout_probabilities(&s, b, h, p, dropped);
        g4_gemm(G4_TRANS, G4_NO_TRANS, t, s.HS, t, dropped, t, dy, s.C, 0.0f, dq + 2 * s.C, stride);
        g4_gemm(G4_NO_TRANS, G4_TRANS, t, t, s.HS, dy, s.C, q + 2 * s.C, stride, 0.0f, ds, t);
        // P: probabilities, f: dropout factors (0 or 1 / (1 - rate)), P' = f P, D: gradient of P'.
        // d(scores) = P (f D - sum(P f D)) = P' D - P sum(P' D), so f is not needed again.
        for (int64_t r = 0; r < t; r++) {
            float * d = ds + r * t;
            const float * pr = p + r * t;
            const float * dr = dropped + r * t;
            float sum = dot(d, dr, r + 1) * s.scale;
            int64_t j = 0;
            for (; j + VL <= r + 1; j += VL) vstore(d + j, vload(dr + j) * vload(d + j) * s.scale - vload(pr + j) * sum);
            for (; j <= r; j++) d[j] = dr[j] * d[j] * s.scale - pr[j] * sum;
            memset(d + r + 1, 0, (size_t) (t - r - 1) * sizeof(float));
        }
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, t, s.HS, t, ds, t, q + s.C, stride, 0.0f, dq, stride);
        g4_gemm(G4_TRANS, G4_NO_TRANS, t, s.HS, t, ds, t, q, stride, 0.0f, dq + s.C, stride);
    }
}
