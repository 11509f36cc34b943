// Times the kernels on the shapes of GPT-2 124M with two tasks: the matrix products of decoding beside a read of as much memory,
// the matrix products of training beside OpenBLAS with two threads, the other ops in milliseconds.
// kernels_bench FOLDER_OF_LIBRARIES [decode|train|ops] [REPEATS] [TYPE]
//
// Prints the CPU time of the slower task, best and median of the repeats: CPU time is less disturbed by other programs. Unset
// OPENBLAS_CORETYPE, otherwise OpenBLAS may use kernels of an older CPU.
#include "harness.h"

enum { TASKS = 2, MAX_REPEATS = 64 };
static int repeats = 7;

typedef void (*body_fn)(int ith, void * p);

struct worker {
    body_fn body;
    void * p;
    int ith;
    double seconds;
};

static void * worker_main(void * v) {
    struct worker * w = v;
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    w->body(w->ith, w->p);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    w->seconds = (double) (b.tv_sec - a.tv_sec) + 1e-9 * (double) (b.tv_nsec - a.tv_nsec);
    return NULL;
}

struct timing {
    double best, median;
};

static int compare(const void * a, const void * b) {
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

static struct timing measure(body_fn body, void * p) {
    double times[MAX_REPEATS];
    for (int r = -1; r < repeats; r++) {
        struct worker w[TASKS];
        pthread_t threads[TASKS];
        for (int i = 0; i < TASKS; i++) {
            w[i] = (struct worker) {body, p, i, 0};
            pthread_create(&threads[i], NULL, worker_main, &w[i]);
        }
        double slowest = 0;
        for (int i = 0; i < TASKS; i++) {
            pthread_join(threads[i], NULL);
            if (w[i].seconds > slowest) slowest = w[i].seconds;
        }
        if (r >= 0) times[r] = slowest;
    }
    qsort(times, (size_t) repeats, sizeof(double), compare);
    return (struct timing) {times[0], times[repeats / 2]};
}

// --- decode: all weight matrices of the model, in the order of a forward pass

struct model {
    tensor w[49], x[49], y[49];
    struct ggml4j_params params;
    double bytes;
};

static void decode_body(int ith, void * p) {
    struct model * m = p;
    for (int i = 0; i < 49; i++) ggml4j_op_linear_forward(&m->y[i], ith, TASKS, &m->params);
}

struct stream {
    const char * data;
    size_t bytes;
    uint64_t sum[TASKS * 8];
};

static void stream_body(int ith, void * p) {
    struct stream * s = p;
    typedef uint64_t v8 __attribute__((vector_size(64)));
    v8 a = {0}, b = {0}, c = {0}, d = {0};
    const v8 * from = (const v8 *) (s->data + s->bytes / TASKS / 256 * 256 * (size_t) ith);
    for (size_t i = 0; i + 4 <= s->bytes / TASKS / 64; i += 4) {
        a += from[i];
        b += from[i + 1];
        c += from[i + 2];
        d += from[i + 3];
    }
    a += b + c + d;
    s->sum[ith * 8] = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
}

static void decode(const char * only) {
    static const int64_t shapes[5][2] = {{768, 2304}, {768, 768}, {768, 3072}, {3072, 768}, {768, 50257}};
    static const enum ggml_type types[] = {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q6_K,
                                           GGML_TYPE_Q5_K, GGML_TYPE_Q4_K, GGML_TYPE_Q4_0};
    static const int columns[] = {1, 2, 3, 5, 8, 16, 32, 64};
    const size_t most = (size_t) 124 * 1000 * 1000 * 4;
    char * memory = aligned(most);
    float * noise = normals(1 << 20, 0.02f);
    float * x = normals(3072 * 64, 1.0f);
    float * y = zeros(50257 * 64);
    printf("%-6s %3s %10s %10s %8s %8s %9s %9s\n", "type", "M", "best ms", "median ms", "GB/s", "read", "tok/s", "limit");
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        if (only != NULL && strcmp(only, ggml_type_name(types[t])) != 0) continue;
        static struct model m;
        memset(&m, 0, sizeof(m));
        size_t at = 0;
        for (int i = 0; i < 49; i++) {
            const int64_t * s = shapes[i == 48 ? 4 : i % 4];
            m.w[i] = over(types[t], s[0], s[1], memory + at);
            size_t bytes = ggml_row_size(types[t], s[0]) * (size_t) s[1];
            for (size_t done = 0; done < bytes;) { // copies of the same million numbers
                int64_t rows = (1 << 20) / s[0];
                if ((size_t) rows * ggml_row_size(types[t], s[0]) > bytes - done) rows = (int64_t) ((bytes - done) / ggml_row_size(types[t], s[0]));
                if (done > 0 && done >= (size_t) rows * ggml_row_size(types[t], s[0])) {
                    memcpy(memory + at + done, memory + at, (size_t) rows * ggml_row_size(types[t], s[0]));
                } else {
                    ggml_quantize_chunk(types[t], noise, memory + at + done, 0, rows, s[0], NULL);
                }
                done += (size_t) rows * ggml_row_size(types[t], s[0]);
            }
            at += (bytes + 63) & ~(size_t) 63;
        }
        m.bytes = (double) at;
        struct stream plain = {memory, at, {0}};
        struct timing read = measure(stream_body, &plain);
        for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
            for (int i = 0; i < 49; i++) {
                const int64_t * s = shapes[i == 48 ? 4 : i % 4];
                m.x[i] = over(GGML_TYPE_F32, s[0], columns[c], x);
                m.y[i] = over(GGML_TYPE_F32, s[1], columns[c], y);
                m.y[i].src[0] = &m.w[i];
                m.y[i].src[1] = &m.x[i];
            }
            struct timing r = measure(decode_body, &m);
            printf("%-6s %3d %10.2f %10.2f %8.1f %8.1f %9.0f %9.0f\n", ggml_type_name(types[t]), columns[c], 1e3 * r.best, 1e3 * r.median,
                   1e-9 * m.bytes / r.best, 1e-9 * m.bytes / read.best, columns[c] / r.best, columns[c] / read.best);
            fflush(stdout);
        }
    }
    free(memory), free(noise), free(x), free(y);
}

