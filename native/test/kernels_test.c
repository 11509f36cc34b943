// Compares every kernel with a simple reference in double precision, for odd shapes and for 1, 2, 3 and 5 tasks.
// kernels_test FOLDER_OF_LIBRARIES
#include <stdarg.h>
#include "harness.h"

static int failures, checks;
static const char * current = "";

__attribute__((format(printf, 2, 3))) static void check(int good, const char * format, ...) {
    checks++;
    if (good) return;
    if (++failures > 40) return;
    va_list list;
    va_start(list, format);
    printf("FAILED %s: ", current);
    vprintf(format, list);
    printf("\n");
    va_end(list);
}

// Checks |got - want| <= tolerance * size for each element; if size is NULL, it is |want| + 1
static void close_to(const char * what, const float * got, const double * want, const double * size, int64_t n, double tolerance) {
    double worst = 0;
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
        double e = fabs((double) got[i] - want[i]) / (size != NULL ? size[i] + 1e-30 : fabs(want[i]) + 1.0);
        if (!(e <= worst)) {
            worst = e;
            at = i;
        }
    }
    check(worst <= tolerance, "%s: error %.3g over %.3g at %lld of %lld: %.9g, expected %.9g", what, worst, tolerance,
          (long long) at, (long long) n, got[at], want[at]);
}

static const int tasks[] = {1, 2, 3, 5};
enum { TASKS = 4 };

// --- linear

static double activation(int kind, double x) {
    switch (kind) {
        case GGML4J_ACT_GELU_NEW: return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
        case GGML4J_ACT_GELU: return 0.5 * x * erfc(-x / sqrt(2));
        case GGML4J_ACT_RELU: return x > 0 ? x : 0;
        case GGML4J_ACT_SILU: return x / (1 + exp(-x));
        case GGML4J_ACT_TANH: return tanh(x);
        case GGML4J_ACT_QUICK_GELU: return x / (1 + exp(-1.702 * x));
        default: return x;
    }
}

static double derivative(int kind, double x) {
    switch (kind) {
        case GGML4J_ACT_GELU_NEW: {
            double u = sqrt(2 / M_PI) * (x + 0.044715 * x * x * x), t = tanh(u);
            return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
        }
        case GGML4J_ACT_GELU: return 0.5 * erfc(-x / sqrt(2)) + x * exp(-0.5 * x * x) / sqrt(2 * M_PI);
        case GGML4J_ACT_RELU: return x > 0;
        case GGML4J_ACT_SILU: {
            double s = 1 / (1 + exp(-x));
            return s + x * s * (1 - s);
        }
        case GGML4J_ACT_TANH: return 1 - tanh(x) * tanh(x);
        case GGML4J_ACT_QUICK_GELU: {
            double s = 1 / (1 + exp(-1.702 * x));
            return s + 1.702 * x * s * (1 - s);
        }
        default: return 1;
    }
}

static int is_plain(enum ggml_type type) { return type == GGML_TYPE_F32 || type == GGML_TYPE_F16 || type == GGML_TYPE_BF16; }

static void linear_case(enum ggml_type type, int64_t k, int64_t n, int64_t m, int act, int bias, int residual) {
    char name[128];
    snprintf(name, sizeof(name), "linear %s K=%lld N=%lld M=%lld act=%d bias=%d residual=%d", ggml_type_name(type), (long long) k,
             (long long) n, (long long) m, act, bias, residual);
    current = name;
    float * dense = normals(k * n, 0.1f);
    float * x = normals(k * m, 1.0f);
    float * b = normals(n, 0.5f);
    float * r = normals(n * m, 1.0f);
    float * y = zeros(n * m);
    float * first = zeros(n * m);
    void * w = aligned(ggml_row_size(type, k) * (size_t) n);
    if (type == GGML_TYPE_F32) memcpy(w, dense, (size_t) (k * n) * 4);
    else {
        ggml_quantize_chunk(type, dense, w, 0, n, k, NULL);
        ggml_get_type_traits(type)->to_float(w, dense, k * n);
    }
    double * want = calloc((size_t) (n * m), sizeof(double));
    double * size = calloc((size_t) (n * m), sizeof(double));
    for (int64_t j = 0; j < m; j++) {
        double xx = 0;
        for (int64_t l = 0; l < k; l++) xx += (double) x[j * k + l] * x[j * k + l];
        for (int64_t i = 0; i < n; i++) {
            double s = 0, ww = 0;
            for (int64_t l = 0; l < k; l++) {
                s += (double) dense[i * k + l] * x[j * k + l];
                ww += (double) dense[i * k + l] * dense[i * k + l];
            }
            if (bias) s += b[i];
            want[j * n + i] = activation(act, s) + (residual ? (double) r[j * n + i] : 0.0);
            size[j * n + i] = sqrt(xx * ww) + (bias ? fabs((double) b[i]) : 0.0) + (residual ? fabs((double) r[j * n + i]) : 0.0);
        }
    }
    tensor tw = over(type, k, n, w), tx = over(GGML_TYPE_F32, k, m, x), tb = over(GGML_TYPE_F32, n, 1, b),
           tr = over(GGML_TYPE_F32, n, m, r), dst = over(GGML_TYPE_F32, n, m, y);
    dst.src[0] = &tw;
    dst.src[1] = &tx;
    int next = 2;
    if (bias) dst.src[next++] = &tb;
    if (residual) dst.src[next++] = &tr;
    struct ggml4j_params p = {.activation = act, .has_bias = bias, .has_residual = residual};
    double tolerance = is_plain(type) ? 1e-6 : 8e-3;
    for (int t = 0; t < TASKS; t++) {
        for (int64_t i = 0; i < n * m; i++) y[i] = NAN;
        run_op(ggml4j_op_linear_forward, &dst, tasks[t], &p);
        close_to("y", y, want, size, n * m, tolerance);
        memcpy(first, y, (size_t) (n * m) * 4);
        run_op(ggml4j_op_linear_forward, &dst, tasks[t], &p);
        check(memcmp(first, y, (size_t) (n * m) * 4) == 0, "not the same bits twice");
    }
    free(dense), free(x), free(b), free(r), free(y), free(first), free(w), free(want), free(size);
}

