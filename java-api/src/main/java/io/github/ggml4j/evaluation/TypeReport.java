package io.github.ggml4j.evaluation;

import io.github.ggml4j.quantization.Quantization;

/**
 * What a type costs and saves.
 *
 * @param type what the model was written as
 * @param bytes of the file
 * @param bitsPerWeight of the file, everything in it included
 * @param prompt how fast prompts are read
 * @param decode how fast one text is generated
 * @param loss how far its predictions are from those of the model that it was made from
 */
public record TypeReport(
    Quantization type,
    long bytes,
    double bitsPerWeight,
    Speed prompt,
    Speed decode,
    KlDivergenceResult loss) {}
