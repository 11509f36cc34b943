// Layer normalization (Ba et al. 2016, arXiv:1607.06450), forward and backward. M rows of C channels, row-major.
#include "kernels.h"
#include "vec.h"

// rstd = 1 / sqrt(variance + eps)
struct row_moments {
    float mean, rstd;
};

// Of one row x (C). Two passes, lanes are summed in double: otherwise the variance of rows with a large mean would be wrong.
static struct row_moments layernorm_moments(const float * x, int64_t c, float eps) {
    vf sum = vset(0.0f);
    int64_t i = 0;
    for (; i + VL <= c; i += VL) sum += vload(x + i);
    double total = 0;
    for (int l = 0; l < VL; l++) total += sum[l];
    for (int64_t j = i; j < c; j++) total += x[j];
    float mean = (float) (total / (double) c);
    vf squares = vset(0.0f);
    for (i = 0; i + VL <= c; i += VL) {
        vf d = vload(x + i) - mean;
        squares += d * d;
    }
    double variance = 0;
    for (int l = 0; l < VL; l++) variance += squares[l];
    for (; i < c; i++) variance += (double) (x[i] - mean) * (x[i] - mean);
    return (struct row_moments) {mean, (float) (1.0 / sqrt(variance / (double) c + eps))};
}

// y (M, C) = (x - mean) rstd w + b. src = x (M, C), w (C), b (C); dst = y. Tasks split M.
void G4_NAME(g4_layernorm_forward)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const float * w = dst->src[1]->data;
    const float * b = dst->src[2]->data;
    int64_t c = dst->ne[0], from, to;
    g4_range(dst->ne[1], 1, ith, nth, &from, &to);
    for (int64_t m = from; m < to; m++) {
        const float * x = (const float *) dst->src[0]->data + m * c;
        float * y = (float *) dst->data + m * c;
        struct row_moments s = layernorm_moments(x, c, p->eps);
        for (int64_t i = 0; i < c; i++) y[i] = (x[i] - s.mean) * s.rstd * w[i] + b[i];
    }
}

// With n = (x - mean) rstd and g = dy w: dx = (g - mean(g) - n mean(g n)) rstd.
// src = x (M, C), w (C), dy (M, C); dst = dx (M, C). Tasks split M.
void G4_NAME(g4_layernorm_backward_dx)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const float * w = dst->src[1]->data;
    int64_t c = dst->ne[0], from, to;
    g4_range(dst->ne[1], 1, ith, nth, &from, &to);
    for (int64_t m = from; m < to; m++) {
        const float * x = (const float *) dst->src[0]->data + m * c;
        const float * dy = (const float *) dst->src[2]->data + m * c;
        float * dx = (float *) dst->data + m * c;
        struct row_moments s = layernorm_moments(x, c, p->eps);
        vf a = vset(0.0f), b = vset(0.0f);
        double sum_g = 0, sum_gn = 0;
        int64_t i = 0;
        for (; i + VL <= c; i += VL) {
            vf g = vload(dy + i) * vload(w + i);
            a += g;
            b += g * (vload(x + i) - s.mean) * s.rstd;
        }
        for (int l = 0; l < VL; l++) {
            sum_g += a[l];
            sum_gn += b[l];
        }
        for (; i < c; i++) {
            sum_g += dy[i] * w[i];
            sum_gn += dy[i] * w[i] * (x[i] - s.mean) * s.rstd;
        }
        float mean_g = (float) (sum_g / (double) c), mean_gn = (float) (sum_gn / (double) c);
        for (i = 0; i < c; i++) {
            float n = (x[i] - s.mean) * s.rstd;
            dx[i] = (dy[i] * w[i] - mean_g - n * mean_gn) * s.rstd;
        }
    }
}

// dw (C) += sum over M of dy n, db (C) += sum over M of dy. src = x (M, C), dy (M, C), dw (C), db (C); dst unused. Tasks split C.
void G4_NAME(g4_layernorm_backward_dw)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const struct ggml_tensor * tx = dst->src[0];
    float * dw = dst->src[2]->data;
    float * db = dst->src[3]->data;
    int64_t c = tx->ne[0], from, to;
    g4_range(c, VL, ith, nth, &from, &to);
    for (int64_t m = 0; m < tx->ne[1]; m++) {
        const float * x = (const float *) tx->data + m * c;
        const float * dy = (const float *) dst->src[1]->data + m * c;
        struct row_moments s = layernorm_moments(x, c, p->eps);
        for (int64_t i = from; i < to; i++) {
            dw[i] += dy[i] * (x[i] - s.mean) * s.rstd;
            db[i] += dy[i];
        }
    }
}