static void test_linear(void) {
    static const enum ggml_type types[] = {GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1,
                                           GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K, GGML_TYPE_IQ4_NL};
    static const int64_t columns[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 33, 64, 100};
    int variant = 0;
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        int64_t block = ggml_blck_size(types[t]);
        for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++) {
            static const int64_t shapes[][2] = {{80, 240}, {64, 61}, {77, 13}, {256, 80}, {512, 37}, {1280, 21}, {16, 3}, {3, 1}, {32, 1003}};
            for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++, variant++) {
                if (shapes[s][0] % block != 0) continue;
                linear_case(types[t], shapes[s][0], shapes[s][1], columns[c], variant % 7, variant % 3 != 0, variant % 2);
            }
        }
    }
    linear_case(GGML_TYPE_F32, 80, 1003, 1200, 0, 1, 1);
    linear_case(GGML_TYPE_Q8_0, 64, 300, 700, 1, 1, 0);
}

static void test_linear_backward(void) {
    static const int64_t shapes[][3] = {{80, 240, 7}, {240, 80, 100}, {64, 1003, 33}, {77, 13, 300}, {16, 3, 1}, {5, 129, 2}};
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        int64_t k = shapes[s][0], n = shapes[s][1], m = shapes[s][2];
        char name[80];
        snprintf(name, sizeof(name), "linear backward K=%lld N=%lld M=%lld", (long long) k, (long long) n, (long long) m);
        current = name;
        float * w = normals(k * n, 0.1f);
        float * x = normals(k * m, 1.0f);
        float * dy = normals(n * m, 1.0f);
        float * dw0 = normals(k * n, 1.0f);
        float * db0 = normals(n, 1.0f);
        double * dx = calloc((size_t) (k * m), sizeof(double));
        double * dw = calloc((size_t) (k * n), sizeof(double));
        double * db = calloc((size_t) n, sizeof(double));
        double * sx = calloc((size_t) (k * m), sizeof(double)); // sums of absolute values, the scale of rounding errors
        double * sw = calloc((size_t) (k * n), sizeof(double));
        double * sb = calloc((size_t) n, sizeof(double));
        for (int64_t i = 0; i < k * n; i++) sw[i] = fabs(dw[i] = dw0[i]);
        for (int64_t i = 0; i < n; i++) sb[i] = fabs(db[i] = db0[i]);
        for (int64_t j = 0; j < m; j++) {
            for (int64_t i = 0; i < n; i++) {
                double d = dy[j * n + i];
                db[i] += d;
                sb[i] += fabs(d);
                for (int64_t l = 0; l < k; l++) {
                    dx[j * k + l] += d * w[i * k + l];
                    dw[i * k + l] += d * x[j * k + l];
                    sx[j * k + l] += fabs(d * w[i * k + l]);
                    sw[i * k + l] += fabs(d * x[j * k + l]);
                }
            }
        }
        for (int t = 0; t < TASKS; t++) {
            float * out = zeros(k * m);
            float * gw = copy_of(dw0, k * n);
            float * gb = copy_of(db0, n);
            float dummy = 0;
            tensor tw = over(GGML_TYPE_F32, k, n, w), tx = over(GGML_TYPE_F32, k, m, x), tdy = over(GGML_TYPE_F32, n, m, dy),
                   tdw = over(GGML_TYPE_F32, k, n, gw), tdb = over(GGML_TYPE_F32, n, 1, gb), tdx = over(GGML_TYPE_F32, k, m, out),
                   none = over(GGML_TYPE_F32, 1, 1, &dummy);
            tdx.src[0] = &tw;
            tdx.src[1] = &tdy;
            struct ggml4j_params p = {.has_bias = 1};
            run_op(ggml4j_op_linear_backward_dx, &tdx, tasks[t], &p);
            close_to("dx", out, dx, sx, k * m, 1e-6);
            none.src[0] = &tdy;
            none.src[1] = &tx;
            none.src[2] = &tdw;
            none.src[3] = &tdb;
            run_op(ggml4j_op_linear_backward_dw, &none, tasks[t], &p);
            close_to("dW", gw, dw, sw, k * n, 2e-6);
            close_to("db", gb, db, sb, n, 2e-6);
            free(out), free(gw), free(gb);
        }
        free(w), free(x), free(dy), free(dw0), free(db0), free(dx), free(dw), free(db), free(sx), free(sw), free(sb);
    }
}

// --- embedding

static void test_embedding(void) {
    current = "embedding";
    enum { C = 83, V = 31, P = 19, M = 23 };
    static const enum ggml_type types[] = {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16};
    int32_t tokens[M], positions[M];
    for (int i = 0; i < M; i++) {
        tokens[i] = (i * 7) % V;
        positions[i] = i % P;
    }
    for (int type = 0; type < 3; type++) {
        float * wte = normals(C * V, 1.0f);
        float * wpe = normals(C * P, 1.0f);
        void * wte_t = aligned(C * V * 4);
        void * wpe_t = aligned(C * P * 4);
        enum ggml_type t = types[type];
        if (t == GGML_TYPE_F32) {
            memcpy(wte_t, wte, C * V * 4);
            memcpy(wpe_t, wpe, C * P * 4);
        } else {
            ggml_quantize_chunk(t, wte, wte_t, 0, V, C, NULL);
            ggml_quantize_chunk(t, wpe, wpe_t, 0, P, C, NULL);
            ggml_get_type_traits(t)->to_float(wte_t, wte, C * V);
            ggml_get_type_traits(t)->to_float(wpe_t, wpe, C * P);
        }
        double want[C * M];
        for (int m = 0; m < M; m++) {
            for (int i = 0; i < C; i++) want[m * C + i] = (double) wte[tokens[m] * C + i] + wpe[positions[m] * C + i];
        }
        for (int k = 0; k < TASKS; k++) {
            float * y = zeros(C * M);
            tensor a = over(t, C, V, wte_t), b = over(t, C, P, wpe_t), c = over(GGML_TYPE_I32, M, 1, tokens),
                   d = over(GGML_TYPE_I32, M, 1, positions), dst = over(GGML_TYPE_F32, C, M, y);
            dst.src[0] = &a, dst.src[1] = &b, dst.src[2] = &c, dst.src[3] = &d;
            struct ggml4j_params p = {0};
            run_op(ggml4j_op_embedding_forward, &dst, tasks[k], &p);
            close_to("y", y, want, NULL, C * M, 1e-6);
            free(y);
        }
        free(wte), free(wpe), free(wte_t), free(wpe_t);
    }
    float * dy = normals(C * M, 1.0f);
    double wte[C * V], wpe[C * P];
    for (int i = 0; i < C * V; i++) wte[i] = 0.5;
    for (int i = 0; i < C * P; i++) wpe[i] = 0.25;
    for (int m = 0; m < M; m++) {
        for (int i = 0; i < C; i++) {
            wte[tokens[m] * C + i] += dy[m * C + i];
            wpe[positions[m] * C + i] += dy[m * C + i];
        }
    }
    for (int k = 0; k < TASKS; k++) {
        float gte[C * V], gpe[C * P], dummy = 0;
        for (int i = 0; i < C * V; i++) gte[i] = 0.5f;
        for (int i = 0; i < C * P; i++) gpe[i] = 0.25f;
        tensor a = over(GGML_TYPE_F32, C, M, dy), b = over(GGML_TYPE_I32, M, 1, tokens), c = over(GGML_TYPE_I32, M, 1, positions),
               d = over(GGML_TYPE_F32, C, V, gte), e = over(GGML_TYPE_F32, C, P, gpe), dst = over(GGML_TYPE_F32, 1, 1, &dummy);
        dst.src[0] = &a, dst.src[1] = &b, dst.src[2] = &c, dst.src[3] = &d, dst.src[4] = &e;
        struct ggml4j_params p = {0};
        run_op(ggml4j_op_embedding_backward, &dst, tasks[k], &p);
        close_to("dwte", gte, wte, NULL, C * V, 1e-6);
        close_to("dwpe", gpe, wpe, NULL, C * P, 1e-6);
    }
    free(dy);
}

