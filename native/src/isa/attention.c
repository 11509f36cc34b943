// Causal self-attention: over a cache for generation, within whole sequences for training.
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

// x becomes exp(scale * x - max); returns the sum. Entries from n on are not touched.
static float exponentials(float * x, int64_t n, float scale) {
    vf top = vset(-INFINITY);
    int64_t i = 0;
    for (; i + VL <= n; i += VL) top = vmaxf(top, vload(x + i));
    if (i < n) top = vmaxf(top, vload_part(x + i, n - i, -INFINITY));
    float max = vmaxall(top);
    if (max == -INFINITY) { // everything is masked
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
        total += vsum(e); // the lanes beyond n are exp(-inf) = 0
    }
    return total;
}

// --- generation

struct cache {
    const struct ggml_tensor * k;
    const struct ggml_tensor * v;
    const int32_t * rows;
    const int32_t * seq;
    const int32_t * pos;
    const int32_t * table;
    int64_t table_width;
};

static const int32_t * table_of(const struct cache * s, int64_t m) { return s->table + s->seq[m] * s->table_width; }

static void put(const struct ggml_tensor * t, int64_t row, int64_t first, const float * x, int64_t n) {
    if (t->type == GGML_TYPE_F16) {
        ggml_fp16_t * to = (ggml_fp16_t *) t->data + row * t->ne[0] + first;
        int64_t i = 0;
        for (; i + VL <= n; i += VL) vstore_f16(to + i, vload(x + i));
        for (; i < n; i++) to[i] = ggml_fp32_to_fp16(x[i]);
    } else {
        memcpy((float *) t->data + row * t->ne[0] + first, x, (size_t) n * sizeof(float));
    }
}

static void fetch(const struct ggml_tensor * t, int64_t row, int64_t first, float * x, int64_t n) {
    if (t->type == GGML_TYPE_F16) {
        const ggml_fp16_t * from = (const ggml_fp16_t *) t->data + row * t->ne[0] + first;
        int64_t i = 0;
        for (; i + VL <= n; i += VL) vstore(x + i, vload_f16(from + i));
        for (; i < n; i++) x[i] = ggml_fp16_to_fp32(from[i]);
    } else {
        memcpy(x, (const float *) t->data + row * t->ne[0] + first, (size_t) n * sizeof(float));
    }
}

INLINE vf cached(const int half, const void * p, int64_t i) {
    return half ? vload_f16((const ggml_fp16_t *) p + i) : vload((const float *) p + i);
}

INLINE float cached_one(const int half, const void * p, int64_t i) {
    return half ? ggml_fp16_to_fp32(((const ggml_fp16_t *) p)[i]) : ((const float *) p)[i];
}

// Scores of N vectors of one head, from `from` on, over all cached rows: with add, on top of those before.
INLINE void scores(const int half, const int N, const char * data, const int32_t * rows, int64_t n, int64_t stride, const float * q,
                   const int add, float * p) {
    vf qv[8];
    for (int j = 0; j < N; j++) qv[j] = vload(q + j * VL);
    for (int64_t i = 0; i < n; i++) {
        const char * k = data + rows[i] * stride;
        vf s = qv[0] * cached(half, k, 0);
        for (int j = 1; j < N; j++) s += qv[j] * cached(half, k, j * VL);
        p[i] = add ? p[i] + vsum(s) : vsum(s);
    }
}

// N vectors of the rows' mean, weighted with p * factor.
INLINE void mix(const int half, const int N, const char * data, const int32_t * rows, int64_t n, int64_t stride, const float * p,
                float factor, float * y) {
    vf acc[8];
    for (int j = 0; j < N; j++) acc[j] = vset(0.0f);
    for (int64_t i = 0; i < n; i++) {
        const char * v = data + rows[i] * stride;
        vf w = vset(p[i]);
        for (int j = 0; j < N; j++) acc[j] += w * cached(half, v, j * VL);
    }
    for (int j = 0; j < N; j++) vstore(y + j * VL, acc[j] * factor);
}

