// Softmax cross entropy over the vocabulary, as torch.nn.functional.cross_entropy with reduction="none".
#include "kernels.h"
#include "vec.h"

// loss (R) = log(sum(exp(logits))) - logits[label], 0 for ignored labels.
// src = logits (R, V), labels (R), [scale (1)]; dst = loss.
// With scale, logits become their gradient: scale * (softmax(logits) - onehot(label)). Tasks split R.
void G4_NAME(g4_cross_entropy)(struct ggml_tensor * dst, int ith, int nth, void * userdata) {
    const struct ggml4j_params * p = userdata;
    const struct ggml_tensor * logits = dst->src[0];
    const int32_t * labels = dst->src[1]->data;
    const float * scale = dst->src[2] != NULL ? dst->src[2]->data : NULL;
    float * loss = dst->data;
    int64_t v = logits->ne[0], from, to;
    g4_range(logits->ne[1], 1, ith, nth, &from, &to);
    for (int64_t r = from; r < to; r++) {
        float * x = (float *) logits->data + r * v;
        if (labels[r] == p->ignore_index) {
            loss[r] = 0.0f;
            if (scale != NULL) memset(x, 0, (size_t) v * sizeof(float));
            continue;
        }
        vf top = vset(-INFINITY);
        int64_t i = 0;
        for (; i + VL <= v; i += VL) top = vmaxf(top, vload(x + i));
        if (i < v) top = vmaxf(top, vload_part(x + i, v - i, -INFINITY));
        float max = vmaxall(top);
        float label = x[labels[r]];
        double sum = 0;
        enum { STRIDE = 4096 }; // sums of STRIDE numbers in float, their sum in double
        for (int64_t s = 0; s < v; s += STRIDE) {
            int64_t end = s + STRIDE < v ? s + STRIDE : v;
            vf part = vset(0.0f);
            for (i = s; i + VL <= end; i += VL) {
                vf e = vexp(vload(x + i) - max);
                part += e;
                if (scale != NULL) vstore(x + i, e);
            }
            if (i < end) {
                vf e = vexp(vload_part(x + i, end - i, -INFINITY) - max);
                part += e;
                if (scale != NULL) vstore_part(x + i, e, end - i);
            }
            sum += vsum(part);
        }
        loss[r] = (float) (log(sum) + max - label);
        if (scale != NULL) {
            float factor = (float) (*scale / sum);
            for (i = 0; i < v; i++) x[i] *= factor;
            x[labels[r]] -= *scale;
        }
    }
}