// --- layer norm

static void layer_norm_case(int64_t c, int64_t m, float offset, float spread) {
    char name[80];
    snprintf(name, sizeof(name), "layer_norm C=%lld M=%lld offset=%g", (long long) c, (long long) m, offset);
    current = name;
    float * x = normals(c * m, spread);
    for (int64_t i = 0; i < c * m; i++) x[i] += offset;
    float * w = normals(c, 1.0f);
    float * b = normals(c, 1.0f);
    float * dy = normals(c * m, 1.0f);
    const double eps = 1e-5f;
    double * y = calloc((size_t) (c * m), sizeof(double));
    double * dx = calloc((size_t) (c * m), sizeof(double));
    double * dw = calloc((size_t) c, sizeof(double));
    double * db = calloc((size_t) c, sizeof(double));
    double * size = calloc((size_t) (c * m), sizeof(double));
    double * sw = calloc((size_t) c, sizeof(double));
    for (int64_t j = 0; j < m; j++) {
        const float * r = x + j * c;
        double mean = 0, var = 0;
        for (int64_t i = 0; i < c; i++) mean += r[i];
        mean /= (double) c;
        for (int64_t i = 0; i < c; i++) var += (r[i] - mean) * (r[i] - mean);
        double rstd = 1 / sqrt(var / (double) c + eps);
        double sum = 0, sum_n = 0;
        for (int64_t i = 0; i < c; i++) {
            double n = (r[i] - mean) * rstd, g = (double) dy[j * c + i] * w[i];
            y[j * c + i] = n * w[i] + b[i];
            sum += g;
            sum_n += g * n;
            dw[i] += dy[j * c + i] * n;
            db[i] += dy[j * c + i];
            sw[i] += 1 + fabs((double) dy[j * c + i]);
        }
        for (int64_t i = 0; i < c; i++) {
            double n = (r[i] - mean) * rstd;
            dx[j * c + i] = ((double) dy[j * c + i] * w[i] - sum / (double) c - n * sum_n / (double) c) * rstd;
            // Rounding x to float changes the mean by this much, in any float kernel.
            size[j * c + i] = (1 + fabs(y[j * c + i]) + fabs((double) offset) * rstd * fabs((double) w[i]));
        }
    }
    for (int t = 0; t < TASKS; t++) {
        float * out = zeros(c * m);
        float * gw = zeros(c);
        float * gb = zeros(c);
        float dummy = 0;
        tensor tx = over(GGML_TYPE_F32, c, m, x), tw = over(GGML_TYPE_F32, c, 1, w), tb = over(GGML_TYPE_F32, c, 1, b),
               tdy = over(GGML_TYPE_F32, c, m, dy), tout = over(GGML_TYPE_F32, c, m, out), tgw = over(GGML_TYPE_F32, c, 1, gw),
               tgb = over(GGML_TYPE_F32, c, 1, gb), none = over(GGML_TYPE_F32, 1, 1, &dummy);
        struct ggml4j_params p = {.eps = 1e-5f};
        tout.src[0] = &tx, tout.src[1] = &tw, tout.src[2] = &tb;
        run_op(ggml4j_op_layernorm_forward, &tout, tasks[t], &p);
        close_to("y", out, y, size, c * m, 1e-6);
        if (offset == 0.0f) {
            tout.src[0] = &tx, tout.src[1] = &tw, tout.src[2] = &tdy;
            run_op(ggml4j_op_layernorm_backward_dx, &tout, tasks[t], &p);
            close_to("dx", out, dx, NULL, c * m, 2e-6 / spread);
            none.src[0] = &tx, none.src[1] = &tdy, none.src[2] = &tgw, none.src[3] = &tgb;
            run_op(ggml4j_op_layernorm_backward_dw, &none, tasks[t], &p);
            close_to("dw", gw, dw, sw, c, 1e-6);
            close_to("db", gb, db, sw, c, 1e-6);
        }
        free(out), free(gw), free(gb);
    }
    free(x), free(w), free(b), free(dy), free(y), free(dx), free(dw), free(db), free(size), free(sw);
}

static void test_layer_norm(void) {
    layer_norm_case(80, 7, 0, 1);
    layer_norm_case(768, 100, 0, 1);
    layer_norm_case(768, 1, 0, 1);
    layer_norm_case(77, 33, 0, 0.5f);
    layer_norm_case(3, 2, 0, 1);
    layer_norm_case(1600, 5, 100, 1);
    layer_norm_case(80, 5, 1000, 1);
}