// One query of d numbers over its cached rows: in pieces whose sums stay in registers, and one by one what is left over.
INLINE void attend(const int half, const char * k, const char * v, const int32_t * rows, int64_t n, int64_t stride, const float * q,
                   int64_t d, float scale, float * p, float * y) {
    const int64_t size = half ? 2 : 4;
    int64_t j = 0;
    if (d < VL) memset(p, 0, (size_t) n * sizeof(float));
    while (d - j >= VL) {
        const char * kj = k + j * size;
        int64_t vectors = (d - j) / VL;
        int add = j > 0;
        if (vectors >= 8) scores(half, 8, kj, rows, n, stride, q + j, add, p), j += 8 * VL;
        else if (vectors >= 4) scores(half, 4, kj, rows, n, stride, q + j, add, p), j += 4 * VL;
        else if (vectors >= 2) scores(half, 2, kj, rows, n, stride, q + j, add, p), j += 2 * VL;
        else scores(half, 1, kj, rows, n, stride, q + j, add, p), j += VL;
    }
    if (j < d) {
        for (int64_t i = 0; i < n; i++) {
            for (int64_t e = j; e < d; e++) p[i] += q[e] * cached_one(half, k + rows[i] * stride, e);
        }
    }
    float factor = 1.0f / exponentials(p, n, scale);
    j = 0;
    while (d - j >= VL) {
        const char * vj = v + j * size;
        int64_t vectors = (d - j) / VL;
        if (vectors >= 8) mix(half, 8, vj, rows, n, stride, p, factor, y + j), j += 8 * VL;
        else if (vectors >= 4) mix(half, 4, vj, rows, n, stride, p, factor, y + j), j += 4 * VL;
        else if (vectors >= 2) mix(half, 2, vj, rows, n, stride, p, factor, y + j), j += 2 * VL;
        else mix(half, 1, vj, rows, n, stride, p, factor, y + j), j += VL;
    }
    if (j < d) {
        memset(y + j, 0, (size_t) (d - j) * sizeof(float));
        for (int64_t i = 0; i < n; i++) {
            for (int64_t e = j; e < d; e++) y[e] += p[i] * factor * cached_one(half, v + rows[i] * stride, e);
        }
    }
}

static void attend_one(const struct cache * s, int64_t m, const float * q, int64_t first, int64_t d, float scale, float * y) {
    const int32_t * rows = table_of(s, m);
    int64_t n = s->pos[m] + 1, c = s->k->ne[0];
    float * p = g4_scratch(0, (size_t) n * sizeof(float));
    const char * k = s->k->data;
    const char * v = s->v->data;
    if (s->k->type == GGML_TYPE_F16) attend(1, k + 2 * first, v + 2 * first, rows, n, 2 * c, q, d, scale, p, y);
    else attend(0, k + 4 * first, v + 4 * first, rows, n, 4 * c, q, d, scale, p, y);
}

// Consecutive tokens [m, m + run) of one sequence, in blocks of queries.
static void attend_run(const struct cache * s, int64_t m, int64_t run, const float * qkv, int64_t stride, int64_t first,
                       int64_t d, float scale, float * y, int64_t ldy) {
    const int32_t * rows = table_of(s, m);
    int64_t total = s->pos[m] + run;
    float * k = g4_scratch(1, (size_t) (2 * total * d) * sizeof(float));
    float * v = k + total * d;
    for (int64_t i = 0; i < total; i++) {
        fetch(s->k, rows[i], first, k + i * d, d);
        fetch(s->v, rows[i], first, v + i * d, d);
    }
    float * p = g4_scratch(0, (size_t) (QUERY_BLOCK * total) * sizeof(float));
    for (int64_t b = 0; b < run; b += QUERY_BLOCK) {
        int64_t nq = b + QUERY_BLOCK < run ? QUERY_BLOCK : run - b;
        int64_t n = s->pos[m] + b + nq;
        g4_gemm(G4_NO_TRANS, G4_TRANS, nq, n, d, qkv + (m + b) * stride + first, stride, k, d, 0.0f, p, n);
        for (int64_t i = 0; i < nq; i++) {
            float * row = p + i * n;
            int64_t seen = s->pos[m] + b + i + 1;
            float inv = 1.0f / exponentials(row, seen, scale);
            for (int64_t j = 0; j < seen; j++) row[j] *= inv;
            memset(row + seen, 0, (size_t) (n - seen) * sizeof(float));
        }
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, nq, d, n, p, n, v, d, 0.0f, y + (m + b) * ldy + first, ldy);
    }
}

