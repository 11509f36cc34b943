// llama_logits MODEL.gguf "1,2,3" OUT(.npy|.bin) [--step] [--f16-cache]
// Writes the logits after each token, F32 (tokens, vocabulary). --step: one token at a time through the cache.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
#include "llama.h"

static void fail(const std::string & what) { fprintf(stderr, "llama_logits: %s\n", what.c_str()); exit(1); }

int main(int argc, char ** argv) {
    if (argc < 4) { fail("usage: llama_logits MODEL.gguf \"1,2,3\" OUT(.npy|.bin) [--step] [--f16-cache]"); }
    bool step = false, f16 = false;
    for (int i = 4; i < argc; i++) {
        if (!strcmp(argv[i], "--step")) step = true;
        else if (!strcmp(argv[i], "--f16-cache")) f16 = true;
        else fail(std::string("unknown option ") + argv[i]);
    }
    std::vector<llama_token> tokens;
    for (char * p = argv[2]; *p;) {
        char * end;
        long v = strtol(p, &end, 10);
        if (end == p) fail(std::string("not a list of ids: ") + argv[2]);
        tokens.push_back((llama_token) v);
        p = *end ? end + 1 : end;
    }
    llama_log_set([](enum ggml_log_level level, const char * text, void *) {
        if (level >= GGML_LOG_LEVEL_WARN) fputs(text, stderr);
    }, nullptr);
    llama_backend_init();
    llama_model_params mp = llama_model_default_params();
    llama_model * model = llama_model_load_from_file(argv[1], mp);
    if (!model) fail(std::string("cannot load ") + argv[1]);
    const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(model));
    for (llama_token t : tokens) if (t < 0 || t >= vocab) fail("token id out of range: " + std::to_string(t));

    llama_context_params cp = llama_context_default_params();
    cp.n_ctx = (uint32_t) tokens.size();
    cp.n_batch = cp.n_ubatch = (uint32_t) tokens.size();
    cp.n_threads = cp.n_threads_batch = 1;
    cp.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    if (!f16) cp.type_k = cp.type_v = GGML_TYPE_F32;
    llama_context * ctx = llama_init_from_model(model, cp);
    if (!ctx) fail("no context");

    const size_t n = tokens.size();
    std::vector<float> out(n * vocab);
    llama_batch batch = llama_batch_init((int32_t) n, 0, 1);
    for (size_t start = 0; start < n;) {
        const size_t count = step ? 1 : n;
        batch.n_tokens = (int32_t) count;
        for (size_t i = 0; i < count; i++) {
            batch.token[i] = tokens[start + i];
            batch.pos[i] = (llama_pos) (start + i);
            batch.n_seq_id[i] = 1;
            batch.seq_id[i][0] = 0;
            batch.logits[i] = 1;
        }
        if (llama_decode(ctx, batch) != 0) fail("llama_decode failed");
        for (size_t i = 0; i < count; i++) {
            memcpy(out.data() + (start + i) * vocab, llama_get_logits_ith(ctx, (int32_t) i), vocab * sizeof(float));
        }
        start += count;
    }

    FILE * f = fopen(argv[3], "wb");
    if (!f) fail(std::string("cannot write ") + argv[3]);
    if (strlen(argv[3]) > 4 && !strcmp(argv[3] + strlen(argv[3]) - 4, ".npy")) {
        std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(n) + ", " + std::to_string(vocab) + "), }";
        while ((10 + header.size() + 1) % 64) header += ' ';
        header += '\n';
        uint16_t length = (uint16_t) header.size();
        fwrite("\x93NUMPY\x01\x00", 1, 8, f);
        fwrite(&length, 2, 1, f);
        fwrite(header.data(), 1, header.size(), f);
    }
    fwrite(out.data(), sizeof(float), out.size(), f);
    if (fclose(f) != 0) fail("write failed");
    const float * last = out.data() + (n - 1) * vocab;
    int best = 0;
    for (int i = 1; i < vocab; i++) if (last[i] > last[best]) best = i;
    printf("{\"tokens\": %zu, \"vocabulary\": %d, \"last_argmax\": %d, \"last_max\": %.6f}\n", n, vocab, best, last[best]);
    return 0;
}