// --- activations

static void test_activation(void) {
    enum { N = 40011 };
    float * x = zeros(N);
    float * dy = normals(N, 1.0f);
    for (int i = 0; i < N; i++) x[i] = (float) (-14.0 + 28.0 * i / (N - 11));
    static const float special[] = {0.0f, -0.0f, 1e-30f, -1e-30f, 88.0f, -88.0f, 1e4f, -1e4f, 1e-6f, -1e-6f, 30.0f};
    for (int i = 0; i < 11; i++) x[N - 11 + i] = special[i];
    static const char * names[] = {"none", "gelu_new", "gelu", "relu", "silu", "tanh", "quick_gelu"};
    for (int kind = 0; kind <= 6; kind++) {
        current = names[kind];
        double * y = malloc(N * sizeof(double));
        double * d = malloc(N * sizeof(double));
        double * size = malloc(N * sizeof(double));
        double * dsize = malloc(N * sizeof(double));
        for (int i = 0; i < N; i++) {
            y[i] = activation(kind, x[i]);
            d[i] = dy[i] * derivative(kind, x[i]);
            size[i] = fabs(y[i]) + 0.1 * fmin(1.0, fabs((double) x[i])) + 1e-30; // relative error, except in tails close to 0
            dsize[i] = fabs((double) dy[i]);
        }
        for (int t = 0; t < TASKS; t++) {
            float * out = zeros(N);
            tensor tx = over(GGML_TYPE_F32, N, 1, x), tdy = over(GGML_TYPE_F32, N, 1, dy), dst = over(GGML_TYPE_F32, N, 1, out);
            struct ggml4j_params p = {.activation = kind};
            dst.src[0] = &tx, dst.src[1] = &tdy;
            run_op(ggml4j_op_activation_forward, &dst, tasks[t], &p);
            if (kind != GGML4J_ACT_NONE) close_to("y", out, y, size, N, 1e-6);
            run_op(ggml4j_op_activation_backward, &dst, tasks[t], &p);
            close_to("dx", out, d, dsize, N, 1e-6);
            free(out);
        }
        free(y), free(d), free(size), free(dsize);
    }
    free(x), free(dy);
}

// A NaN in the inputs must appear in the results, so that a diverging training is noticed.
static void test_nan(void) {
    enum { N = 37 };
    for (int at = 0; at < N; at += 12) {
        float x[N], y[N], loss[1];
        int32_t label[1] = {3};
        for (int kind = 0; kind <= 6; kind++) {
            for (int back = 0; back < 2; back++) {
                for (int i = 0; i < N; i++) x[i] = 0.1f * (float) i;
                float dy[N];
                for (int i = 0; i < N; i++) dy[i] = 1.0f;
                x[at] = NAN;
                if (kind == GGML4J_ACT_NONE || (kind == GGML4J_ACT_RELU && back)) continue; // the derivative of relu is 0 or 1
                tensor tx = over(GGML_TYPE_F32, N, 1, x), td = over(GGML_TYPE_F32, N, 1, dy), dst = over(GGML_TYPE_F32, N, 1, y);
                struct ggml4j_params p = {.activation = kind};
                dst.src[0] = &tx, dst.src[1] = &td;
                run_op(back ? ggml4j_op_activation_backward : ggml4j_op_activation_forward, &dst, 1, &p);
                for (int i = 0; i < N; i++) {
                    check(isnan(y[i]) == (i == at), "activation %d, back %d: %d is %g, NaN at %d", kind, back, i, y[i], at);
                }
            }
        }
        for (int i = 0; i < N; i++) x[i] = 0.1f * (float) i;
        x[at] = NAN;
        tensor tx = over(GGML_TYPE_F32, N, 1, x), tl = over(GGML_TYPE_I32, 1, 1, label), dst = over(GGML_TYPE_F32, 1, 1, loss);
        struct ggml4j_params p = {.ignore_index = -100};
        dst.src[0] = &tx, dst.src[1] = &tl;
        run_op(ggml4j_op_cross_entropy, &dst, 1, &p);
        check(isnan(loss[0]), "cross entropy of a NaN at %d is %g", at, loss[0]);
    }
    // A NaN key: all queries from its token on become NaN.
    enum { C = 20, T = 19, BAD = 5 };
    float * qkv = normals(3 * C * T, 1.0f);
    float y[C * T];
    uint32_t words[2] = {0, 0};
    qkv[BAD * 3 * C + C] = NAN;
    tensor tq = over(GGML_TYPE_F32, 3 * C, T, qkv), ts = over(GGML_TYPE_I32, 2, 1, words), dst = over(GGML_TYPE_F32, C, T, y);
    struct ggml4j_params p = {.n_head = 1, .n_seq = 1, .scale = 0.2f};
    dst.src[0] = &tq, dst.src[1] = &ts;
    run_op(ggml4j_op_attention_forward, &dst, 1, &p);
    for (int t = 0; t < T; t++) check(isnan(y[t * C]) == (t >= BAD), "attention: token %d is %g", t, y[t * C]);
    free(qkv);
}

// --- dropout

static void test_dropout(void) {
    current = "dropout";
    enum { N = 100003 };
    float * x = normals(N, 1.0f);
    float * r = normals(N, 1.0f);
    float * y = zeros(N);
    uint64_t seed = 0x123456789ABCDEF0ull;
    int32_t words[2] = {(int32_t) (seed & 0xFFFFFFFFu), (int32_t) (seed >> 32)};
    struct ggml4j_params p = {.dropout = 0.1f, .site = 5};
    for (int residual = 0; residual < 2; residual++) {
        p.has_residual = residual;
        for (int t = 0; t < TASKS; t++) {
            tensor tx = over(GGML_TYPE_F32, N, 1, x), ts = over(GGML_TYPE_I32, 2, 1, words), tr = over(GGML_TYPE_F32, N, 1, r),
                   dst = over(GGML_TYPE_F32, N, 1, y);
            dst.src[0] = &tx, dst.src[1] = &ts, dst.src[2] = &tr;
            run_op(ggml4j_op_dropout, &dst, tasks[t], &p);
            int wrong = 0, dropped = 0;
            for (int i = 0; i < N; i++) {
                int keep = ggml4j_uniform(seed, 5, (uint64_t) i) >= 0.1f;
                double want = (keep ? x[i] / (1 - (double) 0.1f) : 0.0) + (residual ? (double) r[i] : 0.0);
                wrong += fabs(y[i] - want) > 1e-6 * (1 + fabs(want));
                dropped += !keep;
            }
            check(wrong == 0, "%d wrong", wrong);
            check(abs(dropped - N / 10) < 500, "%d of %d dropped", dropped, N);
        }
    }
    free(x), free(r), free(y);
}