// --- training

struct single {
    op_fn op;
    tensor * dst;
    void * params;
    int times;
};

static void single_body(int ith, void * p) {
    struct single * s = p;
    for (int i = 0; i < s->times; i++) s->op(s->dst, ith, TASKS, s->params);
}

static double op_ms(op_fn op, tensor * dst, void * params, int times) {
    struct single s = {op, dst, params, times};
    return 1e3 * measure(single_body, &s).best / times;
}

struct product {
    int ta, tb, m, n, k;
    const float * a;
    int lda;
    const float * b;
    int ldb;
    float * c;
};

typedef void (*gemm_fn)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
static gemm_fn gemm;

static double blas_seconds(struct product p) {
    double best = 1e9;
    for (int r = 0; r < repeats + 1; r++) {
        double t = now();
        gemm(101, p.ta, p.tb, p.m, p.n, p.k, 1, p.a, p.lda, p.b, p.ldb, 0, p.c, p.n);
        t = now() - t;
        if (t < best) best = t;
    }
    return best;
}

static void train(void) {
    enum { M = 1024 };
    static const struct {
        const char * name;
        int k, n, m;
    } s[] = {{"qkv", 768, 2304, M}, {"attn proj", 768, 768, M}, {"fc", 768, 3072, M}, {"proj", 3072, 768, M}, {"head/256", 768, 50257, 256}};
    *(void **) &gemm = must(dlsym(blas_library, "cblas_sgemm"), "cblas_sgemm");
    void (*threads)(int);
    *(void **) &threads = must(dlsym(blas_library, "openblas_set_num_threads"), "openblas_set_num_threads");
    printf("%-10s %26s %26s %26s   GFLOP/s: ours by processor time, OpenBLAS with 2 threads by the clock\n", "", "forward", "dx", "dW");
    for (int i = 0; i < 5; i++) {
        int k = s[i].k, n = s[i].n, m = s[i].m;
        float * w = normals((int64_t) k * n, 0.02f);
        float * x = normals((int64_t) k * m, 1);
        float * y = normals((int64_t) n * m, 1);
        float * gw = zeros((int64_t) k * n);
        float * gx = zeros((int64_t) k * m);
        float * b = zeros(n);
        double flops = 2e-9 * k * (double) n * m;
        tensor tw = over(GGML_TYPE_F32, k, n, w), tx = over(GGML_TYPE_F32, k, m, x), ty = over(GGML_TYPE_F32, n, m, y),
               tdw = over(GGML_TYPE_F32, k, n, gw), tb = over(GGML_TYPE_F32, n, 1, b), tdx = over(GGML_TYPE_F32, k, m, gx),
               none = over(GGML_TYPE_F32, 1, 1, b);
        struct ggml4j_params p = {.has_bias = 1};
        ty.src[0] = &tw, ty.src[1] = &tx, ty.src[2] = &tb;
        tensor dy = ty;
        none.src[0] = &dy, none.src[1] = &tx, none.src[2] = &tdw, none.src[3] = &tb;
        tdx.src[0] = &tw, tdx.src[1] = &dy;
        double f = op_ms(ggml4j_op_linear_forward, &ty, &p, 2), d = op_ms(ggml4j_op_linear_backward_dx, &tdx, &p, 2),
               g = op_ms(ggml4j_op_linear_backward_dw, &none, &p, 2);
        threads(2);
        double bf = blas_seconds((struct product) {111, 112, m, n, k, x, k, w, k, y});
        double bd = blas_seconds((struct product) {111, 111, m, k, n, y, n, w, k, gx});
        double bg = blas_seconds((struct product) {112, 111, n, k, m, y, n, x, k, gw});
        threads(1);
        printf("%-10s %12.0f %13.0f %12.0f %13.0f %12.0f %13.0f\n", s[i].name, flops * 1e3 / f, flops / bf, flops * 1e3 / d, flops / bd,
               flops * 1e3 / g, flops / bg);
        fflush(stdout);
        free(w), free(x), free(y), free(gw), free(gx), free(b);
    }
}

