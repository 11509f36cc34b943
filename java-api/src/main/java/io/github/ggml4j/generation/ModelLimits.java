package io.github.ggml4j.generation;

import java.util.List;

/**
 * What a generation must know of its model.
 *
 * @param maxLength most tokens of a sequence
 * @param eosTokenIds ids that end a sequence
 */
record ModelLimits(int vocabSize, int maxLength, List<Integer> eosTokenIds) {}