// --- attention over a cache

struct layout {
    int sequences;
    int before[6]; // tokens cached before the step
    int now[6];    // tokens of this step
    int shared;    // sequence s > 0 shares its first `shared` rows with sequence 0
};

static void attention_case(int64_t heads, int64_t d, enum ggml_type type, struct layout l) {
    char name[120];
    snprintf(name, sizeof(name), "attention %lld heads of %lld, %s cache, %d sequences, %d before, %d now", (long long) heads,
             (long long) d, ggml_type_name(type), l.sequences, l.before[0], l.now[0]);
    current = name;
    int64_t c = heads * d;
    enum { ROWS = 1024, WIDTH = 400 };
    float * k = normals(c * ROWS, 1.0f);
    float * v = normals(c * ROWS, 1.0f);
    void * kt = aligned((size_t) (c * ROWS) * 4);
    void * vt = aligned((size_t) (c * ROWS) * 4);
    int32_t * table = calloc((size_t) (WIDTH * l.sequences), sizeof(int32_t));
    int next_row = 0, m = 0;
    int32_t rows[ROWS], seq[ROWS], pos[ROWS];
    for (int s = 0; s < l.sequences; s++) {
        for (int p = 0; p < l.before[s] + l.now[s]; p++) {
            // rows in a scattered order; 577 and ROWS are coprime
            int row = s > 0 && p < l.shared ? table[p] : (next_row++ * 577) % ROWS;
            table[s * WIDTH + p] = row;
            if (p >= l.before[s]) {
                rows[m] = row;
                seq[m] = s;
                pos[m++] = p;
            }
        }
    }
    float * qkv = normals(3 * c * m, 1.0f);
    // as stored in the cache: rounded if it is F16
    float * kr = copy_of(k, c * ROWS);
    float * vr = copy_of(v, c * ROWS);
    for (int i = 0; i < m; i++) {
        memcpy(kr + rows[i] * c, qkv + i * 3 * c + c, (size_t) c * 4);
        memcpy(vr + rows[i] * c, qkv + i * 3 * c + 2 * c, (size_t) c * 4);
    }
    if (type == GGML_TYPE_F16) {
        for (int64_t i = 0; i < c * ROWS; i++) {
            kr[i] = ggml_fp16_to_fp32(ggml_fp32_to_fp16(kr[i]));
            vr[i] = ggml_fp16_to_fp32(ggml_fp32_to_fp16(vr[i]));
        }
    }
    double scale = 1 / sqrt((double) d);
    double * want = calloc((size_t) (c * m), sizeof(double));
    for (int i = 0; i < m; i++) {
        for (int64_t h = 0; h < heads; h++) {
            double p[WIDTH], max = -1e300, sum = 0;
            for (int j = 0; j <= pos[i]; j++) {
                const float * kk = kr + table[seq[i] * WIDTH + j] * c + h * d;
                p[j] = 0;
                for (int64_t e = 0; e < d; e++) p[j] += (double) qkv[i * 3 * c + h * d + e] * kk[e];
                p[j] *= (double) (float) scale;
                if (p[j] > max) max = p[j];
            }
            for (int j = 0; j <= pos[i]; j++) sum += p[j] = exp(p[j] - max);
            for (int j = 0; j <= pos[i]; j++) {
                const float * vv = vr + table[seq[i] * WIDTH + j] * c + h * d;
                for (int64_t e = 0; e < d; e++) want[i * c + h * d + e] += p[j] / sum * vv[e];
            }
        }
    }
    for (int t = 0; t < TASKS; t++) {
        if (type == GGML_TYPE_F16) {
            for (int64_t i = 0; i < c * ROWS; i++) {
                ((ggml_fp16_t *) kt)[i] = ggml_fp32_to_fp16(k[i]);
                ((ggml_fp16_t *) vt)[i] = ggml_fp32_to_fp16(v[i]);
            }
        } else {
            memcpy(kt, k, (size_t) (c * ROWS) * 4);
            memcpy(vt, v, (size_t) (c * ROWS) * 4);
        }
        float * y = zeros(c * m);
        tensor a = over(GGML_TYPE_F32, 3 * c, m, qkv), b = over(type, c, ROWS, kt), cc = over(type, c, ROWS, vt),
               tr = over(GGML_TYPE_I32, m, 1, rows), ts = over(GGML_TYPE_I32, m, 1, seq), tp = over(GGML_TYPE_I32, m, 1, pos),
               tt = over(GGML_TYPE_I32, WIDTH, l.sequences, table), dst = over(GGML_TYPE_F32, c, m, y);
        dst.src[0] = &a, dst.src[1] = &b, dst.src[2] = &cc, dst.src[3] = &tr, dst.src[4] = &ts, dst.src[5] = &tp, dst.src[6] = &tt;
        struct ggml4j_params p = {.n_head = (int32_t) heads, .scale = (float) scale};
        run_op(ggml4j_op_attention_cached, &dst, tasks[t], &p);
        close_to("y", y, want, NULL, c * m, 3e-6);
        // every new row is in the cache, no other row has changed
        int wrong = 0;
        for (int64_t i = 0; i < c * ROWS; i++) {
            float gk = type == GGML_TYPE_F16 ? ggml_fp16_to_fp32(((ggml_fp16_t *) kt)[i]) : ((float *) kt)[i];
            float gv = type == GGML_TYPE_F16 ? ggml_fp16_to_fp32(((ggml_fp16_t *) vt)[i]) : ((float *) vt)[i];
            wrong += gk != kr[i] || gv != vr[i];
        }
        check(wrong == 0, "%d wrong values in the cache", wrong);
        free(y);
    }
    free(k), free(v), free(kt), free(vt), free(table), free(qkv), free(kr), free(vr), free(want);
}

