/**
 * Checkpoints of TensorFlow, the form in which OpenAI published GPT-2: an index, which is a sorted
 * table of names as LevelDB's, and files of raw tensors, mapped into memory.
 */
@NullMarked
package io.github.ggml4j.format.tensorflow;

import org.jspecify.annotations.NullMarked;