void G4_NAME(g4_attention)(struct ggml_tensor * dst, int ith, int nth, void * userdata);
void G4_NAME(g4_attention)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const float * qkv = dst->src[0]->data;
    struct cache s = {dst->src[1],       dst->src[2],       dst->src[3]->data,   dst->src[4]->data,
                      dst->src[5]->data, dst->src[6]->data, dst->src[6]->ne[0]};
    int64_t c = dst->ne[0], m_total = dst->ne[1], d = c / p->n_head, stride = 3 * c;
    float * y = dst->data;
    // Split by heads: a task reads only what it wrote itself, or what was there before.
    for (int64_t h = p->n_head * ith / nth; h < p->n_head * (ith + 1) / nth; h++) {
        int64_t first = h * d;
        for (int64_t m = 0; m < m_total; m++) {
            put(s.k, s.rows[m], first, qkv + m * stride + c + first, d);
            put(s.v, s.rows[m], first, qkv + m * stride + 2 * c + first, d);
        }
        for (int64_t m = 0; m < m_total;) {
            int64_t run = 1;
            while (m + run < m_total && s.seq[m + run] == s.seq[m]) run++;
            if (run >= 8) {
                attend_run(&s, m, run, qkv, stride, first, d, p->scale, y, c);
            } else {
                for (int64_t i = m; i < m + run; i++) {
                    attend_one(&s, i, qkv + i * stride + first, first, d, p->scale, y + i * c + first);
                }
            }
            m += run;
        }
    }
}

// --- training

struct train {
    const float * qkv;
    const int32_t * mask;
    int64_t c, d, t, heads, batch;
    float scale, dropout;
    uint64_t stream;
};

static struct train train_of(const struct ggml_tensor * qkv, const struct ggml_tensor * seed, const struct ggml_tensor * mask,
                             const struct ggml4j_params * p) {
    const uint32_t * words = seed->data;
    int64_t c = qkv->ne[0] / 3;
    struct train s = {
        .qkv = qkv->data,
        .mask = p->has_mask ? mask->data : NULL,
        .c = c,
        .d = c / p->n_head,
        .t = qkv->ne[1] / p->n_seq,
        .heads = p->n_head,
        .batch = p->n_seq,
        .scale = p->scale,
        .dropout = p->dropout,
        .stream = g4_stream(words[0] | (uint64_t) words[1] << 32, (uint64_t) p->site),
    };
    return s;
}

// Probabilities (t, t) of one head, zero above the diagonal.
static void probabilities(const struct train * s, int64_t b, int64_t h, float * p) {
    int64_t t = s->t, stride = 3 * s->c;
    const float * q = s->qkv + b * t * stride + h * s->d;
    g4_gemm(G4_NO_TRANS, G4_TRANS, t, t, s->d, q, stride, q + s->c, stride, 0.0f, p, t);
    for (int64_t i = 0; i < t; i++) {
        float * row = p + i * t;
        if (s->mask != NULL) {
            for (int64_t j = 0; j <= i; j++) {
                if (s->mask[b * t + j] == 0) row[j] = -INFINITY;
            }
        }
        float sum = exponentials(row, i + 1, s->scale);
        float inv = sum > 0.0f ? 1.0f / sum : 0.0f;
        for (int64_t j = 0; j <= i; j++) row[j] *= inv;
        memset(row + i + 1, 0, (size_t) (t - i - 1) * sizeof(float));
    }
}