static void test_attention(void) {
    static const struct layout layouts[] = {
        {1, {0}, {1}, 0},
        {1, {37}, {1}, 0},
        {5, {40, 40, 41, 50, 300}, {1, 1, 1, 1, 1}, 40},
        {1, {0}, {100}, 0},
        {2, {5, 0}, {33, 9}, 0},
        {3, {130, 130, 131}, {7, 1, 200}, 100},
        {1, {17}, {3}, 0},
    };
    static const int64_t heads[][2] = {{5, 16}, {3, 20}, {2, 64}, {12, 64}, {1, 80}, {2, 7}, {1, 64}};
    for (size_t h = 0; h < sizeof(heads) / sizeof(heads[0]); h++) {
        for (size_t l = 0; l < sizeof(layouts) / sizeof(layouts[0]); l++) {
            if (heads[h][0] == 12 && l > 2) continue;
            attention_case(heads[h][0], heads[h][1], GGML_TYPE_F32, layouts[l]);
            attention_case(heads[h][0], heads[h][1], GGML_TYPE_F16, layouts[l]);
        }
    }
}

// --- attention in training

static void attention_train_case(int64_t batch, int64_t t, int64_t heads, int64_t d, float dropout) {
    char name[120];
    snprintf(name, sizeof(name), "attention_train B=%lld T=%lld %lld heads of %lld dropout=%g", (long long) batch, (long long) t,
             (long long) heads, (long long) d, dropout);
    current = name;
    int64_t c = heads * d, m = batch * t;
    float * qkv = normals(3 * c * m, 1.0f);
    float * dout = normals(c * m, 1.0f);
    uint64_t seed = 0xFEDCBA9876543210ull;
    int32_t words[2] = {(int32_t) (seed & 0xFFFFFFFFu), (int32_t) (seed >> 32)};
    double * want = calloc((size_t) (c * m), sizeof(double));
    double * dq = calloc((size_t) (3 * c * m), sizeof(double));
    double scale = (double) (float) (1 / sqrt((double) d));
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t h = 0; h < heads; h++) {
            for (int64_t i = 0; i < t; i++) {
                double p[256], ds[256], kept[256], max = -1e300, sum = 0;
                const float * q = qkv + (b * t + i) * 3 * c + h * d;
                for (int64_t j = 0; j <= i; j++) {
                    p[j] = 0;
                    for (int64_t e = 0; e < d; e++) p[j] += scale * q[e] * qkv[(b * t + j) * 3 * c + c + h * d + e];
                    if (p[j] > max) max = p[j];
                }
                for (int64_t j = 0; j <= i; j++) sum += p[j] = exp(p[j] - max);
                double inner = 0;
                for (int64_t j = 0; j <= i; j++) {
                    p[j] /= sum;
                    uint64_t index = (uint64_t) (((b * heads + h) * t + i) * t + j);
                    kept[j] = dropout == 0 ? 1 : ggml4j_uniform(seed, 9, index) >= dropout ? 1 / (1 - (double) dropout) : 0;
                    const float * v = qkv + (b * t + j) * 3 * c + 2 * c + h * d;
                    ds[j] = 0;
                    for (int64_t e = 0; e < d; e++) {
                        double dy = dout[(b * t + i) * c + h * d + e];
                        want[(b * t + i) * c + h * d + e] += p[j] * kept[j] * v[e];
                        dq[(b * t + j) * 3 * c + 2 * c + h * d + e] += p[j] * kept[j] * dy;
                        ds[j] += dy * v[e] * kept[j];
                    }
                    inner += ds[j] * p[j];
                }
                for (int64_t j = 0; j <= i; j++) {
                    double g = p[j] * (ds[j] - inner) * scale;
                    for (int64_t e = 0; e < d; e++) {
                        dq[(b * t + i) * 3 * c + h * d + e] += g * qkv[(b * t + j) * 3 * c + c + h * d + e];
                        dq[(b * t + j) * 3 * c + c + h * d + e] += g * q[e];
                    }
                }
            }
        }
    }
    for (int k = 0; k < TASKS; k++) {
        float * y = zeros(c * m);
        float * g = zeros(3 * c * m);
        for (int64_t i = 0; i < 3 * c * m; i++) g[i] = NAN;
        tensor tq = over(GGML_TYPE_F32, 3 * c, m, qkv), ts = over(GGML_TYPE_I32, 2, 1, words), td = over(GGML_TYPE_F32, c, m, dout), dst = over(GGML_TYPE_F32, c, m, y), back = over(GGML_TYPE_F32, 3 * c, m, g);
        struct ggml4j_params p = {.n_head = (int32_t) heads, .n_seq = (int32_t) batch, .scale = (float) scale,
                                  .dropout = dropout, .site = 9};
        dst.src[0] = &tq, dst.src[1] = &ts;
        run_op(ggml4j_op_attention_forward, &dst, tasks[k], &p);
        close_to("y", y, want, NULL, c * m, 3e-6);
        back.src[0] = &tq, back.src[1] = &td, back.src[2] = &ts;
        run_op(ggml4j_op_attention_backward, &back, tasks[k], &p);
        close_to("dqkv", g, dq, NULL, 3 * c * m, 5e-6);
        free(y), free(g);
    }
    free(qkv), free(dout), free(want), free(dq);
}

static void test_attention_train(void) {
    attention_train_case(2, 24, 5, 16, 0.0f);
    attention_train_case(3, 77, 3, 20, 0.0f);
    attention_train_case(1, 128, 2, 64, 0.1f);
    attention_train_case(2, 130, 2, 64, 0.1f);
    attention_train_case(1, 1, 1, 7, 0.0f);
    attention_train_case(4, 9, 2, 80, 0.3f);
    attention_train_case(2, 200, 1, 16, 0.0f);
}

// --- cross entropy