// --- all other ops, 8 sequences of 128 tokens

static void ops(void) {
    enum { B = 8, T = 128, M = B * T, C = 768, F = 4 * C, V = 50257, H = 12 };
    float * a = normals((int64_t) F * M, 1);
    float * b = normals((int64_t) F * M, 1);
    float * c = zeros((int64_t) F * M);
    float * w = normals(F, 1);
    float * g = zeros(F);
    float * h = zeros(F);
    int32_t seed[2] = {1, 2};
    tensor ts = over(GGML_TYPE_I32, 2, 1, seed);
    struct ggml4j_params p = {.activation = GGML4J_ACT_GELU_NEW, .eps = 1e-5f, .n_head = H, .n_seq = B, .scale = 0.125f, .site = 3,
                              .ignore_index = -100};
#define SHOW(name, ms) printf("%-34s %9.3f ms\n", name, ms), fflush(stdout)
    {
        tensor x = over(GGML_TYPE_F32, F, M, a), dy = over(GGML_TYPE_F32, F, M, b), y = over(GGML_TYPE_F32, F, M, c);
        y.src[0] = &x, y.src[1] = &dy;
        SHOW("gelu_new (4C)", op_ms(ggml4j_op_activation_forward, &y, &p, 5));
        SHOW("gelu_new back (4C)", op_ms(ggml4j_op_activation_backward, &y, &p, 5));
        p.activation = GGML4J_ACT_GELU;
        SHOW("gelu (4C)", op_ms(ggml4j_op_activation_forward, &y, &p, 5));
        p.activation = GGML4J_ACT_NONE;
    }
    {
        tensor x = over(GGML_TYPE_F32, C, M, a), dy = over(GGML_TYPE_F32, C, M, b), y = over(GGML_TYPE_F32, C, M, c),
               tw = over(GGML_TYPE_F32, C, 1, w), tg = over(GGML_TYPE_F32, C, 1, g), th = over(GGML_TYPE_F32, C, 1, h);
        tensor n = y, d = y, q = y;
        n.src[0] = &x, n.src[1] = &tw, n.src[2] = &tw;
        SHOW("layer_norm", op_ms(ggml4j_op_layernorm_forward, &n, &p, 10));
        d.src[0] = &x, d.src[1] = &tw, d.src[2] = &dy;
        SHOW("layer_norm dx", op_ms(ggml4j_op_layernorm_backward_dx, &d, &p, 10));
        q.src[0] = &x, q.src[1] = &dy, q.src[2] = &tg, q.src[3] = &th;
        SHOW("layer_norm dw", op_ms(ggml4j_op_layernorm_backward_dw, &q, &p, 10));
        tensor o = y;
        o.src[0] = &x, o.src[1] = &ts, o.src[2] = &dy;
        p.dropout = 0.1f, p.has_residual = 1;
        SHOW("dropout and residual (C)", op_ms(ggml4j_op_dropout, &o, &p, 10));
        p.has_residual = 0;
    }
    {
        tensor qkv = over(GGML_TYPE_F32, 3 * C, M, a), dy = over(GGML_TYPE_F32, C, M, b), y = over(GGML_TYPE_F32, C, M, c),
               dq = over(GGML_TYPE_F32, 3 * C, M, c);
        y.src[0] = &qkv, y.src[1] = &ts;
        dq.src[0] = &qkv, dq.src[1] = &dy, dq.src[2] = &ts;
        SHOW("attention_train, dropout", op_ms(ggml4j_op_attention_forward, &y, &p, 3));
        SHOW("attention_train back, dropout", op_ms(ggml4j_op_attention_backward, &dq, &p, 3));
        p.dropout = 0;
        SHOW("attention_train", op_ms(ggml4j_op_attention_forward, &y, &p, 3));
        SHOW("attention_train back", op_ms(ggml4j_op_attention_backward, &dq, &p, 3));
    }
    {
        int64_t rows = 1024;
        float * k = normals(C * rows, 1);
        float * v = normals(C * rows, 1);
        int32_t table[1024 * 5], row[1024], seq[1024], pos[1024];
        for (int i = 0; i < 5 * 1024; i++) table[i] = i % 1024;
        tensor tk = over(GGML_TYPE_F32, C, rows, k), tv = over(GGML_TYPE_F32, C, rows, v), tt = over(GGML_TYPE_I32, 1024, 5, table);
        static const struct {
            const char * name;
            int sequences, tokens, before;
        } s[] = {{"attention, 1 token after 128", 1, 1, 128}, {"attention, 1 token after 1000", 1, 1, 1000},
                 {"attention, 5 tokens after 100", 5, 1, 100}, {"attention, prompt of 512", 1, 512, 0}};
        for (int i = 0; i < 4; i++) {
            int m = 0;
            for (int q = 0; q < s[i].sequences; q++) {
                for (int j = 0; j < s[i].tokens; j++) {
                    seq[m] = q;
                    pos[m] = s[i].before + j;
                    row[m] = table[q * 1024 + pos[m]];
                    m++;
                }
            }
            tensor qkv = over(GGML_TYPE_F32, 3 * C, m, a), tr = over(GGML_TYPE_I32, m, 1, row), tq = over(GGML_TYPE_I32, m, 1, seq),
                   tp = over(GGML_TYPE_I32, m, 1, pos), y = over(GGML_TYPE_F32, C, m, c);
            y.src[0] = &qkv, y.src[1] = &tk, y.src[2] = &tv, y.src[3] = &tr, y.src[4] = &tq, y.src[5] = &tp, y.src[6] = &tt;
            SHOW(s[i].name, op_ms(ggml4j_op_attention_cached, &y, &p, 12));
        }
        free(k), free(v);
    }
    {
        float * logits = normals((int64_t) V * 256, 1);
        int32_t labels[256];
        for (int i = 0; i < 256; i++) labels[i] = i * 13;
        float scale = 1e-3f;
        tensor x = over(GGML_TYPE_F32, V, 256, logits), tl = over(GGML_TYPE_I32, 256, 1, labels), tf = over(GGML_TYPE_F32, 1, 1, &scale),
               y = over(GGML_TYPE_F32, 256, 1, c);
        y.src[0] = &x, y.src[1] = &tl;
        SHOW("cross_entropy, 256 rows", op_ms(ggml4j_op_cross_entropy, &y, &p, 1));
        y.src[2] = &tf;
        SHOW("cross_entropy and gradient", op_ms(ggml4j_op_cross_entropy, &y, &p, 1));
        free(logits);
    }
    {
        int64_t n = 16 * 1000 * 1000;
        float * q[4];
        for (int i = 0; i < 4; i++) q[i] = zeros(n);
        float control[8] = {1e-4f, 0.9f, 0.999f, 1e-6f, 0.01f, 2, 3, 1}, dummy[64];
        tensor t[4], tc = over(GGML_TYPE_F32, 8, 1, control), none = over(GGML_TYPE_F32, 64, 1, dummy);
        for (int i = 0; i < 4; i++) {
            t[i] = over(GGML_TYPE_F32, n, 1, q[i]);
            none.src[i] = &t[i];
        }
        none.src[4] = &tc;
        double ms = op_ms(ggml4j_op_adamw, &none, &p, 1);
        SHOW("adamw, 16M parameters", ms);
        printf("%-34s %9.1f GB/s\n", "", 32e-6 * (double) n / ms);
        none.src[0] = &t[1];
        ms = op_ms(ggml4j_op_sum_squares, &none, &p, 1);
        SHOW("sum_squares, 16M", ms);
        for (int i = 0; i < 4; i++) free(q[i]);
    }
    free(a), free(b), free(c), free(w), free(g), free(h);
}

int main(int argc, char ** argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER_OF_LIBRARIES [decode|train|ops] [REPEATS] [TYPE]\n", argv[0]);
        return 2;
    }
    harness_init(argv[1]);
    if (argc > 3) repeats = atoi(argv[3]);
    if (repeats < 1 || repeats > MAX_REPEATS) repeats = 7;
    const char * (*core)(void);
    *(void **) &core = must(dlsym(blas_library, "openblas_get_corename"), "openblas_get_corename");
    printf("kernels for %s, OpenBLAS for %s, %d tasks, best of %d\n", ggml4j_kernel_isa(), core(), TASKS, repeats);
    const char * part = argc > 2 ? argv[2] : "";
    if (*part == 0 || strcmp(part, "decode") == 0) decode(argc > 4 ? argv[4] : NULL);
    if (*part == 0 || strcmp(part, "train") == 0) train();
    if (*part == 0 || strcmp(part, "ops") == 0) ops();
    return 0;
}