// to = from with dropout; both (t, t), their upper halves zero or not looked at
static void drop(const struct train * s, int64_t b, int64_t h, const float * from, float * to) {
    const int64_t t = s->t;
    const uint64_t stream = s->stream;
    const float rate = s->dropout, keep = 1.0f / (1.0f - rate);
    float * factors = g4_scratch(3, (size_t) t * sizeof(float));
    for (int64_t i = 0; i < t; i++) {
        uint64_t index = (uint64_t) (((b * s->heads + h) * t + i) * t);
        for (int64_t j = 0; j <= i; j++) factors[j] = g4_draw(stream, index + (uint64_t) j) >= rate ? keep : 0.0f;
        const float * x = from + i * t;
        float * y = to + i * t;
        int64_t j = 0;
        for (; j + VL <= i + 1; j += VL) vstore(y + j, vload(x + j) * vload(factors + j));
        for (; j <= i; j++) y[j] = x[j] * factors[j];
        if (to != from) memset(y + i + 1, 0, (size_t) (t - i - 1) * sizeof(float));
    }
}

void G4_NAME(g4_attention_train)(struct ggml_tensor * dst, int ith, int nth, void * userdata);
void G4_NAME(g4_attention_train)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    struct train s = train_of(dst->src[0], dst->src[1], dst->src[2], userdata);
    int64_t t = s.t, n = s.batch * s.heads;
    float * p = g4_scratch(0, (size_t) (t * t) * sizeof(float));
    for (int64_t i = n * ith / nth; i < n * (ith + 1) / nth; i++) {
        int64_t b = i / s.heads, h = i % s.heads;
        probabilities(&s, b, h, p);
        if (s.dropout > 0.0f) drop(&s, b, h, p, p);
        const float * v = s.qkv + b * t * 3 * s.c + 2 * s.c + h * s.d;
        float * y = (float *) dst->data + b * t * s.c + h * s.d;
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, t, s.d, t, p, t, v, 3 * s.c, 0.0f, y, s.c);
    }
}

void G4_NAME(g4_attention_train_back)(struct ggml_tensor * dst, int ith, int nth, void * userdata);
void G4_NAME(g4_attention_train_back)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    struct train s = train_of(dst->src[0], dst->src[2], dst->src[3], userdata);
    const float * dout = dst->src[1]->data;
    int64_t t = s.t, n = s.batch * s.heads, stride = 3 * s.c;
    float * p = g4_scratch(0, (size_t) (t * t) * sizeof(float));
    float * dropped = s.dropout > 0.0f ? g4_scratch(1, (size_t) (t * t) * sizeof(float)) : p;
    float * ds = g4_scratch(2, (size_t) (t * t) * sizeof(float));
    for (int64_t i = n * ith / nth; i < n * (ith + 1) / nth; i++) {
        int64_t b = i / s.heads, h = i % s.heads;
        const float * q = s.qkv + b * t * stride + h * s.d;
        const float * dy = dout + b * t * s.c + h * s.d;
        float * dq = (float *) dst->data + b * t * stride + h * s.d;
        probabilities(&s, b, h, p);
        if (s.dropout > 0.0f) drop(&s, b, h, p, dropped);
        g4_gemm(G4_TRANS, G4_NO_TRANS, t, s.d, t, dropped, t, dy, s.c, 0.0f, dq + 2 * s.c, stride);
        g4_gemm(G4_NO_TRANS, G4_TRANS, t, t, s.d, dy, s.c, q + 2 * s.c, stride, 0.0f, ds, t);
        // With f the factor of the dropout, P' = f P and D the gradient of P': d(scores) = P (f D - sum(P f D)), which is
        // P' D - P sum(P' D), so f itself is not needed again.
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
        g4_gemm(G4_NO_TRANS, G4_NO_TRANS, t, s.d, t, ds, t, q + s.c, stride, 0.0f, dq, stride);
        g4_gemm(G4_TRANS, G4_NO_TRANS, t, s.d, t, ds, t, q, stride, 0.0f, dq + s.c, stride);
    }
}