static void cross_entropy_case(int64_t v, int64_t r, float spread) {
    char name[80];
    snprintf(name, sizeof(name), "cross_entropy V=%lld R=%lld spread=%g", (long long) v, (long long) r, spread);
    current = name;
    float * logits = normals(v * r, spread);
    int32_t * labels = malloc((size_t) r * sizeof(int32_t));
    double * loss = calloc((size_t) r, sizeof(double));
    double * grad = calloc((size_t) (v * r), sizeof(double));
    float factor = 0.125f;
    for (int64_t i = 0; i < r; i++) {
        labels[i] = i % 4 == 1 ? -100 : (int32_t) ((i * 7919) % v);
        if (labels[i] < 0) continue;
        double max = -1e300, sum = 0;
        for (int64_t j = 0; j < v; j++) max = fmax(max, logits[i * v + j]);
        for (int64_t j = 0; j < v; j++) sum += exp(logits[i * v + j] - max);
        loss[i] = log(sum) + max - logits[i * v + labels[i]];
        for (int64_t j = 0; j < v; j++) grad[i * v + j] = (double) factor * (exp(logits[i * v + j] - max) / sum - (j == labels[i]));
    }
    for (int t = 0; t < TASKS; t++) {
        float * x = copy_of(logits, v * r);
        float * out = zeros(r);
        tensor tl = over(GGML_TYPE_F32, v, r, x), ti = over(GGML_TYPE_I32, r, 1, labels), ts = over(GGML_TYPE_F32, 1, 1, &factor),
               dst = over(GGML_TYPE_F32, r, 1, out);
        struct ggml4j_params p = {.ignore_index = -100};
        dst.src[0] = &tl, dst.src[1] = &ti;
        run_op(ggml4j_op_cross_entropy, &dst, tasks[t], &p);
        close_to("loss", out, loss, NULL, r, 1e-6);
        check(memcmp(x, logits, (size_t) (v * r) * 4) == 0, "logits changed");
        memset(out, 0, (size_t) r * 4);
        dst.src[2] = &ts;
        run_op(ggml4j_op_cross_entropy, &dst, tasks[t], &p);
        close_to("loss", out, loss, NULL, r, 1e-6);
        double worst = 0;
        for (int64_t i = 0; i < v * r; i++) worst = fmax(worst, fabs(x[i] - grad[i]) - 1e-6 * fabs(grad[i]));
        check(worst < 1e-8, "gradient: %g", worst);
        free(x), free(out);
    }
    free(logits), free(labels), free(loss), free(grad);
}

// --- optimizers

static void test_optimizers(void) {
    enum { N = 10007 };
    for (int t = 0; t < TASKS; t++) {
        current = "sum_squares";
        float * g = normals(N, 2.0f);
        float sums[64];
        double want = 0, got = 0;
        for (int i = 0; i < N; i++) want += (double) g[i] * g[i];
        tensor tg = over(GGML_TYPE_F32, N, 1, g), dst = over(GGML_TYPE_F32, 64, 1, sums);
        struct ggml4j_params p = {0};
        dst.src[0] = &tg;
        run_op(ggml4j_op_sum_squares, &dst, tasks[t], &p);
        for (int i = 0; i < 64; i++) got += sums[i];
        check(fabs(got - want) < 1e-7 * want, "%.9g, expected %.9g", got, want);

        current = "adamw";
        float * w = normals(N, 1.0f);
        float * m = zeros(N);
        float * v = zeros(N);
        double pw[N], pm[N] = {0}, pv[N] = {0};
        for (int i = 0; i < N; i++) pw[i] = w[i];
        float dummy = 0;
        int good = 1;
        for (int step = 1; step <= 3; step++) {
            float * gr = normals(N, 1.0f);
            float b1 = 0.9f, b2 = 0.999f;
            float control[8] = {1e-2f, b1, b2, 1e-6f, 0.1f, (float) (1 / (1 - pow(0.9, step))), (float) (1 / (1 - pow(0.999, step))), 0.5f};
            for (int i = 0; i < N; i++) {
                double gi = (double) gr[i] * control[7];
                if (i < 4001) pw[i] *= 1 - (double) control[0] * control[4];
                pm[i] = b1 * pm[i] + (1 - (double) b1) * gi;
                pv[i] = b2 * pv[i] + (1 - (double) b2) * gi * gi;
                pw[i] -= control[0] * pm[i] * control[5] / (sqrt(pv[i] * control[6]) + (double) control[3]);
            }
            tensor a = over(GGML_TYPE_F32, N, 1, w), b = over(GGML_TYPE_F32, N, 1, gr), c = over(GGML_TYPE_F32, N, 1, m),
                   d = over(GGML_TYPE_F32, N, 1, v), e = over(GGML_TYPE_F32, 8, 1, control), none = over(GGML_TYPE_F32, 1, 1, &dummy);
            none.src[0] = &a, none.src[1] = &b, none.src[2] = &c, none.src[3] = &d, none.src[4] = &e;
            struct ggml4j_params q = {.offset = 4001};
            run_op(ggml4j_op_adamw, &none, tasks[t], &q);
            for (int i = 0; i < N; i++) good &= gr[i] == 0.0f;
            free(gr);
        }
        check(good, "gradients are not zero");
        close_to("p", w, pw, NULL, N, 1e-6);
        close_to("m", m, pm, NULL, N, 1e-6);
        close_to("v", v, pv, NULL, N, 1e-6);
        for (int nesterov = 0; nesterov < 2; nesterov++) {
            current = nesterov ? "sgd, nesterov" : "sgd";
            float * buf = zeros(N);
            double pb[N] = {0};
            for (int i = 0; i < N; i++) pw[i] = w[i];
            for (int step = 1; step <= 3; step++) {
                float * gr = normals(N, 1.0f);
                float control[7] = {1e-2f, 0.9f, nesterov ? 0.0f : 0.1f, 0.01f, (float) nesterov, step == 1, 0.5f};
                for (int i = 0; i < N; i++) {
                    double gi = (double) gr[i] * control[6] + (double) control[3] * pw[i];
                    pb[i] = step == 1 ? gi : (double) control[1] * pb[i] + (1 - (double) control[2]) * gi;
                    pw[i] -= (double) control[0] * (nesterov ? gi + (double) control[1] * pb[i] : pb[i]);
                }
                tensor a = over(GGML_TYPE_F32, N, 1, w), b = over(GGML_TYPE_F32, N, 1, gr), c = over(GGML_TYPE_F32, N, 1, buf),
                       e = over(GGML_TYPE_F32, 7, 1, control), none = over(GGML_TYPE_F32, 1, 1, &dummy);
                none.src[0] = &a, none.src[1] = &b, none.src[2] = &c, none.src[3] = &e;
                run_op(ggml4j_op_sgd, &none, tasks[t], &p);
                free(gr);
            }
            close_to("p", w, pw, NULL, N, 1e-6);
            free(buf);
        }
        free(g), free(w), free(m), free(v);
    }
}

// --- helpers

// For every quantized type: each F16 half of a block that makes a weight not finite must be found, and no other half.
static void test_nonfinite_blocks(void) {
    enum { N = 256 * 300, BAD = 256 * 299 };
    float * dense = normals(N, 0.1f);
    float wide[256];
    for (int type = 0; type < GGML_TYPE_COUNT; type++) {
        const struct ggml_type_traits * traits = ggml_get_type_traits((enum ggml_type) type);
        if (!traits->is_quantized || traits->to_float == NULL || traits->from_float_ref == NULL) continue;
        if (type == GGML_TYPE_Q8_1 || type == GGML_TYPE_Q8_K || ggml_quantize_requires_imatrix((enum ggml_type) type)) continue;
        current = traits->type_name;
        char * data = aligned(traits->type_size * (size_t) (N / traits->blck_size));
        ggml_quantize_chunk((enum ggml_type) type, dense, data, 0, 1, N, NULL);
        check(ggml4j_first_nonfinite(data, (enum ggml_type) type, N, 3) == -1, "finite");
        char * block = data + traits->type_size * (size_t) (BAD / traits->blck_size);
        int found = 0;
        for (size_t at = 0; at + 2 <= traits->type_size; at++) {
            char old[2];
            memcpy(old, block + at, 2);
            memset(block + at, 0xFF, 2);
            traits->to_float(block, wide, traits->blck_size);
            int bad = 0;
            for (int64_t i = 0; i < traits->blck_size; i++) bad |= !isfinite(wide[i]);
            found += bad;
            int64_t first = ggml4j_first_nonfinite(block, (enum ggml_type) type, 256, 1);
            check(first == (bad ? 0 : -1), "bytes %d of the block: %lld", (int) at, (long long) first);
            if (bad) check(ggml4j_first_nonfinite(data, (enum ggml_type) type, N, 3) == BAD, "bytes %d of a late block", (int) at);
            memcpy(block + at, old, 2);
        }
        check(found > 0 || type == GGML_TYPE_NVFP4, "no scale"); // NVFP4's NaN counts as 0
        free(data);
    }
    free(dense);
}

static void test_helpers(void) {
    current = "transpose";
    enum { ROWS = 301, COLUMNS = 517 };
    uint32_t * a = aligned(ROWS * COLUMNS * 4);
    uint32_t * b = aligned(ROWS * COLUMNS * 4);
    for (int i = 0; i < ROWS * COLUMNS; i++) a[i] = (uint32_t) i * 2654435761u;
    int wrong = 0;
    for (int threads = 0; threads <= 3; threads++) {
        memset(b, 0, ROWS * COLUMNS * 4);
        ggml4j_transpose(b, a, ROWS, COLUMNS, 4, threads);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++) wrong += b[c * ROWS + r] != a[r * COLUMNS + c];
        memset(b, 0, ROWS * COLUMNS * 4);
        ggml4j_transpose(b, a, ROWS, COLUMNS, 2, threads);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLUMNS; c++) wrong += ((uint16_t *) b)[c * ROWS + r] != ((uint16_t *) a)[r * COLUMNS + c];
    }
    check(wrong == 0, "%d wrong", wrong);
    current = "first_nonfinite";
    float * x = normals(100001, 1e30f);
    ggml_fp16_t * h = aligned(100001 * 2);
    check(ggml4j_first_nonfinite(x, GGML_TYPE_F32, 100001, 2) == -1, "finite");
    check(ggml4j_first_nonfinite(h, GGML_TYPE_F16, 100001, 2) == -1, "finite");
    check(ggml4j_first_nonfinite(x, GGML_TYPE_F32, 0, 2) == -1, "nothing");
    for (int at = 0; at < 100001; at += 20000) {
        float old = x[at];
        x[at] = at % 40000 ? NAN : -INFINITY;
        check(ggml4j_first_nonfinite(x, GGML_TYPE_F32, 100001, 3) == at, "not finite at %d", at);
        x[at] = old;
        h[at] = 0x7E00;
        check(ggml4j_first_nonfinite(h, GGML_TYPE_F16, 100001, 3) == at, "not finite at %d", at);
        h[at] = 0x7F80 - 0x4000; // finite in BF16
        check(ggml4j_first_nonfinite(h, GGML_TYPE_BF16, 100001, 3) == -1, "finite at %d", at);
        h[at] = 0xFF80;
        check(ggml4j_first_nonfinite(h, GGML_TYPE_BF16, 100001, 3) == at, "not finite at %d", at);
        h[at] = 0;
    }
    test_nonfinite_blocks();
    free(a), free(b), free(x), free(h);
}

int main(int argc, char ** argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER_OF_LIBRARIES [PART]\n", argv[0]);
        return 2;
    }
    harness_init(argv[1]);
    static const struct {
        const char * name;
        void (*run)(void);
    } parts[] = {{"linear", test_linear},       {"linear_backward", test_linear_backward}, {"embedding", test_embedding},
                 {"layer_norm", test_layer_norm}, {"activation", test_activation},           {"dropout", test_dropout},
                 {"nan", test_nan},
                 {"attention", test_attention}, {"attention_train", test_attention_train}, {"optimizers", test_optimizers},
                 {"helpers", test_helpers}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (argc > 2 && strcmp(argv[2], parts[i].name) != 0) continue;
        double start = now();
        parts[i].run();
        printf("%-16s %6.2f s\n", parts[i].name, now() - start);
    }
    if (argc == 2 || strcmp(argv[2], "cross_entropy") == 0) {
        cross_entropy_case(1003, 9, 1);
        cross_entropy_case(50257, 5, 3);
        cross_entropy_case(17, 3, 50);
        cross_entropy_case(3, 2, 1);
    }
    printf("%s: %d checks, %d failed\n", ggml4j_kernel_isa(), checks, failures);
    return failures != 0;
}
